"""The descriptors in a capture: the device's answers to GET_DESCRIPTOR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient
from usbfuzz.descriptors.strings import language_ids
from usbfuzz.importers.model import Problem
from usbfuzz.wire import Status

from .transfers import Transfer, asks_descriptor

__all__ = ["read_descriptors", "refusals"]

_MAX_CONFIGURATIONS = 8  #: USB_MAXCONFIG, drivers/usb/core/config.c

#: bmRequestType, wValue and wIndex of a request for a descriptor
Key = tuple[int, int, int]
Answers = Mapping[Key, Transfer]


def read_descriptors(all_: Iterable[Transfer]) -> tuple[DeviceSpec, list[Problem]]:
    """A device with the descriptors that were asked for, of each the longest answer; ``device`` may be empty."""
    best: dict[Key, Transfer] = {}
    for transfer in all_:
        if transfer.setup and asks_descriptor(transfer.setup) and transfer.status is Status.OK and transfer.data:
            key = (transfer.setup.bmRequestType, transfer.setup.wValue, transfer.setup.wIndex)
            if key not in best or len(transfer.data) > len(best[key].data):
                best[key] = transfer
    configurations = tuple(_configurations(best))
    spec = DeviceSpec(
        name="",
        device=_single(best, DescriptorType.DEVICE),
        configurations=configurations,
        strings=tuple(sorted(_strings(best).items())),
        reports=tuple(sorted(_reports(best))),
        bos=_single(best, DescriptorType.BOS),
        qualifier=_single(best, DescriptorType.DEVICE_QUALIFIER),
    )
    return spec, [*_cut_short(best), *_unread(spec)]


def refusals(all_: Iterable[Transfer]) -> set[tuple[int, int]]:
    """wValue and wIndex of the descriptors that were asked for and not given."""
    asked = [transfer for transfer in all_ if transfer.setup and asks_descriptor(transfer.setup)]
    given = {(transfer.setup.wValue, transfer.setup.wIndex) for transfer in asked if transfer.setup and transfer.data}
    return {(transfer.setup.wValue, transfer.setup.wIndex) for transfer in asked if transfer.setup} - given


def _single(best: Answers, kind: DescriptorType) -> bytes:
    return next((transfer.data for key, transfer in best.items() if key[:2] == (DIRECTION_IN, kind << 8)), b"")


def _numbered(best: Answers, kind: DescriptorType) -> Iterator[tuple[int, int, bytes]]:
    """Index, wIndex and bytes of each descriptor of a kind that has several."""
    for (bmRequestType, wValue, wIndex), transfer in best.items():
        if bmRequestType == DIRECTION_IN and wValue >> 8 == kind:
            yield wValue & 0xFF, wIndex, transfer.data


def _configurations(best: Answers) -> Iterator[bytes]:
    read = {index: raw for index, _, raw in _numbered(best, DescriptorType.CONFIGURATION)}
    last = max((index for index in read if index < _MAX_CONFIGURATIONS), default=-1)
    yield from (read.get(index, b"") for index in range(last + 1))


def _strings(best: Answers) -> dict[int, bytes]:
    """The strings by index, in the first language of the device, else in any language."""
    said = sorted(_numbered(best, DescriptorType.STRING))
    strings = {index: raw for index, _, raw in reversed(said)}
    first = (language_ids(strings.get(0, b"")) or (0,))[0]
    return strings | {index: raw for index, language, raw in said if index and language == first}


def _reports(best: Answers) -> Iterator[tuple[int, bytes]]:
    for (bmRequestType, wValue, wIndex), transfer in best.items():
        if bmRequestType == DIRECTION_IN | Recipient.INTERFACE and wValue == DescriptorType.HID_REPORT << 8:
            yield wIndex & 0xFF, transfer.data


def _cut_short(best: Answers) -> Iterator[Problem]:
    for (bmRequestType, wValue, _), transfer in best.items():
        wanted = _announced(bmRequestType, wValue >> 8, transfer)
        if len(transfer.data) < wanted:
            what = f"{_NAMES.get(wValue >> 8, f'descriptor type {wValue >> 8:#04x}')} {wValue & 0xFF}"
            yield Problem(
                0, f"{what}: the capture holds {len(transfer.data)} of its {wanted} bytes; kept as far as it goes"
            )


_NAMES: dict[int, str] = {
    DescriptorType.DEVICE: "device descriptor",
    DescriptorType.CONFIGURATION: "configuration",
    DescriptorType.STRING: "string",
    DescriptorType.BOS: "BOS",
    DescriptorType.HID_REPORT: "HID report descriptor",
}


def _announced(bmRequestType: int, kind: int, transfer: Transfer) -> int:
    """The length that a descriptor states in bytes; of a HID report descriptor, which states none, what was sent."""
    if kind in (DescriptorType.CONFIGURATION, DescriptorType.BOS) and len(transfer.data) >= 4:
        return int.from_bytes(transfer.data[2:4], "little")
    if bmRequestType == DIRECTION_IN:
        return transfer.data[0]
    return transfer.length


def _unread(spec: DeviceSpec) -> Iterator[Problem]:
    for index, raw in enumerate(spec.configurations):
        if not raw:
            yield Problem(0, f"configuration {index} was never asked for; it is empty")
    if spec.device and not spec.configurations:
        yield Problem(0, "no configuration was asked for; the device has none")
