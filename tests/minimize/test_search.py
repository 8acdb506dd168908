"""A minimized case shows the bug, and nothing more can go from it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, ControlScript, Event, GuestNeeds, Step
from usbfuzz.case.parts import digest, parts, weight
from usbfuzz.crashes.minimized import Mark, Minimized
from usbfuzz.descriptors.tree import parse
from usbfuzz.jobs.minimize.oracle import Oracle
from usbfuzz.jobs.minimize.plain import units, with_units
from usbfuzz.jobs.minimize.search import PASSES, Search
from usbfuzz.wire import Answer

from .bloat import FACTOR, bloat
from .pretend import PretendGuests, device, interface

ALL = sorted(KNOWN_BUGS.glob("*.toml"))

Rule = Callable[[Case], bool]


def _minimize(case: Case, rule: Rule, **guests: float) -> tuple[Minimized | None, PretendGuests, Search]:
    pretend = PretendGuests(rule, **guests)  # type: ignore[arg-type]
    search = Search(Oracle(pretend))
    return asyncio.run(search.run(case)), pretend, search


def _holds(*needles: bytes) -> Rule:
    """The bug needs these bytes, each inside one part of one device that is plugged."""
    return lambda case: all(
        any(needle in raw for device in case.devices for _, raw in parts(device)) for needle in needles
    )


def _fat() -> Case:
    """Two devices, of which the second's second interface holds the class descriptor that matters."""
    first = device(interface(0, endpoints=2), strings=((1, b"\x04\x03a\0"),))
    second = device(
        interface(0, b"\x05\x24\x06\x01\x02", endpoints=1),
        interface(1, b"\x04\x24\x07\x07", b"\x08\x24\x0a\xde\xad\x00\x00\x07", endpoints=2),
        interface(2),
        control=(ControlScript((Step(Answer(data=b"\1\2\3\4"), 5), Step(Answer(data=b"\5")))),),
        strings=((3, b"\x06\x03b\0c\0"),),
    )
    events = (
        Event(Action.PLUG, 0, 0),
        Event(Action.PLUG, 3, 1, after_ms=1372),
        Event(Action.RESET, 3, after_requests=7),
        Event(Action.UNPLUG, 0),
    )
    return Case((first, second), events, guest=GuestNeeds(("slub_debug=FZ",)))


def test_what_the_bug_needs_stays_and_the_rest_goes() -> None:
    found, _, _ = _minimize(_fat(), _holds(b"\x0a\xde\xad"))
    assert found is not None
    (left,) = found.case.devices
    assert found.case.events == (Event(Action.PLUG, 0, 0),)
    assert (left.strings, left.control, len(left.configurations)) == ((), (), 1)
    assert left.configurations[0].hex(" ") == "09 02 0e 00 00 01 00 80 32 05 24 0a de ad"
    assert (found.before, found.after) == (weight(_fat()), 18 + 14)
    assert found.complete


def test_totals_that_are_wrong_stay_as_wrong_when_that_is_the_bug() -> None:
    fat = _fat()
    raw = bytearray(fat.devices[1].configurations[0])
    raw[2] += 9
    wrong = evolve(fat, devices=(fat.devices[0], evolve(fat.devices[1], configurations=(bytes(raw),))))

    def rule(case: Case) -> bool:
        trees = [parse(raw) for device in case.devices for raw in device.configurations]
        return any(tree.head and tree.settings and tree.head.wTotalLength == len(tree.raw) + 9 for tree in trees)

    found, _, _ = _minimize(wrong, rule)
    assert found is not None
    assert found.case.devices[0].configurations[0].hex(" ") == "09 02 1b 00 01 01 00 80 32 09 04 00 00 00 00 00 00 00"


def test_a_total_that_never_changes_lets_descriptors_go_all_the_same() -> None:
    raw = _fat().devices[1].configurations[0]
    found, _, _ = _minimize(
        _fat(), lambda case: any(r[2:4] == raw[2:4] for d in case.devices for r in d.configurations)
    )
    assert found is not None
    assert found.case.devices[0].configurations[0] == b"\x09\x02" + raw[2:4] + b"\0\1\0\x80\x32"


def test_marks_are_the_bytes_whose_change_loses_the_bug() -> None:
    found, _, _ = _minimize(_fat(), _holds(b"\x0a\xde\xad"))
    assert found is not None
    assert found.marks == (Mark(0, "configurations[0]", 11, 3),)


def test_ids_that_matter_are_marked_and_the_others_become_plain() -> None:
    found, _, _ = _minimize(_fat(), lambda case: any(device.device[8:10] == b"\x34\x12" for device in case.devices))
    assert found is not None
    assert found.case.devices[0].device.hex(" ") == "12 01 00 02 00 00 00 40 34 12 00 00 00 00 00 00 00 00"
    assert found.marks == (Mark(0, "device", 8, 2),)


@st.composite
def _cases(draw: st.DrawFn) -> Case:
    blob = st.binary(min_size=1, max_size=6).map(lambda raw: bytes((len(raw) + 3, 0x24, 0x77)) + raw)
    some = st.lists(st.lists(blob, max_size=3), max_size=3)
    made = tuple(
        device(*(interface(n, *under, endpoints=len(under)) for n, under in enumerate(draw(some)))) for _ in range(2)
    )
    return Case(made, (Event(Action.PLUG, 0, 0), Event(Action.PLUG, 1, 1), Event(Action.UNPLUG, 0)))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_cases(), st.integers(0, 10_000), st.integers(1, 3), st.integers(1, 3))
