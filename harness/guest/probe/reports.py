"""What the plugin found, as the text that goes into the console log at the moment of the bad access."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from .layout import CONSTANTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .symbols import Place, Symbols

__all__ = ["chain", "text_of"]

_RULE = "=" * 66
_KINDS = {
    CONSTANTS["REPORT_OUT_OF_BOUNDS"]: "slab-out-of-bounds",
    CONSTANTS["REPORT_USE_AFTER_FREE"]: "slab-use-after-free",
    CONSTANTS["REPORT_PAGE_AFTER_FREE"]: "page-use-after-free",
    CONSTANTS["REPORT_DOUBLE_FREE"]: "double-free",
    CONSTANTS["REPORT_INVALID_FREE"]: "invalid-free",
    CONSTANTS["REPORT_URB"]: "urb-out-of-bounds",
}
_FREES = {CONSTANTS["REPORT_DOUBLE_FREE"], CONSTANTS["REPORT_INVALID_FREE"]}
#: A URB's buffer is its driver's: functions of these modules hand it on.
_HANDS_ON = frozenset({"", "usbcore"})


def text_of(record: Any, symbols: Symbols) -> str:
    """A ``struct report`` as text like a sanitizer's; its form is read by :mod:`usbfuzz.triage`."""
    kind = int(record["kind"])
    name = _KINDS.get(kind, "bad-access")
    lines = [_RULE, f"BUG: usbfuzz: {name} in {_guilty(record, symbols)}"]
    address, size = int(record["address"]), int(record["size"])
    if kind == CONSTANTS["REPORT_URB"]:
        lines.append(f"Transfer of size {size} at addr {address:x}")
    elif kind not in _FREES:
        lines.append(f"{'Write' if record['write'] else 'Read'} of size {size} at addr {address:x}")
    if callee := symbols.place(int(record["callee"])) if record["callee"] else None:
        lines.append(f"By {callee.function}, which it calls")
    lines += _object(record)
    for title, field in (("Called by", "stack"), ("Allocated by", "allocated"), ("Freed by", "freed")):
        if frames := chain(record[field], symbols):
            lines += [f"{title}:", *(f" {frame}" for frame in frames)]
    return "\n".join([*lines, _RULE, ""])


def _object(record: Any) -> Iterator[str]:
    start, size, bad = (int(record[field]) for field in ("object", "object_size", "bad"))
    if not start:
        return
    cache = f" of cache {_printable(record['cache'])}" if record["cache"] else ""
    where = (
        f"{start - bad} bytes in front of"
        if bad < start
        else f"{bad - start - size} bytes past the end of"
        if bad >= start + size
        else f"{bad - start} bytes inside"
    )
    yield f"The address is {where} the {size}-byte object at {start:x}{cache}"


def _printable(name: bytes) -> str:
    return "".join(
        letter if letter.isprintable() else "?" for letter in name.partition(b"\0")[0].decode("ascii", "replace")
    )


def _guilty(record: Any, symbols: Symbols) -> Place | str:
    """The place that the report is named after: the access; of a free or a URB, the driver that asked for it."""
    pc = int(record["pc"])
    places = [place for place in (symbols.place(pc), *chain(record["stack"], symbols)) if place]
    if int(record["kind"]) == CONSTANTS["REPORT_URB"] or int(record["kind"]) in _FREES:
        places = [place for place in places if place.module not in _HANDS_ON] or places
    return places[0] if places else f"0x{pc:x}"


def chain(frames: Any, symbols: Symbols) -> list[Place]:
    """The call chain in words of a stack, innermost first.

    The first word is the return address of the function that was entered. Of those below it some are left over from
    calls that have returned: a word belongs to the chain when the call in front of it leads to the function that the
    word before it lies in, or is an indirect one. Where none does, a function ended by jumping to another, and the
    next word counts.
    """
    words = [(int(frame["word"]), int(frame["target"])) for frame in frames if frame["word"]]
    found: list[Place] = []
    at = 0
    while at < len(words):
        index = _next(words, at, found[-1] if found else None, symbols)
        place = symbols.place(words[index][0] - 1)  # a call may be a function's last instruction
        at = index + 1
        if place is not None:
            found.append(evolve(place, offset=place.offset + 1))
    return found


def _next(words: Sequence[tuple[int, int]], at: int, inner: Place | None, symbols: Symbols) -> int:
    if inner is None:
        return at
    for index in range(at, len(words)):
        target = words[index][1]
        place = symbols.place(target) if target else None
        if not target or (place and _whole(place) == _whole(inner)):
            return index
    return at


def _whole(place: Place) -> str:
    """The function that a part of one, which the compiler made, belongs to: ``hub_event`` of ``hub_event.cold``."""
    return place.function.partition(".")[0]
