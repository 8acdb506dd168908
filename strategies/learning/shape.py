"""Another value for one byte of a configuration; a number of endpoints or interfaces brings so many of them."""

from __future__ import annotations

from strategies.pieces import CONFIGURATION, ENDPOINT, INTERFACE, Pieces, groups, join, of_type, split_pieces
from usbfuzz.wire import TransferType

__all__ = ["broad", "fields_of", "reshaped"]

_COUNT = 4  #: offset of bNumInterfaces in its descriptor, and of bNumEndpoints in its own (USB 2.0 §9.6.3, §9.6.5)
_NUMBER = 2  #: offset of bInterfaceNumber
_MOST_ENDPOINTS, _MOST_INTERFACES = 30, 16
_BROAD = 6  #: endpoints of each direction that a broad interface has
_IN = 0x80
#: What endpoints are added, in turn: direction and type.
_KINDS = (
    (_IN, TransferType.BULK),
    (0, TransferType.BULK),
    (_IN, TransferType.INTERRUPT),
    (0, TransferType.INTERRUPT),
)
#: wMaxPacketSize, bytes; the kernel lowers what is too much at full speed.
_SIZES = {TransferType.BULK: 512, TransferType.INTERRUPT: 64}


def fields_of(raw: bytes) -> dict[int, int]:
    """The bytes of interface and endpoint descriptors by offset, without lengths and types; and bNumInterfaces."""
    found, at = {}, 0
    for piece in split_pieces(raw):
        if at == 0 and len(piece) > _COUNT:
            found[_COUNT] = piece[_COUNT]
        elif piece[1:2] in (bytes((INTERFACE,)), bytes((ENDPOINT,))):
            found |= dict(enumerate(piece[2:], at + 2))
        at += len(piece)
    return found


def reshaped(raw: bytes, offset: int, value: int) -> bytes:
    """The configuration with ``value`` at an offset, and as many more descriptors as that counts.

    The kernel believes no number of endpoints or interfaces that it does not find (usb_parse_interface() and
    usb_parse_configuration() in drivers/usb/core/config.c). What is too many is left out; fewer is only said.
    """
    changed = raw[:offset] + bytes((value,)) + raw[offset + 1 :]
    pieces = split_pieces(raw)
    at, within = _place(pieces, offset)
    if within != _COUNT:
        return changed
    kind = pieces[at][1]
    if kind == INTERFACE and value > pieces[at][_COUNT]:
        return _with_endpoints(pieces, at, min(value, _MOST_ENDPOINTS))
    if kind == CONFIGURATION and at == 0 and value > pieces[at][_COUNT]:
        return _with_interfaces(pieces, min(value, _MOST_INTERFACES))
    return changed


def broad(raw: bytes, kind: TransferType) -> bytes:
    """The configuration with its first interface alone, with endpoints 1 to 6 of one type in both directions.

    A driver that addresses an endpoint by its number (usb_rcvbulkpipe()) compares nothing if there is none.
    """
    pieces = split_pieces(raw)
    places = of_type(pieces, INTERFACE)
    if not places or len(pieces[places[0]]) <= _COUNT:
        return raw
    end = places[1] if len(places) > 1 else len(pieces)
    kept = [piece for piece in pieces[places[0] + 1 : end] if piece[1:2] != bytes((ENDPOINT,))]
    added = [_endpoint(direction | number, kind) for number in range(1, _BROAD + 1) for direction in (_IN, 0)]
    first = bytearray(pieces[places[0]])
    first[_COUNT] = len(added)
    head = bytearray(pieces[0])
    head[_COUNT] = 1
    return join([bytes(head), *pieces[1 : places[0]], bytes(first), *kept, *added])


def _place(pieces: Pieces, offset: int) -> tuple[int, int]:
    """Which descriptor an offset of the configuration is in, and where in that."""
    for at, piece in enumerate(pieces):
        if offset < len(piece):
            return at, offset
        offset -= len(piece)
    return 0, 0


def _with_endpoints(pieces: Pieces, at: int, count: int) -> bytes:
    """With ``count`` endpoints in the interface descriptor ``at``: kinds that it lacks come first."""
    end = next((place for place in of_type(pieces, INTERFACE) if place > at), len(pieces))
    mine = [pieces[place] for place in of_type(pieces, ENDPOINT) if at < place < end and len(pieces[place]) > _COUNT]
    had = [(piece[2] & _IN, piece[3] & 3) for piece in mine]
    lacking = [kind for kind in _KINDS if kind not in had] or list(_KINDS)
    used = _addresses(pieces)
    added = []
    for number in range(count - len(mine)):
        direction, kind = lacking[number % len(lacking)]
        address = _free(used, direction)
        if address:
            used.add(address)
            added.append(_endpoint(address, kind))
    head = bytearray(pieces[at])
    head[_COUNT] = len(mine) + len(added)
    return join([*pieces[:at], bytes(head), *pieces[at + 1 : end], *added, *pieces[end:]])


def _with_interfaces(pieces: Pieces, count: int) -> bytes:
    """With ``count`` interfaces: the others are like the last, with numbers and endpoints of their own."""
    _, found = groups(pieces)
    if not found:
        return join(pieces)
    numbers = {group[0][_NUMBER] for group in found if len(group[0]) > _NUMBER}
    used, whole = _addresses(pieces), list(pieces)
    for _ in range(count - len(numbers)):
        number = max(numbers) + 1
        numbers.add(number)
        whole += _copy(found[-1], number, used)
    head = bytearray(whole[0])
    head[_COUNT] = len(numbers)
    return join([bytes(head), *whole[1:]])


def _copy(group: Pieces, number: int, used: set[int]) -> Pieces:
    made = []
    for piece in group:
        changed = bytearray(piece)
        if piece[1:2] == bytes((INTERFACE,)) and len(piece) > _NUMBER:
            changed[_NUMBER] = number
        elif piece[1:2] == bytes((ENDPOINT,)) and len(piece) > _NUMBER:
            address = _free(used, piece[2] & _IN)
            used.add(address)
            changed[2] = address or piece[2]
        made.append(bytes(changed))
    return made


def _addresses(pieces: Pieces) -> set[int]:
    return {pieces[at][2] for at in of_type(pieces, ENDPOINT) if len(pieces[at]) > _NUMBER}


def _free(used: set[int], direction: int) -> int:
    """The lowest address of a direction that no endpoint has; 0 when there is none."""
    return next((direction | number for number in range(1, 16) if direction | number not in used), 0)


def _endpoint(address: int, kind: TransferType) -> bytes:
    return bytes((7, ENDPOINT, address, kind, *_SIZES[kind].to_bytes(2, "little"), 4))
