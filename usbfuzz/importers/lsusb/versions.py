"""Which releases of usbutils may have printed a text, told by the text itself.

Each sign is a change of lsusb.c between two releases, found by printing the same devices with all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from attrs import frozen

from usbfuzz.descriptors.constants import DescriptorType

from .blocks import Block
from .text import Line
from .values import number

__all__ = ["NEWEST", "Versions", "versions_of"]

NEWEST = 999  #: stands for all later releases
_SUPERSPEED = 0x0300  #: bcdUSB
_MOST_POWER = 255 * 2  #: mA, as releases up to 008 print bMaxPower at any speed
_FASTEST = 3  #: bFunctionalitySupport: SuperSpeed
_LONGEST_U2 = 0x07FF  #: µs. USB 3.2 §9.6.2.2

#: what a line of some releases only looks like: pattern, first and last of them
_SIGNS: tuple[tuple[re.Pattern[str], int, int], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), first, last)
    for pattern, first, last in (
        (r"\w+Class +0 \(Defined at Interface level\)", 0, 7),
        (r"b\w+(?:SubClass|Protocol) +\d+ \? *$", 0, 7),
        (r"bmVideoStandards +0x [0-9a-f]", 0, 8),
        (r"bmVideoStandards +0x0[0-9a-f]", 9, NEWEST),
        (r"\*\* UNRECOGNIZED: +[0-9a-f]{2} 10 (?:05|0a|0d) ", 0, 8),
        (r"(?:SuperSpeedPlus USB Device|Billboard|Platform Device) Capability:", 9, NEWEST),
        (r"BESL Link Power Management", 8, NEWEST),
        (r"BESL value +\d+ us", 8, 18),
        (r"Baseline BESL value", 19, NEWEST),
        (r"guid\w+ +\{?[0-9a-f]{8}-0000-1000-8000-00aa00389b71", 0, 8),
        (r"guid\w+ +\{?[0-9a-f]{8}-0000-0010-8000-00aa00389b71", 9, NEWEST),
        (r"bNumControl +\d", 0, 12),
        (r"bEndPointAddress +\d", 0, 13),
        (r"iAddtionalInfoURL ", 9, 13),
        (r"dwAlternateModeVdo ", 11, NEWEST),
        (r"\w+(?:Class|Protocol) +\d+ \[unknown\]", 16, NEWEST),
        (r"bDescriptorType +\d+ \(null\)", 18, 18),
        (r"Negotiated speed:", 18, NEWEST),
        (r"VideoControl Endpoint Descriptor:", 18, NEWEST),
        (r"wBytesPerInterval +\d", 19, NEWEST),
    )
)


@frozen
class Versions:
    """Releases of usbutils, both ends included; what came before 001 is 0."""

    first: int = 0
    last: int = NEWEST

    def narrowed(self, other: Versions) -> Versions:
        """Those of both; the earlier ones alone where none is of both."""
        both = Versions(max(self.first, other.first), min(self.last, other.last))
        return both if both.first <= both.last else self

    def may_be(self, first: int, last: int) -> bool:
        """Whether one of these is among ``first`` to ``last``."""
        return self.first <= last and first <= self.last

    def must_be(self, first: int, last: int) -> bool:
        """Whether all of these are among ``first`` to ``last``."""
        return first <= self.first and self.last <= last


def versions_of(lines: Iterable[Line], blocks: Iterable[Block]) -> Versions:
    """The releases that may have printed one device."""
    found = Versions()
    for sign in (*_of_blocks(blocks), *_of_lines(lines)):
        found = found.narrowed(sign)
    return found


def _of_lines(lines: Iterable[Line]) -> Iterator[Versions]:
    header = False
    for line in lines:
        for pattern, first, last in _SIGNS:
            if pattern.match(line.text):
                yield Versions(first, last)
        if header and line.text.startswith("Device Descriptor:"):
            yield Versions(0, 17)  # since 018 the negotiated speed stands between the two
        header = line.text.startswith("Bus ")


def _of_blocks(blocks: Iterable[Block]) -> Iterator[Versions]:
    superspeed = False
    above: Mapping[str, int] = {}
    for block in blocks:
        values = block.numbers()
        kind = values.get("bDescriptorType")
        if kind == DescriptorType.DEVICE:
            superspeed = values.get("bcdUSB", 0) >= _SUPERSPEED
        elif kind == DescriptorType.CONFIGURATION:
            yield from _of_configuration(block, superspeed=superspeed)
        elif kind == DescriptorType.CS_INTERFACE and {"bNumFormats", "bmaControls"} <= above.keys():
            if above["bmaControls"] != values.get("bLength"):
                yield Versions(9, NEWEST)  # up to 008 it is the byte behind the header
        elif "wSpeedsSupported" in values and _is_early(values):
            yield Versions(0, 4)
        above = values


def _of_configuration(block: Block, *, superspeed: bool) -> Iterator[Versions]:
    """wTotalLength is in hex since 010; MaxPower is in units of 8 mA since 009, if the device is SuperSpeed."""
    for token in block.tokens:
        value = token.value.strip()
        power = number(token.name, value) or 0
        if token.name == "wTotalLength" and value:
            yield Versions(10, NEWEST) if value.startswith("0x") else Versions(0, 9)
        elif token.name == "MaxPower" and superspeed and power > _MOST_POWER:
            yield Versions(9, NEWEST)
        elif token.name == "MaxPower" and superspeed and power % 8:
            yield Versions(0, 8)


def _is_early(values: Mapping[str, int]) -> bool:
    """Whether a SuperSpeed capability is read one byte too early: its values would make no sense."""
    slowest = values.get("bFunctionalitySupport", 0)
    unsupported = slowest > _FASTEST or not values["wSpeedsSupported"] >> slowest & 1
    return values.get("bU2DevExitLat", 0) > _LONGEST_U2 or (unsupported and values.get("bU1DevExitLat", 0) <= _FASTEST)
