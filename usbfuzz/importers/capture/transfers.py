"""Transfers from the submissions and completions in a capture, sorted by device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import field, frozen, mutable

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, StandardRequest
from usbfuzz.wire import Setup, Speed, Status, TransferType

from .urbs import Frame, UrbEvent

__all__ = ["Talk", "Transfer", "asks_descriptor", "talks", "transfers"]


@frozen
class Transfer:
    """A transfer that ended."""

    bus: int
    address: int
    bEndpointAddress: int
    type: TransferType
    setup: Setup | None
    status: Status
    payload: bytes  #: what the host sent
    data: bytes  #: what the device sent, as far as it was captured
    length: int  #: bytes the device sent
    frames: tuple[Frame, ...]
    submitted_ns: int
    completed_ns: int
    place: int
    speed: Speed | None = None  #: of the device, where the capture tells it

    @property
    def is_in(self) -> bool:
        """Device to host."""
        return bool(self.bEndpointAddress & DIRECTION_IN)

    @property
    def is_cut(self) -> bool:
        """The capture holds less than the device sent."""
        return self.is_in and len(self.data) < self.length


def transfers(urbs: Iterable[UrbEvent]) -> Iterator[Transfer]:
    """Submissions with their completions, in the order in which they completed.

    Left out are transfers that never complete, those of a device that was gone, and control transfers whose submission
    is not in the capture, as their setup packet is unknown.
    """
    pending: dict[tuple[int, int, int, int], UrbEvent] = {}
    for urb in urbs:
        key = (urb.bus, urb.address, urb.bEndpointAddress & 0x0F, urb.id)
        if not urb.complete:
            pending[key] = urb
            continue
        asked = pending.pop(key, None)
        if urb.status is None or (urb.type is TransferType.CONTROL and (asked is None or asked.setup is None)):
            continue
        setup = asked.setup if asked else None
        # Control transfers carry their direction in the setup packet; not every writer repeats it in the endpoint.
        direction = (setup.bmRequestType if setup else urb.bEndpointAddress) & DIRECTION_IN
        yield Transfer(
            bus=urb.bus,
            address=urb.address,
            bEndpointAddress=urb.bEndpointAddress & 0x0F | direction,
            type=urb.type,
            setup=setup,
            status=urb.status,
            # macOS writes down what the host sends only when it was sent.
            payload=b"" if direction else (asked.data if asked else b"") or urb.data,
            data=urb.data if direction else b"",
            length=urb.length if direction else 0,
            frames=urb.frames if direction else (),
            submitted_ns=asked.time_ns if asked else urb.time_ns,
            completed_ns=urb.time_ns,
            place=urb.place,
            speed=urb.speed,
        )


@mutable
class Talk:
    """All transfers of one device, from its enumeration on if that is in the capture."""

    bus: int
    address: int
    transfers: list[Transfer] = field(factory=list)
    identity: bytes = b""  #: idVendor, idProduct and bcdDevice, once they were read

    def add(self, transfer: Transfer) -> None:
        """Append a transfer."""
        self.transfers.append(transfer)
        self.identity = self.identity or _identity(transfer)


def talks(all_: Iterable[Transfer]) -> list[Talk]:
    """The transfers by device, in the order in which the devices appear.

    Transfers at address 0 belong to the device that the next SET_ADDRESS names. xHCI controllers send that request
    themselves, so that captures lack it: then they belong to the next new address on the bus that is asked for its
    device descriptor. When the device descriptor at an address changes, the address has another device.
    """
    found: list[Talk] = []
    current: dict[tuple[int, int], Talk] = {}
    unaddressed: dict[int, list[Transfer]] = {}
    for transfer in all_:
        if transfer.address == 0:
            unaddressed.setdefault(transfer.bus, []).append(transfer)
            if not (transfer.setup and _sets_address(transfer.setup) and transfer.status is Status.OK):
                continue
        key = (transfer.bus, transfer.address or (transfer.setup.wValue & 0x7F if transfer.setup else 0))
        begins = key not in current or not transfer.address
        before = unaddressed.pop(transfer.bus, []) if begins and _opens(transfer) else []
        identity = next(filter(None, map(_identity, [*before, transfer])), b"")
        if key not in current or (identity and current[key].identity not in (b"", identity)):
            current[key] = Talk(*key)
            found.append(current[key])
        for said in before if transfer.address == 0 else [*before, transfer]:
            current[key].add(said)
    return found


def _opens(transfer: Transfer) -> bool:
    """Whether a host sends this first: a request for the device descriptor, or SET_ADDRESS."""
    return transfer.address == 0 or (asks_descriptor(transfer.setup) and _asked(transfer) == DescriptorType.DEVICE << 8)


def _asked(transfer: Transfer) -> int:
    return transfer.setup.wValue if transfer.setup else 0


def _sets_address(setup: Setup) -> bool:
    return setup.bmRequestType == 0 and setup.bRequest == StandardRequest.SET_ADDRESS


def asks_descriptor(setup: Setup | None) -> bool:
    """GET_DESCRIPTOR of the device or of an interface."""
    return (
        setup is not None
        and setup.bmRequestType in (DIRECTION_IN, DIRECTION_IN | Recipient.INTERFACE)
        and setup.bRequest == StandardRequest.GET_DESCRIPTOR
    )


def _identity(transfer: Transfer) -> bytes:
    """idVendor, idProduct and bcdDevice, from the answer to a request for the device descriptor; empty for others."""
    is_device = asks_descriptor(transfer.setup) and _asked(transfer) == DescriptorType.DEVICE << 8
    return transfer.data[8:14] if is_device and len(transfer.data) >= 14 else b""
