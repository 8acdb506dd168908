"""What usbredir's ep_info and interface_info say of a configuration: only values that QEMU accepts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from usbfuzz.wire import Speed, TransferType

from .kernel import KeptEndpoint, parse_configuration

__all__ = ["EndpointLayout", "InterfaceLayout", "Layout", "layout"]


@frozen
class EndpointLayout:
    """One endpoint as the channel announces it; every field is inside the range QEMU accepts."""

    bEndpointAddress: int
    type: TransferType
    bInterval: int  #: 1..255 for interrupt and isochronous, else 0
    bInterfaceNumber: int
    wMaxPacketSize: int  #: bytes, bits 12:11 cleared, 1..1024
    max_streams: int = 0


@frozen
class InterfaceLayout:
    """One interface as the channel announces it."""

    bInterfaceNumber: int
    bInterfaceClass: int
    bInterfaceSubClass: int
    bInterfaceProtocol: int


@frozen
class Layout:
    """At most 32 interfaces and one entry per endpoint address; the default is the unconfigured device."""

    interfaces: tuple[InterfaceLayout, ...] = ()
    endpoints: tuple[EndpointLayout, ...] = ()


_TRANSFER_TYPES = tuple(TransferType)
_PERIODIC = (TransferType.ISOCHRONOUS, TransferType.INTERRUPT)


def layout(
    configuration: bytes, alternate: Mapping[int, int] = MappingProxyType({}), speed: Speed = Speed.HIGH
) -> Layout:
    """What to announce for these configuration bytes; any bytes are allowed.

    It is what Linux keeps of them (:func:`usbfuzz.descriptors.kernel.parse_configuration`), so that an endpoint has the
    type the guest's drivers will use, moved into the limits outside which QEMU rejects the device: an interval of at
    least 1, a packet of 1 to 1024 bytes and no larger than the speed allows.

    ``alternate`` maps bInterfaceNumber to bAlternateSetting. An interface that is not in it, or lacks that setting,
    is in setting 0, or in its first one when it has no 0 (``usb_set_configuration`` in drivers/usb/core/message.c).
    Bytes that Linux rejects as a configuration give the empty layout.
    """
    interfaces = []
    endpoints = []
    for number, settings in parse_configuration(configuration, speed).items():
        default = settings.get(0) or next(iter(settings.values()))
        chosen = settings.get(alternate[number], default) if number in alternate else default
        interfaces.append(InterfaceLayout(number, *chosen.triple))
        endpoints += [_announce(endpoint, number) for endpoint in chosen.endpoints]
    return Layout(tuple(interfaces), tuple(endpoints))


def _announce(endpoint: KeptEndpoint, number: int) -> EndpointLayout:
    kind = _TRANSFER_TYPES[endpoint.type]
    interval = min(max(endpoint.bInterval, 1), 255) if kind in _PERIODIC else 0
    packet = max(endpoint.wMaxPacketSize, 1)
    return EndpointLayout(endpoint.bEndpointAddress, kind, interval, number, packet, endpoint.max_streams)
