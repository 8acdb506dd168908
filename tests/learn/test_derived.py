"""Operands that were worked out of a byte or two are told from those that only look so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.identities import CLASS_DRIVERS
from strategies.learning.derived import PAINTS, derived, unclear
from strategies.learning.draft import Change, Draft, draft_of
from strategies.learning.operands import Compared, Paint
from strategies.learning.parts import Descriptor, Key, Part, Read
from strategies.palette import Palette

PLAIN = draft_of(bare_device(Dice(3), Palette(CLASS_DRIVERS), "printer"))
KEYS = tuple(Read(0xC0, number, 0, 0) for number in range(4))


def draft(length: int) -> Draft:
    """Four requests were asked, each for so many bytes."""
    kept: dict[Key, Part] = {key: part for key, part in PLAIN.parts.items() if isinstance(key, Descriptor)}
    return evolve(PLAIN, parts=kept | {key: Part(bytes(length)) for key in KEYS})


def paints(made: Draft, operand: Callable[[bytes], int], other: int, width: int = 4) -> list[Paint]:
    """What shows when an instruction compares something made of the first answer with ``other``."""
    return [
        Paint(number, made, [Compared(1, "cmp", width, operand(made.painted(number)[KEYS[0]]), other, "probe+0x1")])
        for number in range(PAINTS)
    ]


def reached(made: Draft, operand: Callable[[bytes], int], found: list[Change], other: int) -> bool:
    """Whether one of the first few changes makes the operand what it was compared with."""
    return any(
        operand(made.changed(change).painted(0)[KEYS[0]]) == other for change in found[:8] if change.key == KEYS[0]
    )


@given(st.integers(0, 14), st.integers(4, 12), st.integers(0, 4), st.booleans(), st.integers(0, 0xFFF))
@settings(max_examples=30)
def test_a_field_of_bits_is_found_wherever_it_is(offset: int, bits: int, low: int, big: bool, wanted: int) -> None:
    def operand(raw: bytes) -> int:
        return int.from_bytes(raw[offset : offset + 2], "big" if big else "little") >> low & mask

    mask = (1 << bits) - 1
    wanted &= mask
    made = draft(16)
    shown = paints(made, operand, wanted)
    if unclear(*shown[:2]) and operand(made.painted(0)[KEYS[0]]) != wanted:
        assert reached(made, operand, derived(shown), wanted)


def test_what_no_function_gives_is_seldom_found() -> None:
    """Operands that a driver works out of all bytes: what is offered for them costs runs and leads nowhere."""
    made, offered = draft(24), 0
    for number in range(48):
        width = (1, 1, 2, 4)[number % 4]

        def operand(raw: bytes, number: int = number, width: int = width) -> int:
            few = 0xF if number % 8 == 0 else (1 << 8 * width) - 1
            return int.from_bytes(hashlib.blake2b(raw + bytes((number,))).digest()[:width]) & few

        offered += bool(derived(paints(made, operand, 9, width)))
    assert offered <= 2


def test_what_a_number_of_the_answer_is_as_it_stands_is_left_to_others() -> None:
    made = draft(16)
    shown = paints(made, lambda raw: int.from_bytes(raw[2:4], "big"), 7)
    assert not unclear(*shown[:2])
    assert derived(shown) == []
