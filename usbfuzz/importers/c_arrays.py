"""Descriptors as arrays of bytes in a source in C: of a raw-gadget program, as our export writes, or of a firmware.

Arrays of numbers are read, and constants that the source defines. A table of requests and arrays tells which string or
report descriptor is whose, as in ``{ 0x80, 0x0301, 0, name, … }``; where there is none, their order and sizes do.
Nothing is compiled or run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.errors import InputError
from usbfuzz.importers.hid.device import is_report_descriptor
from usbfuzz.reading import decoded
from usbfuzz.wire import Speed

from .complete import complete, promised_reports
from .model import Imported, Problem
from .naming import named
from .raw import looks_raw
from .speed import guess_speed

__all__ = ["import_c_arrays", "looks_c_arrays"]

_MOST_TEXT = 4 << 20  #: bytes
_LONGEST = 1 << 16  #: numbers of an array
_SIGN = re.compile(rb"\{[^{}]{0,400}?\b(?:0x12|18)\s*,", re.IGNORECASE)
_REMARK = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_ARRAY = re.compile(
    r"\b(?:u?int8_t|__u8|u8|U8|unsigned char|char|BYTE|byte|uchar)\s+(?:const\s+|PROGMEM\s+){0,2}"
    r"(?P<name>\w{1,100})\s*\[[^\[\]\n]{0,100}\][^=;{}]{0,100}=\s*\{(?P<body>[^{}]*)\}"
)
_DIGITS = r"(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,9})[uUlL]*"
_CONSTANT = re.compile(rf"^[ \t]*#[ \t]*define[ \t]+(\w{{1,100}})[ \t]+\(?{_DIGITS}\)?[ \t]*$", re.MULTILINE)
_LETTER = re.compile(r"'([ -&(-\[\]-~])'")
_NUMBER = re.compile(rf"(?:\([ \w]{{1,20}}\)\s*)?{_DIGITS}")
#: A request (type, wValue, wIndex) and the array that answers it.
_ROW = re.compile(r"\{\s*(0x8[01])\s*,\s*(0x[0-9a-fA-F]{1,4})\s*,\s*(\w{1,10})\s*,\s*(\w{1,100})\s*,")
_TABLE = re.compile(r"\b(?P<name>\w{1,100})\s*\[\]\s*=\s*\{(?P<rows>(?:\s*\{[^{}]*\}\s*,?)+)\s*\}")
#: In what export writes: answers besides descriptors.
_ANSWERS = re.compile(r"\bstruct (?:endpoint_)?script \w+\[\]\s*=")
_UNREAD = Problem(0, "what it answers besides descriptors is not read")
_SPEED = re.compile(r"\bUSB_SPEED_(LOW|FULL|HIGH|SUPER)\b")
_REPORTS = 0x2200  #: wValue
_OF_DEVICE, _OF_INTERFACE = "0x80", "0x81"  #: bRequestType
_SIZED = (DescriptorType.DEVICE, DescriptorType.CONFIGURATION, DescriptorType.BOS, DescriptorType.DEVICE_QUALIFIER)

Arrays = Mapping[str, bytes]
_Key = tuple[str, int, int]  #: a request: its type, wValue and wIndex
_DEVICE: _Key = (_OF_DEVICE, 0x0100, 0)
_GUESSED = "speed: guessed from the packet sizes"


def looks_c_arrays(content: bytes) -> bool:
    """An array that begins as a device descriptor does."""
    if len(content) > _MOST_TEXT or _SIGN.search(content) is None:
        return False
    return any(map(looks_raw, _arrays(_bare(content)).values()))


def import_c_arrays(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices whose device descriptors are arrays. Raises InputError when there is none."""
    text = _bare(content)
    arrays = _arrays(text)
    tables = [dict(_rows(found["rows"], arrays)) for found in _TABLE.finditer(text)]
    tables = [table for table in tables if looks_raw(table.get(_DEVICE, b""))]
    found = list(map(_device, tables or (dict(_guessed(part)) for part in _parts(arrays))))
    if not found:
        raise InputError(f"{name}: has no array that is a device descriptor; give the source with the descriptors")
    speeds = [Speed[speed] for speed in _SPEED.findall(text)]
    if len(speeds) == len(found):
        found = [_at(imported, speed) for imported, speed in zip(found, speeds, strict=True)]
    if _ANSWERS.search(text):
        found = [evolve(imported, problems=(*imported.problems, _UNREAD)) for imported in found]
    return tuple(found)


