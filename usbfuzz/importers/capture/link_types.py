"""Link types of captures that tell of whole transfers, and who reads each (https://www.tcpdump.org/linktypes.html)."""

from __future__ import annotations

from collections.abc import Callable

from .darwin import urb_of_darwin
from .pcap import Packet
from .urbs import UrbEvent, urb_of_mmapped, urb_of_usbmon, urb_of_usbpcap

__all__ = ["LINK_TYPES", "urb_of"]

_READERS: dict[int, tuple[str, Callable[[Packet], UrbEvent | None]]] = {
    189: ("USB_LINUX", urb_of_usbmon),
    220: ("USB_LINUX_MMAPPED", urb_of_mmapped),
    249: ("USBPCAP", urb_of_usbpcap),
    266: ("USB_DARWIN", urb_of_darwin),
}
LINK_TYPES = {number: word for number, (word, _) in _READERS.items()}  #: and their names


def urb_of(packet: Packet) -> UrbEvent | None:
    """What a packet says of a transfer; None when it is cut within its header, or no transfer of a known type."""
    reader = _READERS.get(packet.link_type)
    return reader[1](packet) if reader else None
