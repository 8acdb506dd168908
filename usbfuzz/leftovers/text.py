"""Leaks as text for a console log, in which :mod:`usbfuzz.triage` finds them; memory as kmemleak reports it.

Much of what is not given back hangs on one thing that is not (a device and its descriptors). So a report tells of all
that one driver allocated, or had allocated, is named after the largest, and lists what else was left; without a driver,
of all that one module did. What the USB core allocated is nobody's by its call chain, and stays because a driver keeps
a reference to it: such a report is named after the driver that was bound, and says which function made the object.
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
#: The module that makes devices, and much else on behalf of drivers.
_CORE = "usbcore"
_RULE = "=" * 66
#: Others that are listed in one report.
_LISTED = 12


def is_leak(titles: Iterable[str]) -> bool:
    """Whether a bug with these titles shows only over some plug cycles."""
    return any(_TITLE.match(title) for title in titles)


def leak_reports(leaks: Sequence[Grown], drivers: Collection[str], bound: str = "") -> str:
    """The reports; "" without leaks.

    ``drivers`` are the modules that bind devices, ``bound`` is the one that did; "": none, or several.
    """
    groups: dict[str, list[Grown]] = {}
    for leak in leaks:
        if leak.what.sort is Sort.MEMORY:
            groups.setdefault(_owner(leak, drivers), []).append(leak)
    others = [leak for leak in leaks if leak.what.sort is not Sort.MEMORY]
    guilty = {owner for owner in groups if owner in drivers} or ({_CORE} & groups.keys() if bound else set())
    rest = [leak for owner, group in groups.items() if owner not in guilty for leak in group]
    if guilty:
        return "".join(
            _memory(group, drivers, bound, (*rest, *others)) for owner, group in groups.items() if owner in guilty
        )
    memory = (_memory(group, drivers, bound) for group in groups.values())
    return "".join([*memory, *(_other(leak) for leak in others)])


def _owner(leak: Grown, drivers: Collection[str]) -> str:
    """The driver that allocated it, or had it allocated; else the innermost module."""
    modules = [_module(frame) for frame in leak.what.chain]
    return next((module for module in modules if module in drivers), next(filter(None, modules), ""))


def _module(frame: str) -> str:
    found = _MODULE.search(frame)
    return found[1] if found else ""


def _memory(group: Sequence[Grown], drivers: Collection[str], bound: str, rest: Sequence[Grown] = ()) -> str:
    largest, *others = (*group, *rest)
    also = [f"  also {_named(leak)}" for leak in others[:_LISTED]]
    more = [f"  and {len(others) - _LISTED} more"] if len(others) > _LISTED else []
    return _report(
        _head(largest, drivers, bound),
        f"unreferenced object (size {largest.what.size}):",
        f"  {_amount(largest)} more {_in_each(largest)}",
        *also,
        *more,
        "  backtrace:",
        *(f"    {frame}" for frame in largest.what.chain),
    )


def _head(leak: Grown, drivers: Collection[str], bound: str) -> str:
    """kmemleak's first line, from which the backtrace names the report, unless it would name the core."""
    first = _first_of_module(leak)
    if _module(first) != _CORE:
        return "BUG: memory leak"
    driver = next((frame for frame in leak.what.chain if _module(frame) in drivers), None)
    if driver is not None:
        return f"BUG: usbfuzz: memory leak in {driver}"
    return f"BUG: usbfuzz: memory leak in {bound or 'an unknown driver'} ({first.partition('+')[0]})"


def _named(leak: Grown) -> str:
    if leak.what.sort is not Sort.MEMORY:
        return f"{leak.each} {leak.what.sort.value} {leak.what.name}"
    return f"{_amount(leak)} by {_first_of_module(leak)}"


def _first_of_module(leak: Grown) -> str:
    return next(filter(_module, leak.what.chain), leak.what.chain[0])


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
