"""Every bug of the corpus comes back on the kernel that has it, and stays away from the one where it is fixed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig, needs_probe
from harness.lane.outcome import Verdict
from tests import CORPUS, KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, Expectation
from usbfuzz.jobs.replay import replay
from usbfuzz.leftovers import is_leak

pytestmark = pytest.mark.guest

EXAMPLE = KNOWN_BUGS / "quatech2-bulk-null.toml"
TITLE = "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback"
CHANCE = 1e-4  #: that a bug which comes as often as is recorded stays away in a test
VULNERABLE, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"
#: Of what campaigns found only what the probe sees: the others need many snapshots of their own.
CASES = (
    *((path.stem, load(path)) for path in sorted(KNOWN_BUGS.glob("*.toml"))),
    *(
        (path.stem, load(path))
        for path in sorted((CORPUS / "found").glob("*.toml"))
        if needs_probe(load(path).recorded_names)
    ),
)


def _expectations(shown: bool) -> list[object]:
    """Case and kernel for each place where a bug is recorded to show, or not to; those of one snapshot in a row."""
    found = [
        (name, case, row)
        for name, case in CASES
        for row in case.expect
        if bool(row.title) == shown and row.kernel in (VULNERABLE, FIXED)  # the others are for usbfuzz regress
    ]
    found.sort(key=lambda found_case: (found_case[2].kernel, found_case[1].guest.kernel_params))
    return [pytest.param(case, row, id=f"{name} on {row.kernel}", marks=_group(case, row)) for name, case, row in found]


def _group(case: Case, row: Expectation) -> pytest.MarkDecorator:
    """Those who share a snapshot, so that two test processes do not wait for each other to boot it."""
    return pytest.mark.xdist_group("-".join((row.kernel, *case.guest.kernel_params)))


def _config(case: Case, config: LaneConfig) -> LaneConfig:
    """With heap checks where they are what shows the bug."""
    names = case.recorded_names
    return evolve(config, probing=Probing(heap=Heap.REPORT)) if needs_probe(names) or is_leak(names) else config


@pytest.mark.parametrize(("case", "recorded"), _expectations(shown=True))
def test_a_known_bug_comes_back(case: Case, recorded: Expectation, guest: Callable[..., LaneConfig]) -> None:
    config = _config(case, guest(recorded.kernel))
    result = asyncio.run(replay(case, config, times=recorded.runs_for(CHANCE)))
    assert result.hits, result.titles
    outcome = result.best
    assert recorded.names & outcome.reports[0].names
    assert outcome.requests > 0


@pytest.mark.parametrize(("case", "recorded"), _expectations(shown=False))
def test_a_fixed_bug_stays_away(case: Case, recorded: Expectation, guest: Callable[..., LaneConfig]) -> None:
    result = asyncio.run(replay(case, _config(case, guest(recorded.kernel)), times=1))
    (outcome,) = result.outcomes
    assert outcome.verdict is Verdict.CLEAN
    assert outcome.enumerated == sum(event.action is Action.PLUG for event in case.events)
    assert not outcome.dilated
    assert result.hits == 0


def test_a_bug_comes_back_on_every_fresh_guest(guest: Callable[..., LaneConfig]) -> None:
    result = asyncio.run(replay(load(EXAMPLE), guest(VULNERABLE), times=3))
    assert result.titles == (TITLE,) * 3
    assert result.hits == 3


def _command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "usbfuzz", "replay", str(EXAMPLE), "--mode", "warp", *words],
        cwd=KNOWN_BUGS.parent.parent,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_command_says_reproduced_on_one_screen(guest: Callable[..., LaneConfig]) -> None:
    guest(VULNERABLE)
    done = _command()
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[-1] == "reproduced 1 of 1"
    assert any(line.startswith(f" ✗ run 1: {TITLE}") for line in lines)
    assert f"recorded  {TITLE}" in done.stdout
    assert "Modules linked in" not in done.stdout
    assert len(lines) < 130


def test_the_command_says_not_reproduced_on_the_fixed_kernel(guest: Callable[..., LaneConfig]) -> None:
    guest(FIXED)
    done = _command("--kernel", FIXED)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "not reproduced 0 of 1"
    assert " · run 1: clean" in done.stdout
