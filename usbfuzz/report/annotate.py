"""A case as a listing for people: descriptors in hex and in words, with brackets around the bytes that matter."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from usbfuzz.case.model import Case, ControlScript, DeviceSpec, Step
from usbfuzz.case.parts import parts
from usbfuzz.crashes.minimized import Mark
from usbfuzz.descriptors import describe, report_items, split, string_text
from usbfuzz.reading import printable

__all__ = ["LEGEND", "annotated"]

LEGEND = "[ ] marks what matters: the bug is gone when these bytes change."

_COLUMNS = 72
_A_LINE = 8  #: bytes that a line shows
_HEX = 3 * _A_LINE + 2  #: columns: a separator before each byte and one after the last, and a blank
_WORDS = _COLUMNS - _HEX - 2  #: columns
_MAX_INDENT = 4  #: levels of HID collections that are indented

Chunk = tuple[bytes, str]  #: bytes, and what they say


def annotated(case: Case, marks: Sequence[Mark]) -> list[str]:
    """The lines of the listing, at most 72 columns each; the legend comes first when anything is marked."""
    lines = textwrap.wrap(LEGEND, _COLUMNS) if marks else []
    for number, device in enumerate(case.devices):
        mine = [mark for mark in marks if mark.device == number]
        name = f"Device {number}" if len(case.devices) > 1 else "Device"
        lines += ["", *_wrapped(f"{name}: {printable(device.name)}, {device.speed.value} speed", "")]
        for part, raw in parts(device):
            lines += ["", *_wrapped(_heading(device, part, raw), "  ")]
            lines += _listing(device, part, raw, _marked(mine, part))
    return lines[1:] if lines and not lines[0] else lines


def _marked(marks: Sequence[Mark], part: str) -> frozenset[int]:
    """Offsets of the bytes of ``part`` that matter."""
    return frozenset(at for mark in marks if mark.part == part for at in range(mark.offset, mark.offset + mark.length))


def _heading(device: DeviceSpec, part: str, raw: bytes) -> str:
    name, _, number = part.rstrip("]").partition("[")
    size = f"{len(raw)} byte{'s' * (len(raw) != 1)}"
    match name:
        case "control":
            return f"Answers to control requests {_pattern(device.control[int(number)])}, {size}"
        case "endpoints":
            return f"Answers of endpoint 0x{device.endpoints[int(number)].bEndpointAddress:02x}, {size}"
        case "strings":
            return f"String {number}, {size}"
        case "reports":
            return f"HID report descriptor of interface {number}, {size}"
        case "configurations":
            return f"Configuration (index {number}), {size}"
        case "bos":
            return f"BOS, {size}"
        case _:
            return f"{name.capitalize()} descriptor, {size}" if name == "device" else f"Device qualifier, {size}"


def _pattern(script: ControlScript) -> str:
    keys = ("bmRequestType", "bRequest", "wValue", "wIndex", "wLength")
    known = [f"{key} 0x{value:02x}" for key in keys if (value := getattr(script, key)) is not None]
    return ", ".join(known) or "of any kind"


def _listing(device: DeviceSpec, part: str, raw: bytes, marked: frozenset[int]) -> Iterator[str]:
    at, last, repeated = 0, "", False
    for chunk, words in _chunks(device, part, raw):
        for row in _rows(chunk, words, [at + nth in marked for nth in range(len(chunk))]):
            if row != last:
                yield row
            elif not repeated:
                yield "  *"  # as hexdump(1) says: the same again
            last, repeated = row, row == last
        at += len(chunk)


def _chunks(device: DeviceSpec, part: str, raw: bytes) -> list[Chunk]:
    """A part cut into its descriptors, HID items or answers, each with what it says in words."""
    if part.startswith("reports"):
        return [(item.raw, "  " * min(item.depth, _MAX_INDENT) + item.text) for item in report_items(raw)]
    if part.startswith("strings"):
        return [(raw, repr(string_text(raw) or ""))]
    if part.startswith(("control", "endpoints")):
        name, _, number = part.rstrip("]").partition("[")
        return [(step.answer.data, _answer(step)) for step in getattr(device, name)[int(number)].steps]
    return [(descriptor.raw, describe(descriptor)) for descriptor in split(raw)]


def _answer(step: Step) -> str:
    times = "always" if step.times == 0 else "once" if step.times == 1 else f"{step.times} times"
    delay = f", after {step.answer.delay_ms} ms" if step.answer.delay_ms else ""
    return f"{step.answer.status.value}, {times}{delay}"


def _rows(raw: bytes, words: str, marked: Sequence[bool]) -> Iterator[str]:
    indent = " " * (len(words) - len(words.lstrip()))
    text = textwrap.wrap(printable(words), _WORDS, subsequent_indent=indent + "  ") or [""]
    count = max(len(text), -(-len(raw) // _A_LINE))
    for row in range(count):
        start = row * _A_LINE
        said = text[row] if row < len(text) else ""
        shown = _hex(raw[start : start + _A_LINE], marked[start : start + _A_LINE])
        yield f"  {shown:<{_HEX}}{said}".rstrip()


def _hex(raw: bytes, marked: Sequence[bool]) -> str:
    """Bytes in hex, those that matter in brackets, which take the place of blanks: ``[09 02]3e 00``."""
    shown, before = "", False
    for byte, matters in zip(raw, marked, strict=True):
        shown += "[" if matters and not before else "]" if before and not matters else " "
        shown += f"{byte:02x}"
        before = matters
    return shown + ("]" if before else " ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, initial_indent=indent, subsequent_indent=indent + "  ")
