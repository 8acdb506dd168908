"""Which bytes of a case matter: those whose change makes the bug go away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from usbfuzz.case.model import Case
from usbfuzz.crashes.minimized import Mark

from .plain import Unit, units, with_units

__all__ = ["find_marks"]


async def find_marks(case: Case, shows: Callable[[Case], Awaitable[bool]]) -> tuple[Mark, ...]:
    """Change every number of the case: many at a time where they do not matter, one by one where they do.

    A number matters when changing it alone loses the bug. It is changed to its plainest value or, when it has that
    already, to its complement. What ``shows`` raises passes through.
    """
    found = await _search(case, tuple(units(case)), shows)
    return _joined(found)


async def _search(case: Case, some: Sequence[Unit], shows: Callable[[Case], Awaitable[bool]]) -> list[Unit]:
    if not some or await shows(with_units(case, {unit: _other(unit) for unit in some})):
        return []
    if len(some) == 1:
        return list(some)
    middle = len(some) // 2
    first, second = await asyncio.gather(_search(case, some[:middle], shows), _search(case, some[middle:], shows))
    return first + second


def _other(unit: Unit) -> bytes:
    if unit.plain is not None and unit.plain != unit.raw:
        return unit.plain
    return bytes(byte ^ 0xFF for byte in unit.raw)


def _joined(found: Sequence[Unit]) -> tuple[Mark, ...]:
    """Marks, adjacent numbers joined in one."""
    marks: list[Mark] = []
    for unit in found:
        last = marks[-1] if marks else None
        if last and (last.device, last.part, last.offset + last.length) == (unit.device, unit.part, unit.offset):
            marks[-1] = Mark(unit.device, unit.part, last.offset, last.length + len(unit.raw))
        else:
            marks.append(Mark(unit.device, unit.part, unit.offset, len(unit.raw)))
    return tuple(marks)
