"""Descriptors that lsusb never prints, put back where wTotalLength says that bytes are missing.

They are: class-specific endpoint descriptors of any but audio interfaces (until usbutils 015), SuperSpeed companions
(before 005), and the OTG descriptor, which is shown elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import evolve

from usbfuzz.descriptors import Descriptor
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.standard import SuperSpeedEndpointCompanion
from usbfuzz.descriptors.tree import AlternateSetting, Configuration, Endpoint, parse
from usbfuzz.descriptors.uvc import InterruptEndpoint
from usbfuzz.importers.synthesise import companion_interval
from usbfuzz.wire import TransferType

__all__ = ["put_back"]

_VIDEO_CONTROL = (ClassCode.VIDEO, 1)
_COMPANION = 6  #: bytes
_VIDEO = 5

Extra = Callable[[AlternateSetting, Endpoint], Descriptor | None]


def put_back(raw: bytes, otg: bytes, bcdUSB: int) -> tuple[bytes, tuple[str, ...]]:
    """The configuration with what was left out, and what that was."""
    tree, notes = parse(raw), []
    if tree.head is None:
        return raw, ()
    if otg and _missing(tree) >= len(otg):
        tree = parse(tree.head.raw + otg + raw[len(tree.head.raw) :])
        notes.append("the place of the OTG descriptor")
    for what, size, extra in _lost(bcdUSB):
        wanted = sum(extra(setting, endpoint) is not None for setting, endpoint in _endpoints(tree))
        if wanted and _missing(tree) == wanted * size:
            tree = _with_extra(tree, extra)
            notes.append(f"{what} ({wanted} of {size} bytes)")
    return tree.raw, tuple(notes)


def _lost(bcdUSB: int) -> Iterator[tuple[str, int, Extra]]:
    yield "class-specific descriptors of video control endpoints", _VIDEO, _video
    if bcdUSB >= 0x0300:
        yield "SuperSpeed endpoint companions", _COMPANION, _companion


def _missing(tree: Configuration) -> int:
    return (tree.head.wTotalLength if tree.head else 0) - len(tree.raw)


def _endpoints(tree: Configuration) -> Iterator[tuple[AlternateSetting, Endpoint]]:
    return ((setting, endpoint) for setting in tree.settings for endpoint in setting.endpoints)


def _with_extra(tree: Configuration, extra: Extra) -> Configuration:
    def grown(setting: AlternateSetting, endpoint: Endpoint) -> Endpoint:
        descriptor = extra(setting, endpoint)
        return endpoint if descriptor is None else evolve(endpoint, extra=(descriptor, *endpoint.extra))

    settings = (
        evolve(setting, endpoints=tuple(grown(setting, endpoint) for endpoint in setting.endpoints))
        for setting in tree.settings
    )
    return evolve(tree, settings=tuple(settings))


def _has(endpoint: Endpoint, kind: DescriptorType) -> bool:
    return any(descriptor.bDescriptorType == kind for descriptor in endpoint.extra)


def _video(setting: AlternateSetting, endpoint: Endpoint) -> Descriptor | None:
    head = endpoint.head
    is_control = (setting.head.bInterfaceClass, setting.head.bInterfaceSubClass) == _VIDEO_CONTROL
    if not is_control or head.transfer_type is not TransferType.INTERRUPT or _has(endpoint, DescriptorType.CS_ENDPOINT):
        return None
    return InterruptEndpoint(wMaxTransferSize=head.wMaxPacketSize)


def _companion(_setting: AlternateSetting, endpoint: Endpoint) -> Descriptor | None:
    head = endpoint.head
    if _has(endpoint, DescriptorType.SUPERSPEED_ENDPOINT_COMPANION):
        return None
    periodic = head.transfer_type in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
    interval = companion_interval(head.wMaxPacketSize, 0, 0) if periodic else 0
    return SuperSpeedEndpointCompanion(bMaxBurst=0, bmAttributes=0, wBytesPerInterval=interval)
