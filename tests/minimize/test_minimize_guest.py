"""Fat cases of known bugs become as small as those made by hand, on real guests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS
from usbfuzz.case import load, save
from usbfuzz.case.parts import weight
from usbfuzz.crashes.minimized import load_result

from .bloat import FACTOR, bloat

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]

VULNERABLE, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"


def _minimize(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "usbfuzz", "minimize", *words, "--mode", "warp"],
        cwd=KNOWN_BUGS.parent.parent,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def test_a_bloated_case_comes_back_to_the_size_of_the_hand_made_one(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    guest(VULNERABLE)
    case = load(KNOWN_BUGS / "quatech2-bulk-null.toml")
    fat = bloat(case, 1)
    assert weight(fat) >= FACTOR * weight(case)
    directory = tmp_path / "crash"
    directory.mkdir()
    save(directory / "case.toml", fat)
    done = _minimize(str(directory), "--no-confirm")
    assert done.returncode == 0, done.stderr
    found = load_result(directory)
    assert found is not None
    assert found.complete
    assert found.after == weight(found.case) <= 1.2 * weight(case)
    assert found.hits >= 9
    assert found.runs == 10
    assert found.marks
    assert load(directory / "original.toml") == fat
    assert "nothing more can go" in done.stdout


def test_a_case_that_does_not_show_its_bug_is_left_alone(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    guest(FIXED)
    path = tmp_path / "case.toml"
    save(path, load(KNOWN_BUGS / "quatech2-bulk-null.toml"))
    done = _minimize(str(path), "--kernel", FIXED)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "not reproduced: nothing to minimize"
    assert [path.name for path in tmp_path.iterdir()] == ["case.toml"]
