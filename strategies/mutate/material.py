"""What a change may use of the case that it changes: its numbers, its blocks of bytes, the kernel's identities."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import frozen

from strategies.dice import Dice
from strategies.identities import Identities
from strategies.pieces import ENDPOINT, INTERFACE, split_pieces
from strategies.target import module_of
from usbfuzz.case.model import Case, ControlScript, DeviceSpec, EndpointScript

__all__ = ["Change", "Material", "material_of"]

_MOST_NUMBERS = 192
_MOST_BLOCKS = 48
_LONGEST_BLOCK = 128  #: bytes


@frozen
class Material:
    """Of one case, or of two that are spliced."""

    identities: Identities
    numbers: tuple[int, ...]  #: lengths, ids, addresses, requests' fields: what one part of a device says of another
    constants: tuple[int, ...]  #: numbers that their drivers compare with
    blocks: tuple[bytes, ...]  #: the beginnings of its answers, packets and descriptors


#: A change of one device: the changed device and what was done; with no words for it, nothing was.
Change = Callable[[Dice, DeviceSpec, Material], tuple[DeviceSpec, str]]


def material_of(identities: Identities, *cases: Case) -> Material:
    """What the devices of the cases hold."""
    devices = [device for case in cases for device in case.devices]
    numbers = dict.fromkeys(number for device in devices for number in _numbers(device))
    blocks = dict.fromkeys(block[:_LONGEST_BLOCK] for device in devices for block in _blocks(device) if block)
    drivers = dict.fromkeys(module_of(device.name) for device in devices)
    constants = tuple(number for driver in drivers for number in identities.constants.get(driver, ()))
    return Material(identities, tuple(numbers)[:_MOST_NUMBERS], constants, tuple(blocks)[:_MOST_BLOCKS])


def _numbers(device: DeviceSpec) -> Iterator[int]:
    for at in (8, 10, 12):  # idVendor, idProduct, bcdDevice
        yield int.from_bytes(device.device[at : at + 2], "little")
    for raw in device.configurations:
        yield len(raw)
        for piece in split_pieces(raw):
            if piece[1:2] in (bytes((INTERFACE,)), bytes((ENDPOINT,))):
                yield from piece[2:4]
            if piece[1:2] == bytes((ENDPOINT,)):
                yield int.from_bytes(piece[4:6], "little")
    for control in device.control:
        fields = (control.bRequest, control.wValue, control.wIndex, control.wLength)
        yield from (field for field in fields if field is not None)
    for script in _scripts(device):
        yield from (len(step.answer.data) for step in script.steps)
    for _, raw in (*device.strings, *device.reports):
        yield len(raw)


def _blocks(device: DeviceSpec) -> Iterator[bytes]:
    for script in _scripts(device):
        yield from (step.answer.data for step in script.steps)
    for raw in device.configurations:
        yield from split_pieces(raw)
    for _, raw in device.strings:
        yield raw[2:]


def _scripts(device: DeviceSpec) -> tuple[ControlScript | EndpointScript, ...]:
    return (*device.endpoints, *device.control)
