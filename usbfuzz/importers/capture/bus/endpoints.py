"""What kind of endpoint is at the end of a pipe: as the captured descriptors say, else as its packets look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from attrs import define, field, frozen, mutable

from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.wire import TransferType

from .transactions import Pipe, Transaction

__all__ = ["Endpoint", "Endpoints"]

_SIZE = 0x07FF  #: bits of wMaxPacketSize that are the size
_SIZES = (8, 16, 32, 64, 512, 1024)  #: of packets. USB 2.0 §5.5 to 5.8
_POLLED_NS = 100_000  #: interrupt endpoints are asked at most once in a microframe of 125 µs


@frozen
class Endpoint:
    """How data on a pipe is to be read."""

    type: TransferType
    wMaxPacketSize: int  #: bytes


@mutable
class _Seen:
    """What the packets of a pipe look like."""

    answered: bool = False  #: there were handshakes, so it is not isochronous
    biggest: int = 0  #: bytes
    type: TransferType | None = None  #: as a split token told it


@define
class Endpoints:
    """The endpoints of all devices of a capture."""

    quickest_ns: Mapping[Pipe, int]
    known: Sequence[bytes] = ()  #: configurations of the device, where it is known from elsewhere
    _seen: dict[Pipe, _Seen] = field(factory=dict)
    _told: dict[Pipe, Endpoint] = field(factory=dict)
    _guessed: dict[Pipe, Endpoint] = field(factory=dict)

    def look(self, all_: Iterable[Transaction]) -> None:
        """Look at all transactions of the capture, so that a guess rests on as much as there is."""
        for transaction in all_:
            seen = self._seen.setdefault(transaction.pipe, _Seen())
            seen.answered = seen.answered or transaction.handshake != 0
            seen.biggest = max(seen.biggest, transaction.length)
            seen.type = transaction.type or seen.type

    def hear(self, address: int, configuration: bytes) -> None:
        """A device told this configuration. Of an endpoint with several sizes the biggest counts."""
        for (number, is_in), endpoint in _endpoints(configuration):
            pipe = (address, number, is_in)
            known = self._told.get(pipe, endpoint)
            self._told[pipe] = max(known, endpoint, key=_size)

    def forget(self, address: int) -> None:
        """The address goes to a device that has told nothing yet."""
        for pipe in [pipe for pipe in self._told if pipe[0] == address]:
            del self._told[pipe]

    def data_pipes(self, address: int) -> set[Pipe]:
        """The pipes of a device that carry data, but for endpoint 0."""
        return {pipe for pipe in (*self._seen, *self._told) if pipe[0] == address and pipe[1]}

    def at(self, pipe: Pipe) -> Endpoint:
        """The endpoint of a pipe; endpoint 0 is a control endpoint."""
        if not pipe[1]:
            return _DEFAULT
        if pipe in self._told:
            return self._told[pipe]
        if pipe not in self._guessed:
            self._guessed[pipe] = self._guess(pipe)
        return self._guessed[pipe]

    def _guess(self, pipe: Pipe) -> Endpoint:
        known = [each for raw in self.known for place, each in _endpoints(raw) if place == pipe[1:]]
        if known:
            return max(known, key=_size)
        seen = self._seen.get(pipe, _Seen())
        size = next((size for size in _SIZES if size >= seen.biggest), seen.biggest)
        if seen.type is not None:
            return Endpoint(seen.type, size)
        if not seen.answered:
            return Endpoint(TransferType.ISOCHRONOUS, size)
        is_polled = self.quickest_ns.get(pipe, _POLLED_NS) >= _POLLED_NS
        return Endpoint(TransferType.INTERRUPT if is_polled else TransferType.BULK, size)


def _endpoints(configuration: bytes) -> Iterator[tuple[tuple[int, bool], Endpoint]]:
    """Number and direction of each endpoint but 0, and what it is."""
    for descriptor in split(configuration):
        if isinstance(descriptor, EndpointDescriptor) and (number := descriptor.bEndpointAddress & 0x0F):
            size = descriptor.wMaxPacketSize & _SIZE
            yield (number, descriptor.is_in), Endpoint(descriptor.transfer_type, size)


def _size(endpoint: Endpoint) -> int:
    return endpoint.wMaxPacketSize


_DEFAULT = Endpoint(TransferType.CONTROL, 64)
