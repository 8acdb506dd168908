"""What a cell says of the bug that is looked for: there, not there, another one, or not known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from tests import KNOWN_BUGS
from tests.crashes.saving import evidence, store_in
from usbfuzz.case import save
from usbfuzz.case.model import Expectation
from usbfuzz.crashes.record import How
from usbfuzz.errors import BootError, CaseError
from usbfuzz.jobs.regress import presence as presence_module
from usbfuzz.jobs.regress.matrix import Cell, Entry, Observation
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown, find_presence, presence_of
from usbfuzz.jobs.regress.run import RegressOptions

from .cells import CASE, KERNEL, OOPS, cell, column, entry, report, seen

BUG = Bug.read(KNOWN_BUGS / "quatech2-bulk-null.toml")


def _cell(*runs: Observation, error: BootError | None = None) -> Cell:
    return cell(entry(BUG.on(KERNEL)), column(), *runs, error=error)


def test_one_run_that_shows_the_bug_is_enough() -> None:
    found = presence_of(_cell(seen(), seen(report())))
    assert (found.kernel, found.shown, found.runs) == (KERNEL, Shown.YES, 2)


def test_a_bug_that_stayed_away_is_not_there() -> None:
    found = presence_of(_cell(seen(), seen(), seen()))
    assert (found.shown, found.runs) == (Shown.NO, 3)


def test_another_crash_is_named() -> None:
    found = presence_of(_cell(seen(), seen(report("hang in f"))))
    assert (found.shown, found.other) == (Shown.OTHER, "hang in f")


def test_runs_that_were_answered_too_late_tell_nothing() -> None:
    late = presence_of(_cell(seen(trusted=False)))
    assert late.shown is Shown.UNKNOWN
    assert "answered too late" in str(late.error)
    assert late.late
    assert presence_of(_cell(seen(trusted=False), seen())).runs == 1


def test_a_kernel_that_was_answered_too_late_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[dict[str, tuple[Observation, ...]]] = [
        {"a": (seen(trusted=False),), "b": (seen(report()),)},
        {"a": (seen(), seen(), seen())},
    ]

    async def run(options: RegressOptions, entries: tuple[Entry, ...], **said: Callable[..., None]) -> None:
        answers = rounds.pop(0)
        assert options.kernels == tuple(answers)
        for spec, runs in answers.items():
            said["on_cell"](cell(entries[0], column(spec, spec), *runs))

    monkeypatch.setattr(presence_module, "run_regress", run)
    told: list[Presence] = []
    found = asyncio.run(find_presence(BUG, RegressOptions(("a", "b")), on_found=told.append))
    assert [(presence.spec, presence.shown) for presence in found] == [("a", Shown.NO), ("b", Shown.YES)]
    assert [presence.spec for presence in told] == ["b", "a"]


def test_a_kernel_that_is_always_answered_too_late_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    async def run(options: RegressOptions, entries: tuple[Entry, ...], **said: Callable[..., None]) -> None:
        asked.append(options.kernels)
        said["on_cell"](cell(entries[0], column("a", "a"), seen(trusted=False)))

    monkeypatch.setattr(presence_module, "run_regress", run)
    told: list[Presence] = []
    found = asyncio.run(find_presence(BUG, RegressOptions(("a",)), on_found=told.append))
    assert (*found,) == (*told,)
    assert asked == [("a",)] * 3


def test_a_kernel_that_does_not_boot_tells_nothing() -> None:
    error = BootError("it panicked")
    found = presence_of(_cell(error=error))
    assert (found.shown, found.error, found.late) == (Shown.UNKNOWN, error, False)


def test_where_no_crash_is_recorded_any_is_another_one(tmp_path: Path) -> None:
    save(tmp_path / "mouse.toml", CASE)
    bug = Bug.read(tmp_path / "mouse.toml")
    assert (bug.title, bug.kernel) == ("", "")
    asked = entry(bug.on(KERNEL))
    assert presence_of(cell(asked, column(), seen(report()))).shown is Shown.OTHER
    assert presence_of(cell(asked, column(), seen(), seen(), seen())).shown is Shown.NO


def test_all_names_of_a_bug_are_looked_for(tmp_path: Path) -> None:
    rows = (Expectation("debian:6.1", OOPS), Expectation("debian:6.12", "hang in f", ("hang in g",)))
    save(tmp_path / "mouse.toml", evolve(CASE, expect=rows))
    bug = Bug.read(tmp_path / "mouse.toml")
    assert bug.on("tree:/src").names == {OOPS, "hang in f", "hang in g"}
    assert bug.kernel == "debian:6.1"


@pytest.mark.parametrize(("hits", "runs", "percent"), [(3, 3, 100), (2, 10, 20), (0, 4, 1)])
def test_how_often_a_crash_comes_is_taken_from_its_directory(
    tmp_path: Path, hits: int, runs: int, percent: int
) -> None:
    store = store_in(tmp_path)
    crash, _ = store.sighted(evidence())
    store.attributed(crash.slug, evidence(how=How.ALONE, hits=hits, runs=runs))
    assert Bug.read(tmp_path / crash.slug).reliability == percent


def test_what_is_no_case_is_said(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"holds no case\.toml"):
        Bug.read(tmp_path)
