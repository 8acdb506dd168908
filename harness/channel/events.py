"""What happens on the bus, whichever channel it is said on."""

from __future__ import annotations

from attrs import frozen

from usbfuzz.wire import Setup, Status, TransferType

__all__ = ["BusReset", "Cancelled", "Completed", "Connected", "Disconnected", "Event", "Submitted"]


@frozen
class Connected:
    """A device was plugged in."""

    idVendor: int
    idProduct: int


@frozen
class Disconnected:
    """The device was unplugged."""


@frozen
class BusReset:
    """The host resets the device."""


@frozen
class Submitted:
    """The host asks for a transfer; ``id`` pairs it with its :class:`Completed`."""

    id: int
    type: TransferType
    endpoint: int  #: bEndpointAddress; of a control transfer 0x00 or 0x80, by the direction of its data
    length: int  #: bytes asked for, or sent
    setup: Setup | None = None  #: of a control transfer
    data: bytes = b""  #: what an OUT transfer sends


@frozen
class Completed:
    """The device has answered a transfer.

    Some channels say only which transfer it was: ``type`` and ``endpoint`` are None then and those of the
    :class:`Submitted` with this ``id``; ``data`` counts if that asked for any. An ``id`` of 0 is of no request: the
    packet was pushed to the host, which polled for it on its own.
    """

    id: int
    status: Status
    length: int  #: bytes transferred
    data: bytes = b""  #: what an IN transfer returned
    type: TransferType | None = None
    endpoint: int | None = None


@frozen
class Cancelled:
    """The host gives up the transfer with this ``id``; it is still completed."""

    id: int


Event = Connected | Disconnected | BusReset | Submitted | Completed | Cancelled
