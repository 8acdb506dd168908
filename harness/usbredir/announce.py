"""What QEMU is told of a device beside its descriptors: device_connect, interface_info and ep_info.

The last two are made of the device's :class:`Layout` and nothing else, never of the descriptor bytes the guest reads:
those may be wrong on purpose, these must be right.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from usbfuzz.wire import Speed, TransferType

from .constants import CONTROL_ENTRIES, ENTRIES, EndpointType, WireSpeed, entry
from .messages import DeviceConnect, EpInfo, InterfaceInfo

if TYPE_CHECKING:
    from usbfuzz.descriptors.layout import Layout

__all__ = ["device_connect", "ep_info", "fatal_to_qemu", "interface_info"]

_SPEEDS = {
    Speed.LOW: WireSpeed.LOW,
    Speed.FULL: WireSpeed.FULL,
    Speed.HIGH: WireSpeed.HIGH,
    Speed.SUPER: WireSpeed.SUPER,
}
_PERIODIC = (TransferType.ISOCHRONOUS, TransferType.INTERRUPT)
_UNUSED_PACKET_SIZE = 64  #: never 0: QEMU may divide by it


def device_connect(speed: Speed, device_descriptor: bytes) -> DeviceConnect:
    """Ids and class from the device descriptor, USB 2.0 §9.6.1; fields beyond the end of a short one are 0."""
    raw = device_descriptor[:18].ljust(18, b"\0")
    triple, ids = struct.unpack_from("<BBB", raw, 4), struct.unpack_from("<HHH", raw, 8)
    return DeviceConnect(_SPEEDS[speed], *triple, *ids)


@lru_cache(maxsize=256)
def interface_info(layout: Layout) -> InterfaceInfo:
    """The interfaces; those beyond 32 are left out."""
    shown = layout.interfaces[:ENTRIES]
    columns = (
        bytes(i.bInterfaceNumber for i in shown),
        bytes(i.bInterfaceClass for i in shown),
        bytes(i.bInterfaceSubClass for i in shown),
        bytes(i.bInterfaceProtocol for i in shown),
    )
    return InterfaceInfo(len(shown), *(column.ljust(ENTRIES, b"\0") for column in columns))


@lru_cache(maxsize=256)
def ep_info(layout: Layout) -> EpInfo:
    """The endpoints. All entries tell the same max_streams, the largest: QEMU's xHCI aborts on a difference."""
    types = bytearray([EndpointType.INVALID] * ENTRIES)
    intervals, interfaces = bytearray(ENTRIES), bytearray(ENTRIES)
    sizes = [_UNUSED_PACKET_SIZE] * ENTRIES
    for endpoint in layout.endpoints:
        at = entry(endpoint.bEndpointAddress)
        types[at] = endpoint.type
        intervals[at] = max(endpoint.bInterval, 1) if endpoint.type in _PERIODIC else endpoint.bInterval
        interfaces[at] = endpoint.bInterfaceNumber
        sizes[at] = max(endpoint.wMaxPacketSize, 1)
    for at in CONTROL_ENTRIES:
        types[at] = EndpointType.CONTROL
    streams = max((endpoint.max_streams for endpoint in layout.endpoints), default=0)
    return EpInfo(bytes(types), bytes(intervals), bytes(interfaces), tuple(sizes), (streams,) * ENTRIES)


def fatal_to_qemu(info: EpInfo) -> str:
    """Why this ep_info would make QEMU reject the device or die, as a clause; "" when it would not.

    usbredir_ep_info (hw/usb/redirect.c) rejects unknown types and periodic endpoints without an interval. Bulk packet
    combining divides by max_packet_size even when the endpoint is no longer bulk (usb_ep_combine_input_packets), and
    xhci_alloc_device_streams aborts when endpoints differ in max_streams.
    """
    known = {int(kind) for kind in EndpointType}
    if {len(info.type), len(info.interval), len(info.interface)} != {ENTRIES}:
        return f"an array does not have {ENTRIES} entries"
    if any(info.type[at] != EndpointType.CONTROL for at in CONTROL_ENTRIES):
        return "endpoint 0 is not a control endpoint"
    if not known.issuperset(info.type):
        return "an endpoint has an unknown type"
    if any(kind in _PERIODIC and not interval for kind, interval in zip(info.type, info.interval, strict=True)):
        return "a periodic endpoint has interval 0"
    if 0 in info.max_packet_size:
        return "an endpoint has max_packet_size 0"
    if len(set(info.max_streams)) > 1:
        return "endpoints differ in max_streams"
    return ""
