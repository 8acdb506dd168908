"""Which bytes an operand was made of, and what is sent instead."""

from __future__ import annotations

from typing import Literal

import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.identities import CLASS_DRIVERS
from strategies.learning.draft import Change, Draft, draft_of
from strategies.learning.operands import Compared, Paint, changes
from strategies.learning.parts import CONFIGURATION, Packet, Part, Read
from strategies.palette import Palette

KEY = Read(0xC0, 1, 0, 0)


def draft(length: int = 16, pinned: frozenset[int] = frozenset()) -> Draft:
    made = draft_of(bare_device(Dice(3), Palette(CLASS_DRIVERS), "printer"))
    return evolve(made, parts={**made.parts, KEY: Part(bytes(length), pinned)})


def found(
    made: Draft, how: str, width: int, offset: int, order: Literal["little", "big"], other: int, size: int | None = None
) -> list[Change]:
    """The changes when an instruction compares these bytes of the answer with ``other``."""
    size = width if size is None else size

    def paint(number: int) -> Paint:
        raw = made.painted(number)[KEY][offset : offset + size]
        return Paint(number, made, [Compared(1, how, width, int.from_bytes(raw, order), other)])

    return changes(paint(0), paint(1))


@given(
    st.sampled_from((1, 2, 4)),
    st.integers(0, 12),
    st.sampled_from(("little", "big")),
    st.integers(0, 255),
    st.booleans(),
)
@settings(max_examples=30)
def test_equality_is_offered_first(
    width: int, offset: int, order: Literal["little", "big"], other: int, wide: bool
) -> None:
    now = draft().painted(0)[KEY][offset : offset + width]
    assume(int.from_bytes(now, order) != other)  # what is equal already is not offered
    made = found(draft(), "cmp", 8 if wide else width, offset, order, other, width)
    assert made[0].key == KEY
    assert made[0].offset == offset
    assert int.from_bytes(made[0].value, order) == other


def test_a_mask_is_set_and_cleared() -> None:
    made = draft()
    now = made.painted(0)[KEY][4]
    values = {change.value[0] for change in found(made, "test", 1, 4, "little", 0x30)}
    assert values == {now | 0x30, now & ~0x30} - {now}


def test_bytes_that_are_known_are_left_alone() -> None:
    made = draft(pinned=frozenset(range(16)))
    assert KEY not in {change.key for change in found(made, "cmp", 4, 4, "little", 7)}


def test_a_value_that_does_not_follow_the_paint_is_of_no_answer() -> None:
    made = draft()
    value = int.from_bytes(made.painted(0)[KEY][:4], "little")
    paints = [Paint(number, made, [Compared(1, "cmp", 4, value, 9)]) for number in (0, 1)]
    assert changes(*paints) == []


def test_a_length_is_made_another() -> None:
    made = draft(length=47)
    compared = [Compared(1, "cmp", 4, 47, 12, "probe+0x1")]
    offered = changes(Paint(0, made, compared), Paint(1, made, compared))
    assert [change.length for change in offered if change.key == KEY] == [12, 13, 11]
    assert len(made.changed(Change(KEY, 0, b"", length=12)).painted(0)[KEY]) == 12


def test_paints_differ_in_all_bytes_but_the_known() -> None:
    made = draft(length=512, pinned=frozenset((0, 7)))
    first, second = made.painted(0)[KEY], made.painted(1)[KEY]
    same = [at for at in range(512) if first[at] == second[at]]
    assert {0, 7} <= set(same)
    assert len(same) < 12  # one in 256 by chance


def test_an_endpoint_that_moves_takes_its_packets_along() -> None:
    made = draft()
    raw = made.parts[CONFIGURATION].data
    at = raw.index(b"\x07\x05\x81") + 2 if b"\x07\x05\x81" in raw else raw.index(b"\x07\x05\x82") + 2
    moved = made.changed(Change(CONFIGURATION, at, b"\x87"))
    assert Packet(0x87, 0) in moved.parts
    assert 0x87 in {script.bEndpointAddress for script in moved.device(0).endpoints}


@pytest.mark.parametrize("how", ["cmp", "sub"])
def test_what_does_not_fit_is_not_offered(how: str) -> None:
    made = found(draft(), how, 8, 4, "little", 0x12345, 1)
    assert all(len(change.value) != 1 for change in made if change.key == KEY)
