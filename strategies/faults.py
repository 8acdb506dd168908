"""What can be wrong with a configuration, seen as a list of descriptors. Each fault changes the list in place."""

from __future__ import annotations

from collections.abc import Callable

from .dice import Dice, Weighted
from .havoc import BOUNDARY_BYTES, BOUNDARY_WORDS, havoc
from .pieces import ALIENS, ENDPOINT, INTERFACE, Pieces, groups, of_type, resize, split_pieces

__all__ = ["FAULTS", "Fault", "totals"]


def _some(dice: Dice, pieces: Pieces) -> int:
    """Index of any descriptor but the configuration's own."""
    return dice.between(1, len(pieces) - 1)


def fields(dice: Dice, pieces: Pieces) -> None:
    """One or two fields of one descriptor get boundary or odd values."""
    at = _some(dice, pieces)
    pieces[at] = havoc(dice, pieces[at], dice.between(1, 2), first=2)


def cut(dice: Dice, pieces: Pieces) -> None:
    """A descriptor ends early, and its bLength says so."""
    at = _some(dice, pieces)
    pieces[at] = resize(pieces[at], dice.between(2, max(2, len(pieces[at]) - 1)))


def stretch(dice: Dice, pieces: Pieces) -> None:
    """A descriptor is longer than its type needs."""
    at = _some(dice, pieces)
    extra = dice.pick((1, 2, 4, 16, 64, 200))
    pieces[at] = resize(pieces[at] + dice.bytes(extra), len(pieces[at]) + extra)


