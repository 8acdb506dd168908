"""What the host makes of the table of comparisons, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from harness.guest.probe.compares import Armed, How
from harness.guest.probe.coverage import Code
from harness.guest.probe.facts import Section
from harness.guest.probe.layout import CONSTANTS
from harness.guest.probe.memory import Shared
from harness.guest.probe.probing import Probing
from usbfuzz.errors import InputError

from .kernel import facts_of

KERNEL, DRIVER, LIBRARY = 0xFFFFFFFF81000000, 0xFFFFFFFFC0000000, 0xFFFFFFFFC0004000
KALLSYMS = (
    f"{KERNEL:x} T _stext\n{KERNEL + 64:x} T _etext\n{DRIVER:x} t probe\t[driver]\n{LIBRARY:x} t helper\t[library]\n"
)
NUMBER = CONSTANTS["ARMED_PAGES"]


@pytest.fixture
def armed() -> Iterator[Armed]:
    facts = facts_of(KALLSYMS, Section("driver", ".text", DRIVER), Section("library", ".text", LIBRARY))
    shared = Shared.make(facts, Probing(compare=True), 16)
    yield Armed(shared, Code.of(facts, "debian:x", "x"), facts.symbols)
    shared.close()


def _write(armed: Armed, place: int, pc: int, *pairs: tuple[int, int], **other: Any) -> None:
    row = armed.shared.compares[place : place + 1]
    row["pc"], row["generation"], row["count"] = pc, armed.shared.header["generation"], len(pairs)
    row["kind"], row["width"] = int(How.CMP), 4
    for number, pair in enumerate(pairs):
        row["pairs"][0, number] = pair
    for name, value in other.items():
        row[name] = value


def test_pairs_come_by_address_and_in_the_order_in_which_they_were_compared(armed: Armed) -> None:
    armed.arm(["driver"])
    armed.begin()
    _write(armed, 0, DRIVER + 8, (7, 375), (7, 1))
    _write(armed, 5, DRIVER + 4, (375, 794), constant=1)
    compared = armed.end()
    assert list(compared.lines()) == [
        "probe+0x4/0x1000 [driver] cmp 4 375 794",
        "probe+0x8/0x1000 [driver] cmp 4 7 375",
        "probe+0x8/0x1000 [driver] cmp 4 7 1",
    ]
    assert [bool(each) for each in compared.pairs["constant"]] == [True, False, False]
    assert [int(each["pc"]) for each in compared.holding(375).pairs] == [DRIVER + 4, DRIVER + 8]
    armed.begin()
    assert len(armed.end()) == 0


def test_nothing_in_the_table_is_believed_that_the_plugin_cannot_have_meant(armed: Armed) -> None:
    armed.arm(["driver"])
    armed.begin()
    _write(armed, 0, DRIVER, (1, 2), count=255)
    _write(armed, 1, DRIVER + 1, (1, 2), width=3)
    _write(armed, 2, DRIVER + 2, (1, 2), kind=77)
    _write(armed, 3, LIBRARY, (1, 2))  # not armed
    _write(armed, 4, 1, (1, 2))
    _write(armed, 5, DRIVER + 3, (1, 2), generation=12345)
    compared = armed.end()
    assert set(compared.pairs["pc"]) == {DRIVER}
    assert len(compared) == CONSTANTS["PAIRS"]


def test_the_words_of_armed_modules_are_those_of_their_pages(armed: Armed) -> None:
    armed.arm(["driver"])
    first = DRIVER // CONSTANTS["PAGE"] % NUMBER
    assert list(np.flatnonzero(armed.shared.armed)) == list(range(first, first + 4))
    armed.arm(["library"])
    assert not armed.shared.armed[first : first + 4].any()
    armed.arm([])
    assert not armed.shared.armed.any()


@pytest.mark.parametrize("name", ["nonsense", "vmlinux", ""])
def test_what_is_no_module_of_the_guest_cannot_be_armed(armed: Armed, name: str) -> None:
    armed.arm(["driver"])
    with pytest.raises(InputError, match="no module"):
        armed.arm(["library", name])
    assert armed.modules == {"driver"}


def test_instructions_without_room_are_counted_for_each_round(armed: Armed) -> None:
    armed.arm(["driver"])
    armed.shared.header["dropped_compares"] = 0xFFFFFFFF
    armed.begin()
    armed.shared.header["dropped_compares"] = 2
    assert armed.end().dropped == 3