def test_the_result_shows_the_bug_and_no_pass_gets_any_further(case: Case, start: int, length: int, width: int) -> None:
    everything = b"".join(raw for device in case.devices for _, raw in parts(device))
    needle = everything[start % len(everything) :][:length]
    rule = _holds(needle)
    if not rule(case):
        return  # it began in one part and ended in another
    found, _, _ = _minimize(case, rule, width=width)
    assert found is not None
    assert rule(found.case)
    for name, choose in PASSES:
        choice = choose(found.case)
        for number in range(choice.count):
            smaller = choice.make(frozenset({number}))
            assert not rule(smaller) or digest(smaller) == digest(found.case), name
    marked = {
        (mark.device, mark.part, at) for mark in found.marks for at in range(mark.offset, mark.offset + mark.length)
    }
    for unit in units(found.case):
        if (unit.device, unit.part, unit.offset) in marked:
            changed = bytes(b ^ 0xFF for b in unit.raw) if unit.plain in (None, unit.raw) else unit.plain
            assert not rule(with_units(found.case, {unit: changed}))


def test_nothing_is_run_twice_but_to_measure() -> None:
    found, guests, _ = _minimize(_fat(), _holds(b"\x0a\xde\xad"))
    assert found is not None
    assert found.tried == len(guests.ran)
    final, first = digest(found.case), digest(_fat())
    others = [digest(tried) for tried in guests.ran if digest(tried) not in (final, first)]
    best = {digest(tried) for tried in guests.ran if others.count(digest(tried)) > 1}
    assert len(best) <= 20  # the best case after each pass that got further


def test_what_never_shows_the_bug_is_no_result() -> None:
    found, guests, _ = _minimize(_fat(), lambda _: False)
    assert found is None
    assert len(guests.ran) == 10


@pytest.mark.parametrize("width", [1, 2, 5])
def test_candidates_run_side_by_side_on_all_guests(width: int) -> None:
    found, _, _ = _minimize(_fat(), _holds(b"\x0a\xde\xad"), width=width)
    assert found is not None
    assert found.after == 32


def test_a_flaky_bug_gets_more_tries_and_its_reliability_is_told() -> None:
    found, _, search = _minimize(_fat(), _holds(b"\x0a\xde\xad"), reliability=0.6)
    assert found is not None
    assert search.oracle.tries > 1
    assert 1 <= found.hits < found.runs == 10
    assert found.after <= 40


def test_the_silence_of_a_late_answer_is_not_believed() -> None:
    found, _, _ = _minimize(_fat(), _holds(b"\x0a\xde\xad"), late=0.4)
    assert found is not None
    assert found.after == 32
    assert (found.hits, found.runs) == (10, 10)


def test_a_change_that_makes_the_bug_rare_is_taken_back() -> None:
    """A race: without its strings the device shows the bug in one of ten runs only."""
    runs = 0

    def rule(case: Case) -> bool:
        nonlocal runs
        runs += 1
        return _holds(b"\x0a\xde\xad")(case) and (any(device.strings for device in case.devices) or runs % 10 == 0)

    found, _, _ = _minimize(_fat(), rule)
    assert found is not None
    assert any(device.strings for device in found.case.devices)
    assert found.hits == found.runs


def test_when_time_is_up_the_best_so_far_is_the_result() -> None:
    better: list[Case] = []
    guests = PretendGuests(_holds(b"\x0a\xde\xad"))
    search = Search(Oracle(guests), better.append)

    def stop(case: Case) -> None:
        better.append(case)
        if len(better) == 3:
            search.oracle.deadline = -math.inf

    search.on_better = stop
    found = asyncio.run(search.run(_fat()))
    assert found is not None
    assert found.case == better[2]
    assert not found.complete
    assert (found.hits, found.runs) == (3, 3)


def test_each_better_case_is_handed_out_at_once() -> None:
    better: list[Case] = []
    rule = _holds(b"\x0a\xde\xad")
    search = Search(Oracle(PretendGuests(rule)), better.append)
    found = asyncio.run(search.run(_fat()))
    assert found is not None
    assert all(map(rule, better))
    assert better[-1] == found.case


def test_what_was_learned_need_not_be_asked_again() -> None:
    rule = _holds(b"\x0a\xde\xad")
    learned: dict[str, bool] = {}
    first = PretendGuests(rule)
    found = asyncio.run(Search(Oracle(first, on_verdict=learned.__setitem__)).run(_fat()))
    second = PretendGuests(rule)
    again = asyncio.run(Search(Oracle(second, memo=dict(learned))).run(_fat()))
    assert found is not None
    assert again is not None
    assert again.case == found.case
    assert len(second.ran) < len(first.ran) / 2


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_bloated_case_is_twenty_times_as_large_and_the_same_every_time(path: Path, seed: int) -> None:
    case = load(path)
    fat = bloat(case, seed)
    assert weight(fat) >= FACTOR * weight(case)
    assert fat == bloat(case, seed)
    assert fat != bloat(case, seed + 100)
    for lean in case.devices:
        assert any(lean.device[:17] == other.device[:17] for other in fat.devices)


def test_a_bloated_case_comes_back_to_what_the_bug_needs() -> None:
    case = load(KNOWN_BUGS / "quatech2-bulk-null.toml")
    fat = bloat(case, 1)
    rule = _holds(b"\x1d\x06\x20\xc1", b"\x1b\x1b\x03\x01", b"\x05\x81\x02")
    found, guests, _ = _minimize(fat, rule, width=2)
    assert found is not None
    assert found.after <= 1.2 * weight(case)
    assert len(guests.ran) < 400
