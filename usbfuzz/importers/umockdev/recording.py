"""Recordings of umockdev-record (``*.umockdev``): udev's view of a device and its parents, as text.

Each device is a block of lines ``KEY: VALUE``: P its path below /sys, N its node and what that holds, S its links, E
its udev properties, A text attributes, H attributes in hex, L attributes that are links. What the device answered a
program is in files of their own (:mod:`usbfuzz.importers.umockdev.ioctl`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attrs import evolve, field, mutable

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split, string_descriptor
from usbfuzz.descriptors.standard import ConfigurationDescriptor, DeviceDescriptor, InterfaceDescriptor
from usbfuzz.errors import InputError
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.raw import looks_raw, parse_raw
from usbfuzz.wire import Speed

__all__ = ["import_umockdev", "looks_umockdev"]

_LOOK = 64 << 10  #: bytes searched for the first device
_PATH = re.compile(rb"^P: /devices/", re.MULTILINE)
_LINE = re.compile(r"([PNSEAHL]): ?(.*)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_INTERFACE = re.compile(r"/[^/:]+:(\d{1,3})\.(\d{1,3})(?=/|$)")
_MAX_STRING = 252  #: bytes
_SPEEDS = {"1.5": Speed.LOW, "12": Speed.FULL, "480": Speed.HIGH}  #: Mbit/s; above that SuperSpeed


@mutable
class _Block:
    """One device of the recording, usb or not."""

    path: str
    line: int
    attributes: dict[str, str] = field(factory=dict)
    binary: dict[str, bytes] = field(factory=dict)
    problems: list[Problem] = field(factory=list)

    @property
    def is_device(self) -> bool:
        """A USB device, not one of its interfaces, and not the host's own root hub."""
        is_root = re.fullmatch(r"usb\d+", self.path.rpartition("/")[2]) is not None
        return looks_raw(self.binary.get("descriptors", b"")) and not is_root


def looks_umockdev(content: bytes) -> bool:
    """A line that begins a device."""
    return _PATH.search(content[:_LOOK]) is not None


def import_umockdev(content: bytes, name: str) -> tuple[Imported, ...]:
    """The USB devices of a recording, hubs on the way to them included. Raises InputError when it holds none."""
    blocks = list(_blocks(content.decode("utf-8", "replace")))
    below = _by_device(blocks)
    found = tuple(_imported(block, below.get(block.path, []), name) for block in blocks if block.is_device)
    if found:
        return found
    if broken := [problem for block in blocks for problem in block.problems]:
        raise InputError(f"{name}:{broken[0].line}: {broken[0].reason}; and no other line has a device's descriptors")
    raise InputError(f"{name}: has no USB device's descriptors; record with umockdev-record /dev/bus/usb/BUS/DEVICE")


def _blocks(text: str) -> Iterator[_Block]:
    block: _Block | None = None
    for number, line in enumerate(text.split("\n"), 1):
        found = _LINE.fullmatch(line.rstrip("\r"))
        if found is None:
            continue
        kind, rest = found.groups()
        if kind == "P":
            if block is not None:
                yield block
            block = _Block(rest.strip(), number)
        elif block is not None:
            _add(block, kind, rest, number)
    if block is not None:
        yield block


def _add(block: _Block, kind: str, rest: str, line: int) -> None:
    key, _, value = rest.partition("=")
    if kind == "A":
        block.attributes[key] = _text(value)
    elif kind == "H" or (kind == "N" and key.startswith("bus/usb/")):
        attribute = key if kind == "H" else "descriptors"
        raw = _bytes(value)
        if raw is None:
            block.problems.append(Problem(line, f"{attribute} is not hex; left out"))
        elif kind == "H" or attribute not in block.binary:  # the node holds the same bytes
            block.binary[attribute] = raw


def _bytes(value: str) -> bytes | None:
    try:
        return bytes.fromhex(value.strip())
    except ValueError:
        return None


def _text(value: str) -> str:
    """An attribute as sysfs has it: escapes stand for bytes of its UTF-8 (GLib's g_strescape)."""
    return _ESCAPE.sub(_unescaped, value.encode()).decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    octal, letter = found.groups()
    return bytes((int(octal, 8) & 0xFF,)) if octal else _LETTERS.get(letter, letter)


_Place = tuple[int, int]  # bConfigurationValue and bInterfaceNumber
_Below = list[tuple[_Place, _Block]]


def _by_device(blocks: Iterable[_Block]) -> dict[str, _Below]:
    """The interfaces of each device, and what is below them: ``…/1-3/1-3:1.0/0003:04D9:1603.0001``."""
    found: dict[str, _Below] = {}
    for block in blocks:
        if place := _INTERFACE.search(block.path):
            found.setdefault(block.path[: place.start()], []).append(((int(place[1]), int(place[2])), block))
    return found


def _imported(block: _Block, below: _Below, name: str) -> Imported:
    spec, problems = parse_raw(block.binary["descriptors"], f"{name}:{block.line}")
    speed = block.attributes.get("speed", "").strip()
    spec = evolve(
        spec,
        speed=_SPEEDS.get(speed, Speed.SUPER) if speed else spec.speed,
        strings=tuple(sorted(dict(_strings(spec, block, below)).items())),
        reports=tuple(sorted(dict(_reports(below)).items())),
        bos=block.binary.get("bos_descriptors") or spec.bos,
    )
    spec, made_up = complete(named(spec))
    guessed = () if speed else (f"speed {spec.speed.value}, from the packet sizes",)
    bus, number = (block.attributes.get(key, "?").strip() for key in ("busnum", "devnum"))
    blocks = (block, *(interface for _, interface in below))
    broken = [problem for part in blocks for problem in part.problems]
    return Imported(spec, f"Bus {bus:>03} Device {number:>03}", (*guessed, *made_up), (*problems, *broken))


def _strings(spec: DeviceSpec, block: _Block, below: _Below) -> Iterator[tuple[int, bytes]]:
    texts = block.attributes
    interfaces = {
        place: interface.attributes["interface"] for place, interface in below if "interface" in interface.attributes
    }
    active = texts.get("bConfigurationValue", "").strip()
    value = 0
    for descriptor in split(spec.device + b"".join(spec.configurations)):
        found: list[tuple[int, str | None]] = []
        if isinstance(descriptor, DeviceDescriptor):
            found = [
                (descriptor.iManufacturer, texts.get("manufacturer")),
                (descriptor.iProduct, texts.get("product")),
                (descriptor.iSerialNumber, texts.get("serial")),
            ]
        elif isinstance(descriptor, ConfigurationDescriptor):
            value = descriptor.bConfigurationValue
            found = [(descriptor.iConfiguration, texts.get("configuration") if active in ("", str(value)) else None)]
        elif isinstance(descriptor, InterfaceDescriptor) and not descriptor.bAlternateSetting:
            found = [(descriptor.iInterface, interfaces.get((value, descriptor.bInterfaceNumber)))]
        for index, text in found:
            if index and text and text.strip("\n"):
                yield index, _string(text.rstrip("\n"))


def _string(text: str) -> bytes:
    """The string descriptor, of as much as fits into one."""
    units = text.encode("utf-16-le", "replace")[:_MAX_STRING]
    return string_descriptor(units.decode("utf-16-le", "ignore"))


def _reports(below: _Below) -> Iterator[tuple[int, bytes]]:
    for (_, number), interface in below:
        if raw := interface.binary.get("report_descriptor"):
            yield number & 0xFF, raw
