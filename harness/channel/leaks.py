"""What a host's drivers send to a device, looked through for what they should have kept for themselves.

A leak is a kernel address, or memory that nobody wrote since it was allocated: where the allocator fills what it hands
out (SLUB's poison), a row of that byte. What the device itself sent before is none: drivers send much of it back.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from .addresses import UNKNOWN_KERNEL, AddressMap

if TYPE_CHECKING:
    from usbfuzz.device import Device
    from usbfuzz.wire import Setup

__all__ = ["POISON", "Leak", "LeakWatch"]

#: Rows of at least 8 bytes of SLUB's poison: of objects that are free or were never written (their last byte is a5),
#: and of what lies between objects. include/linux/poison.h: POISON_FREE, POISON_END, POISON_INUSE.
POISON = re.compile(rb"\x6b{7,}[\x6b\xa5]|\x5a{8,}")
_ROWS = (b"\x6b" * 7, b"\x5a" * 8)  #: one of them is in whatever that matches; found much faster
#: So many bytes of such a row that the device sent make it the device's own, however long it is.
_ECHO = 4
#: Bytes of an address that are looked for in what the device sent: the upper two are the same in all of them.
_TELLING = 6

#: Bytes of what the device sent that are remembered.
_MEMORY = 1 << 20
#: Leaks kept of one watch, each at a place of its own.
_KEPT = 16
_SHOWN = 64  #: bytes of a transfer that are kept with a leak, in rows of 16
_BEFORE = 16  #: of them at least, from before the leak


@frozen
class Leak:
    """One thing that was sent and should not have been."""

    address: int  #: the kernel address; 0 when it is memory that was never written
    row: bytes  #: that memory, a row of the allocator's poison
    device: Device  #: to whom
    endpoint: int  #: bEndpointAddress, 0 for endpoint 0
    setup: Setup | None  #: of a control transfer
    offset: int  #: of the first such byte
    length: int  #: bytes of the whole transfer
    excerpt_at: int  #: offset of the excerpt in the transfer
    excerpt: bytes  #: at most 64 bytes around it


@define(eq=False)
class LeakWatch:
    """Looks through what is sent to the devices of one port."""

    addresses: AddressMap = UNKNOWN_KERNEL
    poisoned: bool = False  #: the guest's allocator fills memory, so that rows of its poison were never written
    found: list[Leak] = field(factory=list)
    _places: set[tuple[int, int, int, int]] = field(factory=set, init=False)
    _sent: deque[bytes] = field(factory=deque, init=False)
    _size: int = field(default=0, init=False)
    _gate: bytes = field(init=False)
    _last: bytes = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.know(self.addresses)

    def suspects(self, payload: bytes) -> bool:
        """Whether a payload may hold a leak, which most do not: to be asked of each, so it is as fast as can be."""
        # One byte is looked for many times as fast as several, and most payloads have none of them.
        if self._last in payload and self._gate in payload:
            return True
        if not self.poisoned:
            return False
        return (_ROWS[0][:1] in payload and _ROWS[0] in payload) or (_ROWS[1][:1] in payload and _ROWS[1] in payload)

    def know(self, addresses: AddressMap) -> None:
        """Look for these addresses from now on."""
        self.addresses, self._gate = addresses, addresses.gate
        self._last = self._gate[-1:]

    def plugged(self) -> None:
        """Another device is plugged in, which has sent nothing."""
        self._sent.clear()
        self._size = 0

    def heard(self, data: bytes) -> None:
        """The device sent ``data`` to the host, which may send it back."""
        self._sent.append(data)
        self._size += len(data)
        while self._size > _MEMORY:
            self._size -= len(self._sent.popleft())

    def look(self, device: Device, endpoint: int, payload: bytes, setup: Setup | None = None) -> None:
        """Keep what leaks in a payload that is suspected."""
        if len(self.found) >= _KEPT:
            return
        for found in self.addresses.addresses(payload):
            if not self._echoes(payload[found.at : found.at + _TELLING]):
                excerpt = _excerpt(payload, found.at)
                self._keep(Leak(found.value, b"", device, endpoint, setup, found.at, len(payload), *excerpt))
                return
        for row in POISON.finditer(payload) if self.poisoned else ():
            if not self._echoes(row[0][:1] * _ECHO):
                excerpt = _excerpt(payload, row.start())
                self._keep(Leak(0, row[0], device, endpoint, setup, row.start(), len(payload), *excerpt))
                return

    def take(self) -> list[Leak]:
        """What was found since the last call."""
        found, self.found = self.found, []
        self._places.clear()
        return found

    def _keep(self, leak: Leak) -> None:
        kind = (leak.setup.bmRequestType, leak.setup.bRequest) if leak.setup else (0, 0)
        place = (leak.endpoint, *kind, leak.offset)
        if place not in self._places:
            self._places.add(place)
            self.found.append(leak)

    def _echoes(self, piece: bytes) -> bool:
        """Whether the device sent this before."""
        return piece in b"".join(self._sent)


def _excerpt(payload: bytes, at: int) -> tuple[int, bytes]:
    begin = max(0, min(at - _BEFORE, len(payload) - _SHOWN)) & ~15
    return begin, payload[begin : begin + _SHOWN]
