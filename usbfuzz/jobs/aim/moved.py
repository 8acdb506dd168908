"""Functions that differ only in numbers which say nothing: where fields of structures lie, and lines of source files.

Where a structure got another field, each function that uses what lies behind it has another displacement in the same
instruction. One function alone may as well use another field now; so it takes several that moved by the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from attrs import frozen

from harness.guest.kernels.code import FunctionCode, Part
from harness.guest.probe.operands import Instruction, instructions

__all__ = ["Pair", "Place", "only_moved"]

Place = tuple[str, str]  #: module and function
_SEVERAL = 3  #: functions that show the same, so that it is a structure's layout or a file's lines, and no function's
_LAST_LINE = 0xFFFF  #: of a file


@frozen
class Pair:
    """A function in two kernels."""

    old: FunctionCode
    new: FunctionCode


@frozen
class _Difference:
    """A number that differs in an instruction that is the same otherwise."""

    old: int
    new: int
    is_displacement: bool
    loads: bool  #: a constant that goes as it is to a register, to memory or onto the stack

    @property
    def by(self) -> int:
        """How far it moved."""
        return self.new - self.old

    @property
    def may_be_line(self) -> bool:
        """Whether it can be the number of a line."""
        return self.loads and 0 < self.old <= _LAST_LINE and 0 < self.new <= _LAST_LINE


def only_moved(pairs: Mapping[Place, Pair], version: int) -> frozenset[Place]:
    """Those of some functions, all with other code, that do the same.

    ``version`` is the kernel's as LINUX_VERSION_CODE has it, without the last part, if both have the same.
    """
    found = {place: numbers for place, pair in pairs.items() if (numbers := _numbers(pair)) is not None}
    seen = _Seen.of(found)
    return frozenset(
        place
        for place, numbers in found.items()
        if all(seen.explains(place[0], it) or _is_version(it, version) for it in numbers)
    )


@frozen
class _Seen:
    """What several functions show."""

    fields: Collection[tuple[int, int]]  #: a displacement, and what it became
    shifts: Collection[tuple[str, int]]  #: a module, and how far displacements moved in it
    lines: Collection[tuple[str, int]]  #: a module, and how far different numbers that may be lines moved in it

    @classmethod
    def of(cls, found: Mapping[Place, Collection[_Difference]]) -> _Seen:
        """What these functions show."""
        fields: dict[tuple[int, int], set[Place]] = defaultdict(set)
        shifts: dict[tuple[str, int], set[Place]] = defaultdict(set)
        lines: dict[tuple[str, int], dict[Place, set[int]]] = defaultdict(lambda: defaultdict(set))
        for place, numbers in found.items():
            for it in numbers:
                if it.is_displacement:
                    fields[it.old, it.new].add(place)
                    shifts[place[0], it.by].add(place)
                elif it.may_be_line:
                    lines[place[0], it.by][place].add(it.old)
        return cls(
            {key for key, places in fields.items() if len(places) >= _SEVERAL},
            {key for key, places in shifts.items() if len(places) >= _SEVERAL},
            # A constant that was changed in many places is the same everywhere, a line is another one in each.
            {key for key, at in lines.items() if len(at) >= _SEVERAL and len(set().union(*at.values())) >= _SEVERAL},
        )

    def explains(self, module: str, it: _Difference) -> bool:
        """Whether a number differs because something else moved."""
        moved = (it.old, it.new) in self.fields or (module, it.by) in self.shifts
        return moved or (it.may_be_line and (module, it.by) in self.lines)


def _is_version(it: _Difference, version: int) -> bool:
    """Whether it is the kernel's own version (include/generated/uapi/linux/version.h)."""
    return it.loads and bool(version) and it.old >> 8 == it.new >> 8 == version


def _numbers(pair: Pair) -> list[_Difference] | None:
    """The numbers in which a function differs; None when anything else does."""
    old, new = pair.old.parts, pair.new.parts
    if len(old) != len(new):
        return None
    found = []
    for before, after in zip(old, new, strict=True):
        if len(before.body) != len(after.body) or before.names != after.names:
            return None
        for difference in _compared(before, after):
            if difference is None:
                return None
            found.append(difference)
    return found


def _compared(before: Part, after: Part) -> Iterator[_Difference | None]:
    """The differences of two parts of one size; None for one that is not of a number."""
    for instruction, same in zip(instructions(before.body), instructions(after.body), strict=False):
        if instruction != same:
            yield None
            return
        end = instruction.start + instruction.length
        old, new = before.body[instruction.start : end], after.body[instruction.start : end]
        if old == new:
            continue
        if _without_numbers(instruction, old) != _without_numbers(instruction, new):
            yield None
            return
        for place in (instruction.displacement, instruction.immediate):
            at = slice(*place)
            if old[at] != new[at]:
                was, became = (int.from_bytes(raw[at], "little", signed=True) for raw in (old, new))
                is_displacement = place is instruction.displacement
                yield _Difference(was, became, is_displacement=is_displacement, loads=instruction.loads)


def _without_numbers(instruction: Instruction, raw: bytes) -> bytes:
    rest = bytearray(raw)
    for start, end in (instruction.displacement, instruction.immediate):
        rest[start:end] = bytes(end - start)
    return bytes(rest)