def length(dice: Dice, pieces: Pieces) -> None:
    """A bLength is wrong: what follows is read as part of the descriptor, or its rest as another descriptor."""
    at = _some(dice, pieces)
    real = len(pieces[at])
    lie = dice.pick((real - 1, real + 1, real - 2, real + 2, 2, 3, 255, real // 2, 1, 0)) & 0xFF
    pieces[at] = bytes((lie,)) + pieces[at][1:]


def duplicate(dice: Dice, pieces: Pieces) -> None:
    """A descriptor is repeated, behind itself or elsewhere."""
    at = _some(dice, pieces)
    where = at if dice.chance(0.5) else _some(dice, pieces)
    for _ in range(dice.pick((1, 1, 1, 2, 8, 33))):
        pieces.insert(where, pieces[at])


def drop(dice: Dice, pieces: Pieces) -> None:
    """A descriptor is missing."""
    del pieces[_some(dice, pieces)]


def swap(dice: Dice, pieces: Pieces) -> None:
    """Two descriptors change places."""
    one, other = _some(dice, pieces), _some(dice, pieces)
    pieces[one], pieces[other] = pieces[other], pieces[one]


def alien(dice: Dice, pieces: Pieces) -> None:
    """A descriptor of another class or of no class stands among the others."""
    pieces.insert(_some(dice, pieces), dice.pick(ALIENS))


def retype(dice: Dice, pieces: Pieces) -> None:
    """A descriptor (or the subtype of a class-specific one) claims to be of another type."""
    at = _some(dice, pieces)
    raw = bytearray(pieces[at])
    where = 2 if len(raw) > 2 and raw[1] in (0x24, 0x25) else 1
    if len(raw) > where:
        raw[where] = dice.below(20) if where == 2 else dice.pick((0x02, 0x04, 0x05, 0x0B, 0x21, 0x24, 0x25, 0x30))
    pieces[at] = bytes(raw)


def interface_order(dice: Dice, pieces: Pieces) -> None:
    """Whole interfaces stand in another order; all else stays right."""
    head, blocks = groups(pieces)
    if len(blocks) < 2:
        return interface_numbers(dice, pieces)
    dice.shuffle(blocks)
    pieces[:] = [*head, *(piece for block in blocks for piece in block)]
    return None


def interface_numbers(dice: Dice, pieces: Pieces) -> None:
    """An interface has the number, or the alternate setting, of another one, or an extreme one."""
    where = of_type(pieces, INTERFACE)
    if where:
        _set(pieces, dice.pick(where), dice.pick((2, 2, 3)), dice.pick((0, 1, 2, 3, 7, 31, 32, 255)))


_CLASSES = (
    (0x01, 0x01, 0x00),
    (0x01, 0x01, 0x20),
    (0x01, 0x02, 0x00),
    (0x01, 0x03, 0x00),
    (0x02, 0x02, 0x01),
    (0x02, 0x06, 0x00),
    (0x02, 0x0D, 0x00),
    (0x02, 0x0E, 0x00),
    (0x03, 0x00, 0x00),
    (0x03, 0x01, 0x02),
    (0x07, 0x01, 0x02),
    (0x08, 0x06, 0x50),
    (0x08, 0x06, 0x62),
    (0x09, 0x00, 0x00),
    (0x0A, 0x00, 0x00),
    (0x0E, 0x01, 0x00),
    (0x0E, 0x02, 0x00),
    (0xE0, 0x01, 0x01),
    (0xE0, 0x01, 0x03),
    (0xEF, 0x04, 0x01),
    (0xFE, 0x03, 0x01),
    (0xFF, 0x00, 0x00),
    (0xFF, 0xFF, 0xFF),
    (0xFF, 0x5D, 0x01),
)


def interface_class(dice: Dice, pieces: Pieces) -> None:
    """An interface is of another class than its descriptors."""
    where = of_type(pieces, INTERFACE)
    if where:
        at = dice.pick(where)
        pieces[at] = pieces[at][:5] + bytes(dice.pick(_CLASSES)) + pieces[at][8:]


_EXTRA_ENDPOINTS = (
    (),
    (bytes.fromhex("07058f0308000c"),),
    (bytes.fromhex("07058f0308000c"),),
    (bytes.fromhex("07058e02000200"), bytes.fromhex("07050e02000200")),
)


def extra_interface(dice: Dice, pieces: Pieces) -> None:
    """One more interface, of any class, with no endpoint, an interrupt one or a pair."""
    where = of_type(pieces, INTERFACE)
    number = len({pieces[at][2] for at in where if len(pieces[at]) > 2})
    endpoints = dice.pick(_EXTRA_ENDPOINTS)
    made = [bytes((9, 4, number & 0xFF, 0, len(endpoints), *dice.pick(_CLASSES), 0)), *endpoints]
    if dice.chance(0.3) and where:
        pieces[where[0] : where[0]] = made
    else:
        pieces.extend(made)
    _set(pieces, 0, 4, number + 1)


def endpoint_missing(dice: Dice, pieces: Pieces) -> None:
    """An endpoint is missing and bNumEndpoints agrees: consistent, but not what the driver expects."""
    where = of_type(pieces, ENDPOINT)
    if not where:
        return
    gone = dice.pick(where)
    owner = max((at for at in of_type(pieces, INTERFACE) if at < gone), default=None)
    del pieces[gone]
    if owner is not None and len(pieces[owner]) > 4:
        _set(pieces, owner, 4, max(0, pieces[owner][4] - 1))


def endpoint_type(dice: Dice, pieces: Pieces) -> None:
    """An endpoint is of another transfer type. usb_submit_urb() warns when bulk and interrupt are confused."""
    where = of_type(pieces, ENDPOINT)
    if where:
        at = dice.pick(where)
        kind = pieces[at][3] & 3 if len(pieces[at]) > 3 else 0
        _set(pieces, at, 3, {2: 3, 3: 2}.get(kind, 2) if dice.chance(0.7) else dice.below(64))


def endpoint_address(dice: Dice, pieces: Pieces) -> None:
    """An endpoint changes direction or number, takes another one's address, or two change theirs."""
    where = of_type(pieces, ENDPOINT)
    if not where:
        return
    at, other = dice.pick(where), dice.pick(where)
    mine, theirs = pieces[at][2:3] or b"\x81", pieces[other][2:3] or b"\x01"
    match dice.below(4):
        case 0:
            _set(pieces, at, 2, mine[0] ^ 0x80)
        case 1:
            _set(pieces, at, 2, dice.below(256) if dice.chance(0.4) else mine[0] & 0x80 | dice.between(0, 15))
        case 2:
            _set(pieces, at, 2, theirs[0])
        case _:
            _set(pieces, at, 2, theirs[0])
            _set(pieces, other, 2, mine[0])


def endpoint_decoy(dice: Dice, pieces: Pieces) -> None:
    """An endpoint moves to another number, and one of another type waits at its old address.

    Drivers that look for an endpoint of the right type and then use a hard-wired address fall for it.
    """
    where = of_type(pieces, ENDPOINT)
    if not where:
        return
    at = dice.pick(where)
    owner = max((interface for interface in of_type(pieces, INTERFACE) if interface < at), default=None)
    if owner is None or len(pieces[at]) < 7 or len(pieces[owner]) < 5:
        return
    decoy = pieces[at]
    direction = decoy[2] & 0x80
    taken = {pieces[endpoint][2] for endpoint in where if len(pieces[endpoint]) > 2}
    free = [number for number in range(1, 16) if direction | number not in taken]
    if free:
        _set(pieces, at, 2, direction | dice.pick(free))
    pieces.insert(at + dice.below(2), bytes((*decoy[:3], dice.pick((2, 3, 2, 3, 1, 0)), *decoy[4:])))
    _set(pieces, owner, 4, pieces[owner][4] + 1)


def endpoint_size(dice: Dice, pieces: Pieces) -> None:
    """wMaxPacketSize or bInterval is extreme."""
    where = of_type(pieces, ENDPOINT)
    if where:
        at = dice.pick(where)
        if dice.chance(0.75):
            pieces[at] = pieces[at][:4] + dice.pick(BOUNDARY_WORDS).to_bytes(2, "little") + pieces[at][6:]
        else:
            _set(pieces, at, 6, dice.pick(BOUNDARY_BYTES))


def counts(dice: Dice, pieces: Pieces) -> None:
    """bNumInterfaces, bNumEndpoints or bConfigurationValue is wrong."""
    interfaces = of_type(pieces, INTERFACE)
    if interfaces and dice.chance(0.6):
        at = dice.pick(interfaces)
        real = pieces[at][4] if len(pieces[at]) > 4 else 0
        _set(pieces, at, 4, dice.pick((0, real + 1, max(0, real - 1), 1, 30, 31, 255)))
    else:
        _set(pieces, 0, dice.pick((4, 4, 5)), dice.pick((0, 1, 2, 3, 32, 33, 255)))


def totals(dice: Dice, pieces: Pieces) -> None:
    """wTotalLength is wrong, and stays so when the configuration is joined."""
    real = sum(map(len, pieces))
    said = dice.pick((real - 1, real + 1, real // 2, 9, 8, 0, real + 64, 0xFFFF, 4096)) & 0xFFFF
    if len(pieces[0]) >= 4:
        pieces[0] = pieces[0][:2] + said.to_bytes(2, "little") + pieces[0][4:]


def truncate(dice: Dice, pieces: Pieces) -> None:
    """The configuration ends in the middle of a descriptor."""
    whole = b"".join(pieces)
    pieces[:] = split_pieces(whole[: dice.between(9, max(9, len(whole) - 1))])


def _set(pieces: Pieces, at: int, offset: int, value: int) -> None:
    raw = bytearray(pieces[at])
    if offset < len(raw):
        raw[offset] = value & 0xFF
        pieces[at] = bytes(raw)


Fault = Callable[[Dice, Pieces], None]

#: What can go wrong with a configuration, and the weight of each.
FAULTS: Weighted[Fault] = Weighted(
    {
        fields: 24,
        cut: 10,
        endpoint_type: 9,
        endpoint_missing: 8,
        endpoint_decoy: 5,
        endpoint_address: 7,
        interface_order: 5,
        length: 5,
        endpoint_size: 4,
        duplicate: 4,
        drop: 4,
        swap: 4,
        interface_class: 4,
        extra_interface: 4,
        stretch: 3,
        alien: 3,
        retype: 3,
        interface_numbers: 3,
        counts: 3,
        totals: 2,
        truncate: 2,
    }
)
