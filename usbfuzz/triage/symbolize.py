"""Source lines for the frames of a report, where debug information of the same build is available."""

from __future__ import annotations

import re
from collections.abc import Sequence

from attrs import evolve

from .functions import bare_name
from .report import Report
from .symbols import Frame, Location, Symbols

__all__ = ["symbolize"]

_FRAME = re.compile(
    r"(?P<function>[A-Za-z_][\w.$]*)\+0x(?P<offset>[0-9a-f]{1,8})/0x(?P<size>[0-9a-f]{1,8})"
    r"(?: \[(?P<module>[\w-]+)(?: [0-9a-f]+)?\])?"
)
#: A line of a call trace, whose address is where the call returns to. Others name the instruction itself.
_CALL = re.compile(rf"^\s*(?:\[<[0-9a-f]+>\] )?(?:\? )?{_FRAME.pattern}\s*$")


def symbolize(report: Report, symbols: Symbols) -> Report:
    """``report`` with a source line behind each frame, inlined calls before it, and the file of the guilty function.

    ::

         hub_port_init+0x4a1/0x5b0 [usbcore] drivers/usb/core/hub.c:4780

    Frames that are not found, or of another build, stay as they are. Raises InfraError when binutils is missing.
    """
    lines = report.text.splitlines()
    frames = [_frame_of(line) for line in lines]
    located = symbols.locate(frame for frame in frames if frame)
    text: list[str] = []
    for line, frame in zip(lines, frames, strict=True):
        text += _with_source(line, located.get(frame, ()) if frame else ())
    guilty = next(
        (located[frame] for frame in frames if frame in located and bare_name(frame.function) == report.frame), ()
    )
    return evolve(report, text="\n".join(text), file=guilty[-1].file if guilty else report.file)


def _frame_of(line: str) -> Frame | None:
    match = _FRAME.search(line)
    if match is None:
        return None
    returns = _CALL.match(line) is not None
    # The byte before the return address belongs to the call, which may be the last instruction of its line.
    offset = max(int(match["offset"], 16) - returns, 0)
    return Frame(match["function"], offset, int(match["size"], 16), match["module"])


def _with_source(line: str, locations: Sequence[Location]) -> list[str]:
    if not locations:
        return [line]
    indent = line[: len(line) - len(line.lstrip())] or " "
    inlined = [
        f"{indent}{location.function} {location.file}:{location.line} [inline]"
        for location in locations
        if location.inlined
    ]
    return [*inlined, f"{line.rstrip()} {locations[-1].file}:{locations[-1].line}"]
