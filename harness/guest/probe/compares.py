"""What a driver's instructions compared: what it looks for in a device's bytes, and what it found there instead.

A lane that is opened with ``Probing(compare=True)`` keeps the comparisons of the modules that are armed, from one round
to the next others if need be.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
from attrs import define, field, frozen

from usbfuzz.coverage.blocks import VMLINUX
from usbfuzz.errors import InputError

from .layout import CONSTANTS, Record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .coverage import Code
    from .memory import Shared
    from .symbols import Place, Symbols

__all__ = ["PAIR", "Armed", "Comparisons", "How"]

_PAGE = CONSTANTS["PAGE"]
_PAIRS = CONSTANTS["PAIRS"]
#: Bytes of code that a section is believed to have.
_LONGEST = 8 << 20
_WIDTHS = (1, 2, 4, 8)

#: One pair of operands: the address of the instruction, both operands, zero-extended, how and in how many bytes it
#: compares, and whether the right operand is a constant in the code.
PAIR = np.dtype(
    [("pc", "<u8"), ("left", "<u8"), ("right", "<u8"), ("how", "u1"), ("width", "u1"), ("constant", "?")], align=True
)


class How(IntEnum):
    """How an instruction compares."""

    CMP = CONSTANTS["COMPARE_CMP"]  #: left - right; of strings once for each element
    ZERO = CONSTANTS["COMPARE_ZERO"]  #: left with 0
    TEST = CONSTANTS["COMPARE_TEST"]  #: left & right
    SUB = CONSTANTS["COMPARE_SUB"]  #: left - right, which is kept: how compilers compare with the cases of a switch
    BT = CONSTANTS["COMPARE_BT"]  #: whether the bit number right of left is set


@frozen(eq=False)
class Comparisons:
    """What armed code compared in one round: each pair of operands of an instruction once, the first 24 of each."""

    pairs: Record  #: of type :data:`PAIR`, by address, of one instruction in the order in which they were compared
    dropped: int  #: instructions that there was no room for
    _symbols: Symbols = field(repr=False)

    def __len__(self) -> int:
        return len(self.pairs)

    def place(self, pc: int) -> Place | None:
        """The function, the offset in it and the module of an instruction."""
        return self._symbols.place(int(pc))

    def holding(self, value: int) -> Comparisons:
        """Those of which one operand is ``value``, and the other is not."""
        left, right = (self.pairs[side] == np.uint64(value) for side in ("left", "right"))
        return Comparisons(self.pairs[left != right], self.dropped, self._symbols)

    def lines(self) -> Iterator[str]:
        """Each as text: ``snd_usb_apply_boot_quirk+0x580/0x9e0 [snd_usb_audio] cmp 2 375 794``."""
        for each in self.pairs:
            how = How(each["how"]).name.lower()
            yield f"{self.place(each['pc'])} {how} {each['width']} {each['left']} {each['right']}"


@define(eq=False)
class Armed:
    """The modules of a lane's guest whose comparisons are kept."""

    shared: Shared
    code: Code
    symbols: Symbols
    modules: frozenset[str] = field(default=frozenset(), init=False)
    _sections: list[int] = field(factory=list, init=False)  #: numbers of the sections of their code
    _dropped: int = field(default=0, init=False)

    @property
    def known(self) -> frozenset[str]:
        """The modules that can be armed: those the guest has loaded."""
        return frozenset(module for module, _ in self.code.places) - {VMLINUX}

    def arm(self, modules: Iterable[str]) -> None:
        """Keep what these modules compare, and no others; raises InputError when the guest has not loaded one.

        Modules are named as the kernel names drivers, with ``-`` or ``_``. Holds from the next instruction on.
        """
        wanted = frozenset(name.replace("-", "_") for name in modules)
        words = np.zeros(CONSTANTS["ARMED_PAGES"], np.uint64)
        if unknown := wanted - self.known:
            raise InputError(f"the guest's kernel has no module {min(unknown)} loaded, so it cannot be armed")
        sections = [number for number, (module, _) in enumerate(self.code.places) if module in wanted]
        starts = [*map(int, self.code.starts), 1 << 64]
        for number in sections:
            start, end = starts[number], min(starts[number + 1], starts[number] + _LONGEST)
            words[np.arange(start // _PAGE, -(-end // _PAGE)) % len(words)] = 1
        self.shared.armed[:] = words
        self.modules, self._sections = wanted, sections

    def begin(self) -> None:
        """A round begins: the table is empty."""
        self._dropped = int(self.shared.header["dropped_compares"])
        self.shared.header["generation"] = (int(self.shared.header["generation"]) + 1) & 0xFFFFFFFF

    def end(self) -> Comparisons:
        """What was compared since :meth:`begin`."""
        table = self.shared.compares
        kept = table[table["generation"] == self.shared.header["generation"]]
        kept = kept[np.isin(self.code.sections(kept["pc"]), self._sections)]  # words are of several pages
        dropped = (int(self.shared.header["dropped_compares"]) - self._dropped) & 0xFFFFFFFF
        return Comparisons(_pairs(kept), dropped, self.symbols)


def _pairs(table: Record) -> Record:
    """A row for each pair in records of ``struct compared``, which a guest has had written."""
    table = table[np.isin(table["width"], _WIDTHS) & np.isin(table["kind"], [int(how) for how in How])]
    table = table[np.argsort(table["pc"], kind="stable")]
    counts = np.minimum(table["count"], _PAIRS)
    owner = np.repeat(np.arange(len(table)), counts)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(counts, dtype=np.int64) - counts, counts)
    found = np.zeros(len(owner), PAIR)
    operands = table["pairs"][owner, place]
    found["left"], found["right"] = operands["left"], operands["right"]
    for name, source in (("pc", "pc"), ("how", "kind"), ("width", "width"), ("constant", "constant")):
        found[name] = table[source][owner]
    return found
