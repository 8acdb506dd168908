"""Vendor-specific devices: the ids that a driver asks for, and a layout of endpoints that it accepts."""

from __future__ import annotations

import re
from functools import cache

from attrs import frozen

from usbfuzz.wire import TransferType

from .board import Board, Interface
from .dice import Dice, Weighted
from .families import FAMILIES, PREFIXES
from .identities import Identity
from .needs import NEEDS

__all__ = ["EndpointWish", "Setting", "family_of", "parse_layout", "vendor_function"]

_TYPES = {"b": TransferType.BULK, "i": TransferType.INTERRUPT, "s": TransferType.ISOCHRONOUS, "c": TransferType.CONTROL}
_TOKEN = re.compile(r"([bisc])([io])([0-9a-f]?)(?::(\d+))?")
_TRIPLE = re.compile(r"([0-9a-f]{2})\.([0-9a-f]{2})\.([0-9a-f]{2})")


@frozen
class EndpointWish:
    """An endpoint of a layout: ``number`` and ``size`` may be left open."""

    type: TransferType
    direction: int  #: 0x80 or 0
    number: int | None = None
    size: int | None = None


@frozen
class Setting:
    """One alternate setting of a layout."""

    triple: tuple[int, int, int] | None
    endpoints: tuple[EndpointWish, ...]


#: A layout: for each interface its alternate settings.
Wish = tuple[tuple[Setting, ...], ...]


def _setting(text: str) -> Setting:
    triple: tuple[int, int, int] | None = None
    endpoints: list[EndpointWish] = []
    for token in text.split():
        if match := _TRIPLE.fullmatch(token):
            triple = (int(match[1], 16), int(match[2], 16), int(match[3], 16))
        elif match := _TOKEN.fullmatch(token):
            number = int(match[3], 16) if match[3] else None
            size = int(match[4]) if match[4] else None
            endpoints.append(EndpointWish(_TYPES[match[1]], 0x80 if match[2] == "i" else 0, number, size))
        else:
            raise ValueError(f"layout {text!r}: {token!r} is neither a class triple nor an endpoint")
    return Setting(triple, tuple(endpoints))


@cache
def parse_layout(text: str) -> Wish:
    """Parse the notation of :mod:`strategies.needs`. Raises ValueError that names the bad token."""
    return tuple(tuple(_setting(setting) for setting in interface.split("/")) for interface in text.split("|"))


@cache
def family_of(module: str) -> str:
    """Family of a module (a key of FAMILIES), by the longest known beginning of its name."""
    matches = [
        (len(prefix), family)
        for family, prefixes in PREFIXES.items()
        for prefix in prefixes
        if module.startswith(prefix)
    ]
    return max(matches)[1] if matches else "control"


_ODD_WISHES = tuple(
    EndpointWish(kind, direction)
    for kind in TransferType
    for direction in (0x80, 0)
    if kind is not TransferType.CONTROL
)
_COUNTS = Weighted({1: 5, 2: 2, 3: 1, 4: 1})


def _odd_layout(dice: Dice) -> Wish:
    """A few endpoints of any type on a few interfaces: a layout that no driver was written for."""
    return tuple(
        tuple(
            Setting(None, tuple(dice.pick(_ODD_WISHES) for _ in range(dice.below(5))))
            for _ in range(dice.weighted(_COUNTS))
        )
        for _ in range(dice.weighted(_COUNTS))
    )


#: An endpoint of each type and direction at all the first numbers: most drivers look for the first that suits them.
_RICH = " ".join(f"{kind}{way}{number}" for number, kind in enumerate("bibibsbb", 1) for way in "io")


def _layout(dice: Dice, module: str, *, tables: bool) -> Wish:
    """Mostly what the module needs, where that is known, else what its family needs; sometimes any layout."""
    roll = dice.below(100)
    if roll < 6:
        return _odd_layout(dice)
    if not tables:
        return parse_layout(_RICH if roll < 25 else dice.pick(FAMILIES[family_of(module)]))
    if roll < 88 and (needs := NEEDS.get(module)):
        return parse_layout(needs[0] if dice.chance(0.5) else dice.pick(needs))
    return parse_layout(dice.pick(FAMILIES[family_of(module)]))


def _triple(identity: Identity, setting: Setting) -> tuple[int, int, int]:
    """Class triple of a setting; what the alias asks for wins."""
    own = setting.triple or (0xFF, 0xFF if identity.bInterfaceSubClass else 0, 0)
    asked = (identity.bInterfaceClass, identity.bInterfaceSubClass, identity.bInterfaceProtocol)
    if asked[0] is None or setting.triple is not None:
        return own
    return (asked[0], own[1] if asked[1] is None else asked[1], own[2] if asked[2] is None else asked[2])


def vendor_function(dice: Dice, board: Board) -> None:
    """Put the interfaces of a vendor-specific function of ``board.identity`` on the board."""
    identity = board.identity
    layout = _layout(dice, identity.module, tables=board.tables)
    wanted = identity.bInterfaceNumber
    if wanted and len(layout) <= wanted <= 8 and dice.chance(0.5):
        layout = layout * (wanted + 1)  # the driver binds one interface of several, by its number
        layout = layout[: wanted + 1]
    for position, settings in enumerate(layout):
        number = board.interface_number(wanted if position == 0 and len(layout) == 1 else None)
        spent: dict[tuple[int, TransferType], list[int]] = {}
        for alternate, setting in enumerate(settings):
            endpoints = []
            reuse = {key: list(numbers) for key, numbers in spent.items()}
            for wish in setting.endpoints:
                key = (wish.direction, wish.type)
                again = reuse.get(key)
                chosen = wish.number if wish.number is not None else (again.pop(0) if again else None)
                made = board.endpoint(wish.type, wish.direction, number=chosen, size=wish.size)
                if alternate == 0:
                    spent.setdefault(key, []).append(made.bEndpointAddress & 0x0F)
                endpoints.append(made)
            board.add(Interface(number, _triple(identity, setting), tuple(endpoints), alternate))
