"""A bisection asks few kernels, skips those that tell nothing, and says no more than was seen."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.bisect.archive import Bisection, Range
from usbfuzz.jobs.bisect.search import Change, History
from usbfuzz.jobs.regress.presence import Presence, Shown

YES, NO, OTHER, UNKNOWN = Shown.YES, Shown.NO, Shown.OTHER, Shown.UNKNOWN
_LETTERS = {"+": YES, "-": NO, "!": OTHER, "?": UNKNOWN}


def _kernels(shown: str) -> dict[str, Shown]:
    """A kernel for each letter, of one series, oldest first."""
    return {f"debian:6.1.{number}-1": _LETTERS[letter] for number, letter in enumerate(shown, 100)}


def _bisected(
    kernels: Mapping[str, Shown],
    *,
    any_crash: bool = False,
    every_series: bool = False,
    recorded: str = "",
    here: str = "",
) -> tuple[History, list[str]]:
    """The history, and the kernels in the order in which they were asked."""
    asked: list[str] = []

    async def ask(names: Sequence[str]) -> Sequence[Presence]:
        asked.extend(names)
        return [Presence(name, name, kernels[name]) for name in names]

    chosen = Range(tuple(kernels), recorded, every_series, frozenset(filter(None, [here])))
    return asyncio.run(Bisection(chosen, ask, any_crash).run()), asked


def _places(change: Change, kernels: Mapping[str, Shown]) -> tuple[int, int, bool]:
    return [*kernels].index(change.before), [*kernels].index(change.after), change.came


@pytest.mark.parametrize(
    ("shown", "changes"),
    [
        ("----++++", [(3, 4, True)]),
        ("++++++--", [(5, 6, False)]),
        ("+-", [(0, 1, False)]),
        ("++++", []),
        ("----", []),
        ("??--?++?", [(3, 5, True)]),
        ("????", []),
        ("--!!++", [(1, 4, True)]),
    ],
)
def test_the_two_kernels_that_differ_are_found(shown: str, changes: list[tuple[int, int, bool]]) -> None:
    kernels = _kernels(shown)
    history, _ = _bisected(kernels)
    assert [_places(change, kernels) for change in history.changes] == changes


def test_of_many_kernels_few_are_asked() -> None:
    kernels = _kernels("-" * 37 + "+" * 27)
    history, asked = _bisected(kernels)
    assert [_places(change, kernels) for change in history.changes] == [(36, 37, True)]
    assert len(asked) <= 2 + 6


def test_kernels_between_the_two_that_tell_nothing_are_named() -> None:
    kernels = _kernels("--??++")
    history, _ = _bisected(kernels)
    (change,) = history.changes
    assert change.skipped == ("debian:6.1.102-1", "debian:6.1.103-1")


def test_a_bug_that_came_and_went_is_found_by_the_kernel_it_was_recorded_on() -> None:
    kernels = _kernels("-----++-------")
    recorded = "debian:6.1.106-1"
    history, asked = _bisected(kernels, recorded=recorded)
    assert [_places(change, kernels) for change in history.changes] == [(4, 5, True), (6, 7, False)]
    assert asked[0] == recorded
    assert not _bisected(kernels)[0].changes


def test_kernels_that_are_here_are_all_asked_before_a_bug_is_called_absent() -> None:
    kernels = _kernels("---+---")
    history, _ = _bisected(kernels, here="debian:6.1.103-1")
    assert [_places(change, kernels) for change in history.changes] == [(2, 3, True), (3, 4, False)]


def test_the_ends_of_each_series_are_asked_where_that_is_wanted() -> None:
    kernels = {
        "debian:5.10.218-1": YES,
        "debian:5.10.262-1": NO,
        "debian:6.1.170-1": YES,
        "debian:6.1.192-1": NO,
        "debian:6.12.118-1": NO,
    }
    assert len(_bisected(kernels)[0].changes) == 1
    history, asked = _bisected(kernels, every_series=True)
    assert [_places(change, kernels) for change in history.changes] == [(0, 1, False), (1, 2, True), (2, 3, False)]
    assert sorted(asked) == sorted(kernels)


def test_any_crash_counts_where_that_is_wanted() -> None:
    kernels = _kernels("--!!")
    assert not _bisected(kernels)[0].changes
    assert [_places(change, kernels) for change in _bisected(kernels, any_crash=True)[0].changes] == [(1, 2, True)]


def test_another_name_of_a_kernel_that_was_asked_tells_nothing() -> None:
    async def ask(names: Sequence[str]) -> Sequence[Presence]:
        return [Presence(names[0], "debian:6.1.100-1", YES)]

    history = asyncio.run(Bisection(Range(("debian:6.1.100", "debian:6.1.100-1")), ask).run())
    assert history.shown == {"debian:6.1.100": YES, "debian:6.1.100-1": UNKNOWN}


@given(st.text(alphabet="+-!?", min_size=1, max_size=40))
def test_a_change_is_one_whatever_the_kernels_do(shown: str) -> None:
    kernels = _kernels(shown)
    history, asked = _bisected(kernels)
    assert len(asked) == len(set(asked))
    for change in history.changes:
        assert {kernels[change.before], kernels[change.after]} == {YES, NO}
        assert change.came == (kernels[change.after] is YES)
        assert all(kernels[name] not in (YES, NO) for name in change.skipped)
