"""The interfaces of two devices in one: numbers and addresses that both have are given anew."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from strategies.dice import Dice
from strategies.pieces import join, split_pieces
from usbfuzz.case.model import ControlScript, DeviceSpec
from usbfuzz.descriptors import Descriptor, split
from usbfuzz.descriptors.standard import ConfigurationDescriptor, EndpointDescriptor, InterfaceDescriptor

__all__ = ["addresses_of", "with_functions"]

#: Fields, of any descriptor, whose bytes are numbers of interfaces.
_NUMBERS = frozenset(
    {
        "bInterfaceNumber",
        "bFirstInterface",
        "bDataInterface",
        "bControlInterface",
        "bSubordinateInterface",
        "bInInterfaceNo",
        "bOutInterfaceNo",
        "baInterfaceNr",
    }
)
_ADDRESSES = frozenset({"bEndpointAddress"})
_RECIPIENT, _INTERFACE = 0x1F, 0x01  #: bmRequestType bits 4:0
_CLASH = 0.1  #: of the joined devices keep the numbers, and have some of them twice


@frozen
class _Renaming:
    """What the second device's interfaces and endpoints are called in the first one."""

    numbers: Mapping[int, int]
    addresses: Mapping[int, int]

    def of(self, descriptor: Descriptor) -> bytes:
        """The descriptor with the new names."""
        raw = bytearray(descriptor.raw)
        for field, (start, stop, _) in zip(descriptor.fields, descriptor.spans, strict=True):
            table = self.numbers if field.name in _NUMBERS else self.addresses if field.name in _ADDRESSES else {}
            if table:
                raw[start:stop] = bytes(table.get(value, value) for value in raw[start:stop])
        return bytes(raw)

    def script(self, script: ControlScript) -> ControlScript:
        """A control script for one of the interfaces, by its new number."""
        kind, index = script.bmRequestType, script.wIndex
        if kind is None or index is None or kind & _RECIPIENT != _INTERFACE:
            return script
        return evolve(script, wIndex=index & 0xFF00 | self.numbers.get(index & 0xFF, index & 0xFF))


def addresses_of(raw: bytes) -> list[int]:
    """bEndpointAddress of all endpoints of a configuration, each once, in order."""
    found = (piece.bEndpointAddress for piece in split(raw) if isinstance(piece, EndpointDescriptor))
    return list(dict.fromkeys(found))


def _interfaces(raw: bytes) -> list[int]:
    found = (piece.bInterfaceNumber for piece in split(raw) if isinstance(piece, InterfaceDescriptor))
    return list(dict.fromkeys(found))


def _renaming(mine: bytes, theirs: bytes) -> _Renaming:
    taken = set(_interfaces(mine))
    numbers = {}
    for number in _interfaces(theirs):
        free = (candidate for candidate in (number, *range(256)) if candidate not in taken)
        numbers[number] = next(free, number)
        taken.add(numbers[number])
    used = set(addresses_of(mine))
    addresses = {}
    for address in addresses_of(theirs):
        direction = address & 0x80
        free = (candidate for candidate in (address, *range(direction + 1, direction + 16)) if candidate not in used)
        addresses[address] = next(free, address)
        used.add(addresses[address])
    return _Renaming(numbers, addresses)


def with_functions(dice: Dice, mine: DeviceSpec, theirs: DeviceSpec) -> tuple[DeviceSpec, str]:
    """``mine`` with the interfaces, reports and answers of ``theirs`` besides its own, in its first configuration."""
    if not mine.configurations or not theirs.configurations:
        return mine, ""
    first, second = mine.configurations[0], dice.pick(theirs.configurations)
    added = [piece for piece in split(second) if not isinstance(piece, ConfigurationDescriptor)]
    if not added:
        return mine, ""
    renaming = _Renaming({}, {}) if dice.chance(_CLASH) else _renaming(first, second)
    pieces = [*split_pieces(first), *(renaming.of(piece) for piece in added)]
    whole = join(pieces)
    whole = whole[:4] + bytes((len(_interfaces(whole)) & 0xFF,)) + whole[5:] if len(whole) > 4 else whole
    reports = {renaming.numbers.get(number, number): raw for number, raw in theirs.reports} | dict(mine.reports)
    scripted = {script.bEndpointAddress for script in mine.endpoints}
    sent = [
        evolve(script, bEndpointAddress=renaming.addresses.get(script.bEndpointAddress, script.bEndpointAddress))
        for script in theirs.endpoints
    ]
    changed = evolve(
        mine,
        configurations=(whole, *mine.configurations[1:]),
        reports=tuple(sorted(reports.items())),
        control=(*mine.control, *map(renaming.script, theirs.control)),
        endpoints=(*mine.endpoints, *(script for script in sent if script.bEndpointAddress not in scripted)),
    )
    return changed, f"with the interfaces of {theirs.name}"
