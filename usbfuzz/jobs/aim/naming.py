"""Names that a kernel does not have."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable

from usbfuzz.errors import InputError

__all__ = ["did_you_mean", "known_drivers"]

_CLOSE = 0.5  #: of difflib's ratio
_MOST = 3  #: names that are offered


def did_you_mean(name: str, known: Collection[str], otherwise: str) -> str:
    """``did you mean cdc_acm or cdc_ncm?``, or ``otherwise`` when no known name is like it."""
    close = difflib.get_close_matches(name, known, n=_MOST, cutoff=_CLOSE)
    return f"did you mean {' or '.join(close)}?" if close else otherwise


def known_drivers(names: Iterable[str], known: Collection[str], kernel: str) -> tuple[str, ...]:
    """The modules that names with ``-`` or ``_`` mean. Raises InputError, with close names, for one not known."""
    drivers = tuple(name.replace("-", "_") for name in names)
    for driver in drivers:
        if driver not in known:
            meant = did_you_mean(driver, known, "name a module")
            raise InputError(f"{driver}: {kernel} has no such USB or HID driver; {meant}")
    return drivers
