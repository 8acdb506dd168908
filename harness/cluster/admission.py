"""Whether a dask worker can be used: the same usbfuzz, dask and time there as here."""

from __future__ import annotations

import hashlib
import importlib.util
import socket
import time
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import frozen

from usbfuzz import __version__

__all__ = ["Admission", "admission", "clock_words", "different", "sources"]

_PACKAGES = ("harness", "strategies", "usbfuzz")  #: what usbfuzz is made of
_DIGITS = 12  #: of the digest of the sources: enough to tell two of them apart
_KINDS = ("*.py", "*.c", "*.h")  #: of files that decide what a worker does
_LONGEST = 255  #: characters of a word of another machine
_CLOCK_S = 60.0  #: seconds that clocks may differ by before that is worth a line


@frozen
class Admission:
    """What a machine says of itself."""

    host: str
    usbfuzz: str  #: its version
    sources: str  #: digest of the files it is made of
    dask: str  #: version of dask.distributed
    seconds: float  #: its clock, seconds since 1970

    @classmethod
    def of(cls, said: Any) -> Admission | None:
        """As another machine said it; None when that is something else."""
        try:
            host, number, digest, dask, seconds = said
            words = ("".join(filter(str.isprintable, str(word)))[:_LONGEST] for word in (host, number, digest, dask))
            return cls(next(words), next(words), next(words), next(words), float(seconds))
        except (TypeError, ValueError):
            return None


def admission() -> tuple[str, str, str, str, float]:
    """The fields of this machine's :class:`Admission`, as plain words and a number."""
    return socket.gethostname(), __version__, sources(), version("distributed"), time.time()


@cache
def sources() -> str:
    """The digest of all that usbfuzz is made of: equal numbers give equal cases only where it is equal."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        root = Path(spec.origin).parent
        for path in sorted(path for kind in _KINDS for path in root.rglob(kind)):
            digest.update(f"{root.name}/{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:_DIGITS]


def different(there: Admission, here: Admission) -> str:
    """Why a machine cannot be used, in words; "" when it can."""
    if there.usbfuzz != here.usbfuzz:
        return f"usbfuzz {there.usbfuzz} there, {here.usbfuzz} here; install the same"
    if there.sources != here.sources:
        files = f"{there.sources}, here {here.sources}"
        return f"usbfuzz {there.usbfuzz} there too, but its files differ ({files}); install the same"
    if there.dask != here.dask:
        return f"dask.distributed {there.dask} there, {here.dask} here; install the same"
    return ""


def clock_words(there: Admission, asked: float, answered: float) -> str:
    """That its clock is off, in words; "" when it is not. It was asked and has answered at these times of our clock."""
    ahead = there.seconds - asked if there.seconds < asked else there.seconds - answered
    if abs(ahead) <= _CLOCK_S or asked <= there.seconds <= answered:
        return ""
    return (
        f"its clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} ours: times are kept by ours, but "
        "kernels may be refused there as too old or too new; set it"
    )
