"""Every number of a case, and its plainest value: zero, unless a specification or arithmetic says otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve, frozen

from usbfuzz.case.model import Case, DeviceSpec
from usbfuzz.case.parts import parts, with_part
from usbfuzz.descriptors import Descriptor, report_items, split
from usbfuzz.descriptors.fields import Fixed
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.descriptors.tree import parse
from usbfuzz.wire import Speed, TransferType

from .reduce import Choice

__all__ = ["Unit", "fields", "units", "with_units"]


@frozen
class Unit:
    """One number: a field of a descriptor, an item of an array, or a byte of unknown meaning."""

    device: int
    part: str
    offset: int
    raw: bytes  #: as it is
    plain: bytes | None = None  #: plainest value; None when another value would make it another kind of thing


def fields(case: Case) -> Choice:
    """Set the numbers that are not plain to their plainest value."""
    left = [unit for unit in units(case) if unit.plain not in (None, unit.raw)]
    return Choice(len(left), lambda picks: with_units(case, {left[nth]: left[nth].plain or b"" for nth in picks}))


def with_units(case: Case, values: dict[Unit, bytes]) -> Case:
    """The case with other values for some of its numbers; each is as long as the old one."""
    raws: dict[tuple[int, str], bytearray] = {}
    for unit, value in values.items():
        key = unit.device, unit.part
        if key not in raws:
            raws[key] = bytearray(dict(parts(case.devices[unit.device]))[unit.part])
        raws[key][unit.offset : unit.offset + len(value)] = value
    devices = list(case.devices)
    for (number, part), raw in raws.items():
        devices[number] = with_part(devices[number], part, bytes(raw))
    return evolve(case, devices=tuple(devices))


def units(case: Case) -> Iterator[Unit]:
    """All numbers of a case: every byte of its devices is in exactly one."""
    for number, device in enumerate(case.devices):
        for part, raw in parts(device):
            for offset, length, plain in _part_units(device, part, raw):
                yield Unit(number, part, offset, raw[offset : offset + length], plain)


_Span = tuple[int, int, bytes | None]  #: offset, length, plainest value


def _part_units(device: DeviceSpec, part: str, raw: bytes) -> Iterator[_Span]:
    name = part.partition("[")[0]
    if name == "reports":
        yield from _items(raw)
    elif name == "strings":
        yield from ((at, 1, None) for at in range(min(2, len(raw))))
        yield from ((at, len(raw[at : at + 2]), b"x\0"[: len(raw) - at]) for at in range(2, len(raw), 2))
    elif name in ("control", "endpoints"):
        yield from ((at, 1, b"\0") for at in range(len(raw)))
    else:
        right = parse(raw).with_totals().raw if name == "configurations" else raw
        at = 0
        for descriptor in split(raw):
            yield from _descriptor(device, descriptor, at, right)
            at += len(descriptor.raw)


def _items(raw: bytes) -> Iterator[_Span]:
    at = 0
    for item in report_items(raw):
        yield at, 1, None
        if item.raw[1:]:
            yield at + 1, len(item.raw) - 1, bytes(len(item.raw) - 1)
        at += len(item.raw)


def _descriptor(device: DeviceSpec, descriptor: Descriptor, at: int, right: bytes) -> Iterator[_Span]:
    done = 0
    for field, (start, stop, width) in zip(descriptor.fields, descriptor.spans, strict=True):
        yield from ((at + byte, 1, b"\0") for byte in range(done, start))
        for begin in range(start, stop, width or 1):
            length = min(width or 1, stop - begin)
            fixed = field.name in _IDENTITY or isinstance(field.default, Fixed)
            plain = None if fixed else _plain(device, descriptor, field.name, right[at + begin : at + begin + length])
            yield at + begin, length, plain
        done = max(done, stop)
    yield from ((at + byte, 1, b"\0") for byte in range(done, len(descriptor.raw)))


#: Fields that say which descriptor it is.
_IDENTITY = frozenset(
    {"bLength", "bDescriptorType", "bDescriptorSubtype", "bInterfaceNumber", "bEndpointAddress", "bDevCapabilityType"}
)
_TOTALS = frozenset({"wTotalLength", "bNumInterfaces", "bNumEndpoints"})


def _plain(device: DeviceSpec, descriptor: Descriptor, name: str, right: bytes) -> bytes:
    """The plainest value of field ``name``; ``right`` is the field as it would be with correct totals."""
    if name in _TOTALS:
        return right
    value = 0
    match descriptor:
        case DeviceDescriptor():
            fast = device.speed is Speed.SUPER
            usual = {"bcdUSB": 0x0300 if fast else 0x0200, "bMaxPacketSize0": 9 if fast else 64}
            value = (usual | {"bNumConfigurations": len(device.configurations) & 0xFF}).get(name, 0)
        case ConfigurationDescriptor():
            value = {"bConfigurationValue": 1, "bmAttributes": 0x80, "bMaxPower": 50}.get(name, 0)
        case EndpointDescriptor():
            value = _endpoint(descriptor, name)
        case InterfaceDescriptor() | _:
            value = 0
    return value.to_bytes(len(right), "little")


def _endpoint(descriptor: EndpointDescriptor, name: str) -> int:
    periodic = descriptor.transfer_type in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
    plain = {
        "bmAttributes": int(descriptor.transfer_type),
        "wMaxPacketSize": 64 if periodic else 512,
        "bInterval": 4 if periodic else 0,
    }
    return plain.get(name, 0)
