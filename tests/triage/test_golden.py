"""Console logs of real guests and of other machines, and the reports found in them (golden/).

``USBFUZZ_UPDATE_GOLDEN=1 pytest tests/triage/test_golden.py`` writes the headers anew; review the diff. To add one,
save a console log with an empty line before it as ``golden/NNN`` and update.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from attrs import evolve

from usbfuzz.triage import extract

from .golden_files import GOLDEN, described, read, write

FILES = sorted(GOLDEN.iterdir())
UPDATE = os.environ.get("USBFUZZ_UPDATE_GOLDEN") == "1"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_golden_log_has_the_same_reports_as_ever(path: Path) -> None:
    golden = read(path)
    found = described(extract(golden.log))
    if UPDATE:
        write(path, evolve(golden, header=found))
    assert found == read(path).header


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_text_of_a_report_is_lines_of_its_log(path: Path) -> None:
    log = read(path).log
    for report in extract(log):
        assert report.text
        assert all(line.encode() in log for line in report.text.splitlines())
