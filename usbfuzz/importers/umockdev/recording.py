"""Recordings of umockdev-record (``*.umockdev``): udev's view of a device and its parents, as text.

Each device is a block of lines ``KEY: VALUE``: P its path below /sys, N its node and what that holds, S its links, E
its udev properties, A text attributes, H attributes in hex, L attributes that are links. What the device answered a
program is in files of their own (:mod:`usbfuzz.importers.umockdev.ioctl`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import field, mutable

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.sysfs.attributes import Shown, devices_in, imported

__all__ = ["import_umockdev", "looks_umockdev"]

_LOOK = 64 << 10  #: bytes searched for the first device
_PATH = re.compile(rb"^P: /devices/", re.MULTILINE)
_LINE = re.compile(r"([PNSEAHL]): ?(.*)")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_ROOT_HUB = re.compile(r"usb\d+")


@mutable
class _Block:
    """One device of the recording, usb or not."""

    path: str
    line: int
    attributes: dict[str, bytes] = field(factory=dict)
    problems: list[Problem] = field(factory=list)


def looks_umockdev(content: bytes) -> bool:
    """A line that begins a device."""
    return _PATH.search(content[:_LOOK]) is not None


def import_umockdev(content: bytes, name: str) -> tuple[Imported, ...]:
    """The USB devices of a recording, hubs on the way to them included. Raises InputError when it holds none."""
    blocks = {block.path: block for block in _blocks(content.decode("utf-8", "replace"))}
    devices = devices_in({path: block.attributes for path, block in blocks.items()})
    found = tuple(
        _imported(shown, path, blocks, name)
        for path, shown in devices
        if not _ROOT_HUB.fullmatch(path.rpartition("/")[2])
    )
    if found:
        return found
    if broken := [problem for block in blocks.values() for problem in block.problems]:
        raise InputError(f"{name}:{broken[0].line}: {broken[0].reason}; and no other line has a device's descriptors")
    raise InputError(f"{name}: has no USB device's descriptors; record with umockdev-record /dev/bus/usb/BUS/DEVICE")


def _imported(shown: Shown, path: str, blocks: dict[str, _Block], name: str) -> Imported:
    bus, number = (shown.line(attribute).strip() or "?" for attribute in ("busnum", "devnum"))
    own = [
        block
        for place, block in blocks.items()
        if place == path or place.startswith(f"{path}/{path.rpartition('/')[2]}:")
    ]
    broken = tuple(problem for block in own for problem in block.problems)
    return imported(shown, f"Bus {bus:>03} Device {number:>03}", f"{name}:{blocks[path].line}", broken)


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
        block.attributes[key] = _ESCAPE.sub(_unescaped, value.encode())
    elif kind == "H" or (kind == "N" and key.startswith("bus/usb/")):
        attribute = key if kind == "H" else "descriptors"
        raw = _bytes(value)
        if raw is None:
            block.problems.append(Problem(line, f"{attribute} is not hex; left out"))
        elif kind == "H" or attribute not in block.attributes:  # the node holds the same bytes
            block.attributes[attribute] = raw


def _bytes(value: str) -> bytes | None:
    try:
        return bytes.fromhex(value.strip())
    except ValueError:
        return None


def _unescaped(found: re.Match[bytes]) -> bytes:
    """What an escape of GLib's g_strescape stands for: a byte of the attribute's UTF-8."""
    octal, letter = found.groups()
    return bytes((int(octal, 8) & 0xFF,)) if octal else _LETTERS.get(letter, letter)
