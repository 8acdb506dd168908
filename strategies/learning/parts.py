"""What a device sends, and what its driver reads from files, in parts: where each is, and which of its bytes matter.

The others are painted: each gets a colour that depends on where it is.
"""

from __future__ import annotations

import hashlib

from attrs import frozen

from strategies.requests import IN_REQUESTS, request_text
from usbfuzz.wire import Setup

__all__ = [
    "CONFIGURATION",
    "DEVICE",
    "LONGEST",
    "Descriptor",
    "File",
    "Key",
    "Packet",
    "Part",
    "Read",
    "Text",
    "is_number",
    "longest",
    "read_of",
]

LONGEST = 512  #: bytes of one answer
_LONGEST_FILE = 1 << 15
_LONGEST_TEXT = 126  #: characters of a string descriptor (USB 2.0 §9.6.7)
#: Texts are painted with what drivers hardly look for, each once in a row: one that looks for a character after the
#: other goes on to something that it has not compared yet. A number stays one (a MAC address, say).
_RARE, _DIGITS = b"!\"#$%&'*+;<=>?@[\\]^`{|}~", b"0123456789ABCDEF"


@frozen
class Read:
    """A request that reads; None: any, for requests that were not asked before."""

    bmRequestType: int
    bRequest: int | None = None
    wValue: int | None = None
    wIndex: int | None = None

    def __str__(self) -> str:
        return request_text(self.bmRequestType, self.bRequest, self.wValue, self.wIndex)


@frozen
class Packet:
    """The packet that an IN endpoint sends as its ``number``-th, from 0."""

    bEndpointAddress: int
    number: int

    def __str__(self) -> str:
        return f"packet {self.number} of endpoint {self.bEndpointAddress:#04x}"


@frozen
class Descriptor:
    """The device descriptor, or the configuration."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} descriptor"


@frozen
class File:
    """The firmware that a driver asks for by this name."""

    name: str

    def __str__(self) -> str:
        return f"firmware {self.name}"


@frozen
class Text:
    """The characters of the string descriptor with this index, a byte each."""

    index: int

    def __str__(self) -> str:
        return f"string {self.index}"


Key = Read | Packet | Descriptor | File | Text
DEVICE, CONFIGURATION = Descriptor("device"), Descriptor("configuration")


def is_number(text: bytes) -> bool:
    """Whether a text is hexadecimal digits: a serial number, or a MAC address, whose length matters."""
    return set(text) <= set(_DIGITS)


def longest(key: Key) -> int:
    """How many bytes of this may be made up."""
    if isinstance(key, Text):
        return _LONGEST_TEXT
    return _LONGEST_FILE if isinstance(key, File) else LONGEST


@frozen
class Part:
    """Some bytes that the device sends, or that its driver reads from a file.

    Those at ``pinned`` offsets matter, or are not to be painted.
    """

    data: bytes
    pinned: frozenset[int] = frozenset()

    @classmethod
    def unknown(cls, length: int) -> Part:
        """Bytes of which nothing is known."""
        return cls(bytes(length))

    @classmethod
    def whole(cls, data: bytes) -> Part:
        """Bytes of which none is to be painted."""
        return cls(data, frozenset(range(len(data))))

    def painted(self, key: Key, paint: int) -> bytes:
        """The bytes with their colours."""
        colours = _colours(f"{paint} {key}", len(self.data))
        if isinstance(key, Text):
            colours = _letters(colours, _DIGITS if is_number(self.data) else _RARE)
        return bytes(self.data[at] if at in self.pinned else colours[at] for at in range(len(self.data)))


def _letters(colours: bytes, letters: bytes) -> bytes:
    """Letters in an order that the colours give, none again before all were there."""
    rest, made = list(letters), bytearray()
    for colour in colours:
        rest = rest or list(letters)
        made.append(rest.pop(colour % len(rest)))
    return bytes(made)


def _colours(name: str, length: int) -> bytes:
    blocks = (hashlib.blake2b(f"{name} {number}".encode()).digest() for number in range(-(-length // 64)))
    return b"".join(blocks)[:length]


def read_of(setup: Setup) -> Read | None:
    """The request that a setup packet is, when it is one that reads and is the driver's own."""
    if setup.bmRequestType not in IN_REQUESTS or not setup.wLength:
        return None
    return Read(setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex)
