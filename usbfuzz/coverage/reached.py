"""What one run reached of a few modules, function by function: ``coverage.tsv`` of a crash directory.

::

    # usbfuzz functions 1
    uvcvideo<TAB>uvc_probe<TAB>41<TAB>1203<TAB>4120

A line is module, function, blocks that ran, bytes of them, bytes of the function. It needs no kernel to be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from attrs import frozen

from usbfuzz.errors import InputError

__all__ = ["Reached", "parse_reached", "reached_text"]

_HEAD = "# usbfuzz functions 1"
_LINE = re.compile(
    r"(?P<module>[\w-]{1,64})\t(?P<function>[\w.$]{1,512})\t(?P<blocks>\d{1,9})\t(?P<bytes>\d{1,9})\t(?P<size>\d{1,9})",
    re.ASCII,
)
_FIELDS = "MODULE, FUNCTION, BLOCKS, BYTES and SIZE, with tabs between them"


@frozen
class Reached:
    """A function, and what of it ran."""

    module: str  #: with ``_`` for ``-``
    function: str
    blocks: int  #: runs of instructions that the emulator took as one; they may overlap
    executed: int  #: bytes in them, each counted once
    size: int  #: bytes of the function

    @classmethod
    def of(cls, module: str, function: str, size: int, blocks: Iterable[tuple[int, int]]) -> Reached:
        """What ``blocks``, each with its offset in the function and its bytes, reach."""
        known = sorted(blocks)
        executed = end = 0
        for start, length in known:
            stop = min(start + length, size)
            executed += max(stop - max(start, end), 0)
            end = max(end, stop)
        return cls(module, function, len(known), executed, size)


def reached_text(functions: Sequence[Reached]) -> str:
    """The text of the file; "" when nothing was reached."""
    lines = [f"{it.module}\t{it.function}\t{it.blocks}\t{it.executed}\t{it.size}" for it in functions]
    return "\n".join([_HEAD, *lines, ""]) if lines else ""


def parse_reached(text: str, source: str) -> tuple[Reached, ...]:
    """The functions in a file's text; raises InputError, which names file (``source``) and line."""
    head, *lines = text.removesuffix("\n").split("\n")
    if head != _HEAD:
        raise InputError(f"{source}:1: must be {_HEAD!r}; this version of usbfuzz reads no other")
    found = []
    for number, line in enumerate(lines, 2):
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{source}:{number}: must be {_FIELDS}; the file was changed or cut off")
        module, function, *numbers = match.groups()
        blocks, executed, size = map(int, numbers)
        found.append(Reached(module, function, blocks, executed, size))
    return tuple(found)