def _device(answers: Mapping[_Key, bytes]) -> Imported:
    def of(kind: DescriptorType) -> dict[int, bytes]:
        wanted = (key for key in sorted(answers) if key[0] == _OF_DEVICE and key[1] >> 8 == kind)
        return {key[1] & 0xFF: answers[key] for key in wanted}

    device, configurations = answers[_DEVICE], tuple(of(DescriptorType.CONFIGURATION).values())
    qualifier = answers.get((_OF_DEVICE, DescriptorType.DEVICE_QUALIFIER << 8, 0), b"")
    reports = {key[2]: raw for key, raw in answers.items() if key[:2] == (_OF_INTERFACE, _REPORTS)}
    bare = DeviceSpec(
        name="device",
        device=device,
        configurations=configurations,
        speed=guess_speed(device, configurations, qualifier),
        strings=tuple(of(DescriptorType.STRING).items()),
        reports=tuple(sorted(reports.items())),
        bos=answers.get((_OF_DEVICE, DescriptorType.BOS << 8, 0), b""),
        qualifier=qualifier,
    )
    spec, made_up = complete(bare)
    return Imported(named(spec), "the arrays", (_GUESSED, *made_up))


def _at(imported: Imported, speed: Speed) -> Imported:
    made_up = tuple(note for note in imported.synthesised if note != _GUESSED)
    return evolve(imported, device=evolve(imported.device, speed=speed), synthesised=made_up)


def _bare(content: bytes) -> str:
    return _REMARK.sub(" ", decoded(content).replace("\r", ""))


def _arrays(text: str) -> Arrays:
    """The arrays of numbers by name; those with anything else in them are left out."""
    constants = {found[1]: _number(found[2]) for found in _CONSTANT.finditer(text)}
    arrays: dict[str, bytes] = {}
    for found in _ARRAY.finditer(text):
        words = [word.strip() for word in found["body"][: _LONGEST * 8].split(",") if word.strip()]
        numbers = [_value(word, constants) for word in words]
        if None not in numbers:
            arrays.setdefault(found["name"], bytes(number & 0xFF for number in numbers if number is not None))
    return arrays


def _value(word: str, constants: Mapping[str, int]) -> int | None:
    if letter := _LETTER.fullmatch(word):
        return ord(letter[1])
    return _number(whole[1]) if (whole := _NUMBER.fullmatch(word)) else constants.get(word)


def _number(digits: str) -> int:
    return int(digits, 16 if digits[:2] in {"0x", "0X"} else 10)  # nobody writes descriptors in octal


def _rows(rows: str, arrays: Arrays) -> Iterator[tuple[_Key, bytes]]:
    for kind, value, index, name in _ROW.findall(rows):
        if name in arrays:
            yield (kind, int(value, 16), int(index) if index.isdecimal() and index.isascii() else 0), arrays[name]


def _parts(arrays: Arrays) -> list[list[bytes]]:
    """The arrays of each device, its device descriptor first."""
    parts: list[list[bytes]] = []
    before: list[bytes] = []
    for raw in arrays.values():
        if looks_raw(raw):
            parts.append([raw])
        else:
            (parts[-1] if parts else before).append(raw)
    if parts:
        parts[0] += before
    return parts


def _guessed(arrays: list[bytes]) -> Iterator[tuple[_Key, bytes]]:
    """What each array of a device answers, as far as its bytes tell."""
    seen: dict[int, int] = {}
    reports: list[bytes] = []
    for raw in arrays:
        kind = raw[1] if len(raw) > 1 else 0
        if is_report_descriptor(raw):
            reports.append(raw)
        elif kind in _SIZED or (kind == DescriptorType.STRING and raw[0] == len(raw)):
            number = seen.setdefault(kind, 0)
            if kind == DescriptorType.STRING and not number and raw[:4] != b"\x04\x03\x09\x04":
                number = 1
            seen[kind] = number + 1
            yield (_OF_DEVICE, kind << 8 | number & 0xFF, 0), raw
    for raw in arrays:
        if raw[1:2] == bytes((DescriptorType.CONFIGURATION,)):
            for interface, length in promised_reports(split(raw)):
                if fitting := next((report for report in reports if len(report) == length), b""):
                    yield (_OF_INTERFACE, _REPORTS, interface.bInterfaceNumber), fitting
