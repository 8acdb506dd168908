"""Recordings of ioctls (``umockdev-record --ioctl``): what a device answered a program.

A line is an ioctl, its result and its data (umockdev's src/ioctl_tree.c). Those of usbfs hold transfers: ``type
endpoint status flags buffer_length actual_length error_count`` in decimal, then the buffer in hex. Those of hidraw hold
HID reports. What evdev answers is the kernel's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from attrs import evolve, field, frozen, mutable

from usbfuzz.descriptors import split
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.descriptors.tree import hid_interfaces
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.conversation import converse
from usbfuzz.importers.capture.untimed import Untimed
from usbfuzz.importers.capture.urbs import linux_status
from usbfuzz.importers.complete import REPORT_NOTE
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.wire import Answer, Setup, TransferType

__all__ = ["looks_ioctl", "with_ioctls"]

_LOOK = 64 << 10
_NAME = r"(?:USBDEVFS|EVIOC|HIDIOC|CROS_EC|SPI_IOC)\w*(?:\(\d{1,5}\))?"
_SIGN = re.compile(rf"(?:(?:@DEV |#)[^\n]*\n|\s*\n)* *{_NAME} -?\d{{1,10}}(?=\s|$)".encode(), re.ASCII)
_LINE = re.compile(r" *([A-Z_0-9]{1,40})(?:\(\d{1,5}\))? (-?\d{1,10})(?: +(.*))?", re.ASCII)
_NODE = re.compile(r"@DEV /dev/bus/usb/(\d{3})/(\d{3})\b.*", re.ASCII)
_URB = re.compile(
    r"(\d{1,3}) (\d{1,3}) (-?\d{1,6}) \d{1,10} \d{1,10} (\d{1,10}) -?\d{1,10}(?: +([0-9A-Fa-f]*))?", re.ASCII
)
#: usbdevfs_urb.type. include/uapi/linux/usbdevice_fs.h
_TYPES = (TransferType.ISOCHRONOUS, TransferType.INTERRUPT, TransferType.CONTROL, TransferType.BULK)
_SETUP = 8  #: bytes of the setup packet at the beginning of a control transfer's buffer
_URBS = ("USBDEVFS_REAPURB", "USBDEVFS_REAPURBNDELAY")
_REPORT_TYPES = {"INPUT": 1, "OUTPUT": 2, "FEATURE": 3}  #: HID 1.11 §7.2.1
_REPORT_DESCRIPTOR = "HIDIOCGRDESC"


@frozen
class _Line:
    """An ioctl."""

    number: int
    name: str
    result: int
    data: str

    def urb(self) -> re.Match[str] | None:
        """The fields of a transfer."""
        return _URB.fullmatch(self.data) if self.name in _URBS else None

    def raw(self) -> bytes:
        """Data that is hex and nothing else; empty when it is not."""
        return _bytes(self.data)

    def report_descriptor(self) -> bytes:
        """What struct hidraw_report_descriptor holds: a size of 32 bits and the bytes, with more room behind them."""
        raw = self.raw()
        return raw[4 : 4 + int.from_bytes(raw[:4], "little")]


@mutable
class _Said:
    """What the lines say of the device, and what of them does not."""

    transfers: Untimed = field(factory=Untimed)
    broken: list[int] = field(factory=list)  #: lines
    foreign: dict[str, int] = field(factory=dict)  #: how many lines of each driver that is not ours


def looks_ioctl(content: bytes) -> bool:
    """Begins with an ioctl and its result, but for comments and the name of the node."""
    return _SIGN.match(content[:_LOOK]) is not None


def with_ioctls(devices: Sequence[Imported], content: bytes, name: str) -> list[Imported]:
    """The devices, one of them with what the recording says it answered.

    That is the one at the address the recording names, else the only one with the endpoints that were used. Raises
    InputError when none or several are.
    """
    text = content.decode("utf-8", "replace")
    lines = [*_lines(text)]
    meant = _meant(devices, lines, text, name)
    report = next((line.report_descriptor() for line in lines if line.name == _REPORT_DESCRIPTOR), b"")
    interface = _hid_interface(meant, report)
    said = _said(lines, interface)
    spec, filled, unkept = converse(meant.device, said.transfers.transfers)
    made_up = meant.synthesised
    if report and any(number == interface for number, _ in spec.reports):
        spec = evolve(spec, reports=tuple((n, report if n == interface else raw) for n, raw in spec.reports))
        made_up = tuple(note for note in made_up if not note.startswith(f"{REPORT_NOTE} {interface},"))
    joined = evolve(
        meant,
        device=spec,
        synthesised=(*made_up, *filled),
        problems=(*meant.problems, *unkept, *_problems(said, name)),
    )
    return [joined if device is meant else device for device in devices]


def _lines(text: str) -> Iterator[_Line]:
    for number, line in enumerate(text.split("\n"), 1):
        if found := _LINE.fullmatch(line.rstrip()):
            yield _Line(number, found[1], int(found[2]), found[3] or "")


def _meant(devices: Sequence[Imported], lines: Sequence[_Line], text: str, name: str) -> Imported:
    """The device that the recording is of."""
    node = _NODE.match(text)
    used = {int(found[2]) for line in lines if (found := line.urb()) and int(found[2]) & 0x0F}
    named = [device for device in devices if node and device.origin.startswith(f"Bus {node[1]} Device {node[2]}")]
    fitting = named or [device for device in devices if used <= _endpoints(device)]
    says_nothing = not used and not any(line.name.startswith(("HIDIOC", *_URBS)) for line in lines)
    if len(fitting) == 1 or (devices and says_nothing):
        return (fitting or devices)[0]
    if not devices:
        raise InputError(
            f"{name}: holds what a device answered; give its recording too: usbfuzz import X.umockdev {name}"
        )
    which = f"{len(fitting)} of these devices" if fitting else "none of these devices"
    raise InputError(f"{name}: fits {which}; choose one with -d VID:PID")


def _endpoints(device: Imported) -> set[int]:
    return {
        descriptor.bEndpointAddress
        for raw in device.device.configurations
        for descriptor in split(raw)
        if isinstance(descriptor, EndpointDescriptor)
    }


def _hid_interface(device: Imported, report: bytes) -> int:
    """bInterfaceNumber of the HID interface with this report descriptor, else of the first; 0 when there is none."""
    known = [number for number, raw in device.device.reports if raw == report]
    return (*known, *hid_interfaces(device.device.configurations), 0)[0]


def _said(lines: Sequence[_Line], interface: int) -> _Said:
    said = _Said()
    for line in lines:
        if line.name in _URBS:
            if not _add_urb(said.transfers, line):
                said.broken.append(line.number)
        elif line.name.startswith("HIDIOC"):
            _add_report(said.transfers, line, interface)
        elif not line.name.startswith("USBDEVFS"):
            driver = line.name[:5] if line.name.startswith("EVIOC") else line.name
            said.foreign[driver] = said.foreign.get(driver, 0) + 1
    return said


def _add_urb(said: Untimed, line: _Line) -> bool:
    """Whether the line is a transfer."""
    found = line.urb()
    if found is None or int(found[1]) >= len(_TYPES):
        return False
    kind, address, status = _TYPES[int(found[1])], int(found[2]) & 0xFF, linux_status(int(found[3]))
    buffer, moved = _bytes(found[5] or ""), int(found[4])
    if status is None:
        return True  # the device was gone
    if kind is not TransferType.CONTROL:
        payload, sent = (b"", buffer[:moved]) if address & DIRECTION_IN else (buffer, b"")
        said.moved(address, kind, payload, Answer(status, sent), line.number)
    elif len(buffer) >= _SETUP:
        setup, rest = Setup.unpack(buffer[:_SETUP]), buffer[_SETUP:]
        is_in = bool(setup.bmRequestType & DIRECTION_IN)
        said.control(setup, b"" if is_in else rest, Answer(status, rest[:moved] if is_in else b""), line.number)
    else:
        return False
    return True


def _add_report(said: Untimed, line: _Line, interface: int) -> None:
    kind, raw = _REPORT_TYPES.get(line.name[7:], 0), line.raw()
    if kind and line.result >= 0:
        said.hid_report(kind, raw[: max(line.result, 1)], interface, is_in=line.name[6] == "G", place=line.number)


def _problems(said: _Said, name: str) -> Iterator[Problem]:
    if said.broken:
        more = f", nor are {len(said.broken) - 1} others" if len(said.broken) > 1 else ""
        yield Problem(0, f"{name}:{said.broken[0]}: is no transfer{more}; left out")
    for driver, count in said.foreign.items():
        yield Problem(0, f"{name}: {count} lines of {driver} are answers of the kernel, not of the device; left out")


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
