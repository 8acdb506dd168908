"""Colours for fields of descriptors, so that it shows which of many equal bytes a driver has looked at.

Most fields are 0 or 255, and a driver that compares one of them with something shows no more than that number. In
colours they are numbers of their own. A device like that may not be what the driver takes, so this is for one more run
of a draft, which is held against the plain one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from strategies.identities import Identity
from strategies.pieces import ENDPOINT, INTERFACE, split_pieces
from usbfuzz.wire import TransferType

from .draft import Draft
from .parts import CONFIGURATION, DEVICE, Part

__all__ = ["asked_for", "coloured"]

#: Offsets of fields (USB 2.0 §9.6.1, §9.6.5) that may be anything as long as no id names them.
_DEVICE_FIELDS = {"bDeviceClass": (4,), "bDeviceSubClass": (5,), "bDeviceProtocol": (6,), "bcdDevice": (12, 13)}
_INTERFACE_FIELDS = {"bInterfaceClass": 5, "bInterfaceSubClass": 6, "bInterfaceProtocol": 7}
_ATTRIBUTES, _MAX_PACKET, _INTERVAL = 3, 4, 6  #: offsets in an endpoint descriptor (USB 2.0 §9.6.6)
#: Numbers that no class has, and those for an endpoint's size and interval, which the kernel would correct otherwise.
_CODES, _SIZES, _INTERVALS = range(0x81, 0xC8), range(33, 64), range(10, 16)


def asked_for(ids: Iterable[Identity]) -> frozenset[str]:
    """The fields of descriptors by which the kernel chooses a driver with these ids."""
    found: set[str] = set()
    for identity in ids:
        names = (*_DEVICE_FIELDS, *_INTERFACE_FIELDS)
        found.update(name for name in names if getattr(identity, name) is not None)
        if identity.hid:
            found.update(_INTERFACE_FIELDS)
    return frozenset(found)


def coloured(draft: Draft) -> Draft:
    """The draft with another number in each field of its descriptors that is not asked for, and was not changed."""
    changed_at = {(change.key, change.offset) for change in draft.changes}
    codes, sizes, intervals = iter(_CODES), iter(_SIZES), iter(_INTERVALS)
    device = bytearray(draft.parts[DEVICE].data)
    for name, offsets in _DEVICE_FIELDS.items():
        if name not in draft.asked_for:
            _paint(device, (at for at in offsets if (DEVICE, at) not in changed_at), codes)
    pieces: list[bytes] = []
    for piece in split_pieces(draft.parts[CONFIGURATION].data):
        changed = bytearray(piece)
        if piece[1:2] == bytes((INTERFACE,)):
            start = sum(map(len, pieces))
            free = (at for name, at in _INTERFACE_FIELDS.items() if name not in draft.asked_for)
            _paint(changed, (at for at in free if (CONFIGURATION, start + at) not in changed_at), codes)
        elif piece[1:2] == bytes((ENDPOINT,)) and piece[_ATTRIBUTES:][:1] == bytes((TransferType.INTERRUPT,)):
            _paint(changed, (_MAX_PACKET,), sizes)
            _paint(changed, (_INTERVAL,), intervals)
        pieces.append(bytes(changed))
    parts = {**draft.parts, DEVICE: Part.whole(bytes(device)), CONFIGURATION: Part.whole(b"".join(pieces))}
    return evolve(draft, parts=parts)


def _paint(raw: bytearray, offsets: Iterable[int], colours: Iterator[int]) -> None:
    """Put the next colour at each offset, as long as there are any."""
    for at in offsets:
        if at < len(raw):
            raw[at] = next(colours, raw[at])
