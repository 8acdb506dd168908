"""Console logs of real guests and the reports in them: golden/triage/NNN.log, NNN.json.

``USBFUZZ_UPDATE_GOLDEN=1 pytest tests/triage/test_golden.py`` writes the answers anew; review them as a diff.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from attrs import asdict

from tests import TESTS
from usbfuzz.triage import extract

_GOLDEN = TESTS / "triage" / "golden"
_LOGS = sorted(_GOLDEN.glob("*.log"))
_UPDATE = os.environ.get("USBFUZZ_UPDATE_GOLDEN") == "1"


@pytest.mark.parametrize("log", _LOGS, ids=lambda log: log.stem)
def test_a_golden_log_has_the_same_reports_as_ever(log: Path) -> None:
    reports = json.loads(json.dumps([asdict(report) for report in extract(log.read_bytes())]))
    answer = log.with_suffix(".json")
    if _UPDATE:
        answer.write_text(json.dumps(reports, indent=2) + "\n")
    assert reports == json.loads(answer.read_text())


def test_every_golden_answer_has_its_log() -> None:
    assert {path.stem for path in _GOLDEN.glob("*.json")} == {log.stem for log in _LOGS}
    assert _LOGS
