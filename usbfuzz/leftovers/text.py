"""Leaks as text for a console log, in which :mod:`usbfuzz.triage` finds them; memory as kmemleak reports it.

Much of what is not given back hangs on one thing that is not (a device and its descriptors). So a report tells of all
that one driver allocated, or had allocated, is named after the largest, and lists what else was left; without a driver,
of all that one module did.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from .census import Sort
from .growth import Grown

__all__ = ["is_leak", "leak_reports"]

#: How titles of leaks begin (usbfuzz/triage/families/memory.py and leftovers.py).
_TITLE = re.compile(r"(?:memory|reference|thread|device) leak (?:in|of) ")
_MODULE = re.compile(r"\[([\w-]+)\]$")
_RULE = "=" * 66
#: Others that are listed in one report.
_LISTED = 12


def is_leak(titles: Iterable[str]) -> bool:
    """Whether a bug with these titles shows only over some plug cycles."""
    return any(_TITLE.match(title) for title in titles)


def leak_reports(leaks: Sequence[Grown], drivers: Collection[str]) -> str:
    """The reports; "" without leaks. ``drivers`` are the modules that bind devices."""
    groups: dict[str, list[Grown]] = {}
    for leak in leaks:
        if leak.what.sort is Sort.MEMORY:
            groups.setdefault(_owner(leak, drivers), []).append(leak)
    others = [leak for leak in leaks if leak.what.sort is not Sort.MEMORY]
    mine = [group for owner, group in groups.items() if owner in drivers]
    if mine:
        rest = [leak for owner, group in groups.items() if owner not in drivers for leak in group]
        return "".join(_memory(group, (*rest, *others)) for group in mine)
    return "".join([*(_memory(group) for group in groups.values()), *(_other(leak) for leak in others)])


def _owner(leak: Grown, drivers: Collection[str]) -> str:
    """The driver that allocated it, or had it allocated; else the innermost module."""
    modules = [found[1] for frame in leak.what.chain if (found := _MODULE.search(frame))]
    return next((module for module in modules if module in drivers), modules[0] if modules else "")


def _memory(group: Sequence[Grown], rest: Sequence[Grown] = ()) -> str:
    largest, *others = (*group, *rest)
    also = [f"  also {_named(leak)}" for leak in others[:_LISTED]]
    more = [f"  and {len(others) - _LISTED} more"] if len(others) > _LISTED else []
    return _report(
        "BUG: memory leak",
        f"unreferenced object (size {largest.what.size}):",
        f"  {_amount(largest)} more {_in_each(largest)}",
        *also,
        *more,
        "  backtrace:",
        *(f"    {frame}" for frame in largest.what.chain),
    )


def _named(leak: Grown) -> str:
    if leak.what.sort is not Sort.MEMORY:
        return f"{leak.each} {leak.what.sort.value} {leak.what.name}"
    return f"{_amount(leak)} by {_first_of_module(leak)}"


def _first_of_module(leak: Grown) -> str:
    return next((frame for frame in leak.what.chain if _MODULE.search(frame)), leak.what.chain[0])


def _amount(leak: Grown) -> str:
    return f"{leak.each} of {leak.what.size} bytes"


def _in_each(leak: Grown) -> str:
    return f"with each of the last {leak.cycles} plug cycles"


def _other(leak: Grown) -> str:
    words = {
        Sort.CACHE: "memory leak in cache",
        Sort.MODULE: "reference leak of module",
        Sort.THREAD: "thread leak of",
        Sort.DEVICE: "device leak of",
    }
    return _report(
        f"BUG: usbfuzz: {words[leak.what.sort]} {leak.what.name}",
        f"{leak.each} more {_in_each(leak)}" + (f", {leak.bytes} bytes" if leak.bytes else ""),
    )


def _report(*lines: str) -> str:
    return "".join(f"{line}\n" for line in (_RULE, *lines, _RULE))
