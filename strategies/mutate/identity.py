"""A device becomes another product: one more id of the driver it is for, or of a driver of the same kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from attrs import evolve

from strategies.devices import release
from strategies.dice import Dice
from strategies.identities import Identities, Identity
from strategies.palette import Palette
from strategies.pieces import INTERFACE, of_type, split_pieces
from strategies.target import target_of
from usbfuzz.case.model import Case, DeviceSpec

from .material import Material

__all__ = ["change_identity", "driver_of", "modules_of"]

_DEVICE = 18  #: bytes of a device descriptor
_INTERFACE = 9  #: bytes of an interface descriptor
_SAME_DRIVER = 0.65

Ids = tuple[int, int]
Triple = tuple[int, int, int]


@lru_cache(4)
def _palette(identities: Identities) -> Palette:
    return Palette(identities)


@lru_cache(4)
def _by_ids(identities: Identities) -> Mapping[Ids, tuple[str, ...]]:
    """Modules by the vendor and product they ask for."""
    found: dict[Ids, dict[str, None]] = {}
    for module, aliases in identities.by_module.items():
        for alias in aliases:
            if alias.idVendor is not None and alias.idProduct is not None:
                found.setdefault((alias.idVendor, alias.idProduct), {})[module] = None
    return {ids: tuple(modules) for ids, modules in found.items()}


@lru_cache(4)
def _by_class(identities: Identities) -> tuple[Identity, ...]:
    """The identities that leave the product open, and ask for a class of interface."""
    aliases = (alias for aliases in identities.by_module.values() for alias in aliases)
    return tuple(alias for alias in aliases if alias.idProduct is None and alias.bInterfaceClass is not None)


def _interfaces(spec: DeviceSpec) -> Iterator[bytes]:
    for raw in spec.configurations:
        pieces = split_pieces(raw)
        yield from (pieces[at] for at in of_type(pieces, INTERFACE) if len(pieces[at]) >= _INTERFACE)


def _ids(spec: DeviceSpec) -> Ids:
    return int.from_bytes(spec.device[8:10], "little"), int.from_bytes(spec.device[10:12], "little")


def _asks_for(alias: Identity, vendor: int, triple: Triple) -> bool:
    wanted = (alias.bInterfaceClass, alias.bInterfaceSubClass, alias.bInterfaceProtocol)
    return alias.idVendor in (None, vendor) and all(
        value in (None, has) for value, has in zip(wanted, triple, strict=True)
    )


def modules_of(identities: Identities, spec: DeviceSpec) -> tuple[str, ...]:
    """The modules whose drivers a device is for: those that ask for its ids, else for the class of an interface."""
    vendor, product = _ids(spec)
    if named := _by_ids(identities).get((vendor, product)):
        return named
    triples = {(piece[5], piece[6], piece[7]) for piece in _interfaces(spec)}
    classes = _by_class(identities)
    found = (alias.module for triple in sorted(triples) for alias in classes if _asks_for(alias, vendor, triple))
    return tuple(dict.fromkeys(found))


def driver_of(case: Case, identities: Identities) -> str:
    """The module that a case was made for; else the first that asks for the ids or classes of its first device.

    "" when the kernel has none. The case has its descriptors in bytes (:func:`usbfuzz.load.in_bytes`).
    """
    named = target_of(case)
    if named in identities.by_module or not case.devices:
        return named
    return next(iter(modules_of(identities, case.devices[0])), "")


def _another(dice: Dice, spec: DeviceSpec, identities: Identities) -> Identity:
    modules = modules_of(identities, spec)
    palette = _palette(identities)
    if not modules:
        return identities.pick(dice)
    module = dice.pick(modules)
    if dice.chance(_SAME_DRIVER) and len(identities.of(module)) > 1:
        return dice.pick(identities.of(module))
    kinds = [kind for kind, members in palette.modules.items() if module in members]
    return palette.identity(dice, dice.pick(kinds)) if kinds else identities.pick(dice)


def change_identity(dice: Dice, spec: DeviceSpec, material: Material) -> tuple[DeviceSpec, str]:
    """The device with the ids, and where they are asked for the classes, of another product."""
    if len(spec.device) != _DEVICE:
        return spec, ""
    identity = _another(dice, spec, material.identities)
    old_vendor, old_product = _ids(spec)
    vendor = old_vendor if identity.idVendor is None else identity.idVendor
    product = old_product if identity.idProduct is None else identity.idProduct
    bcdDevice = release(dice, identity)
    device = bytearray(spec.device)
    device[8:14] = b"".join(number.to_bytes(2, "little") for number in (vendor, product, bcdDevice))
    asked = (identity.bDeviceClass, identity.bDeviceSubClass, identity.bDeviceProtocol)
    for at, value in enumerate(asked, 4):
        device[at] = device[at] if value is None else value
    name = f"{identity.module} {vendor:04x}:{product:04x}"
    changed = evolve(spec, device=bytes(device), configurations=_classed(dice, spec, identity))
    if changed == spec:
        return spec, ""
    return evolve(changed, name=name), f"ids of {name}, release {bcdDevice:04x}"


def _classed(dice: Dice, spec: DeviceSpec, identity: Identity) -> tuple[bytes, ...]:
    """The configurations with the class, and the number, that ``identity`` asks an interface for, in one of them."""
    wanted = (identity.bInterfaceClass, identity.bInterfaceSubClass, identity.bInterfaceProtocol)
    number = identity.bInterfaceNumber
    if wanted == (None, None, None) and number is None:
        return spec.configurations
    made = []
    for raw in spec.configurations:
        pieces = split_pieces(raw)
        places = [at for at in of_type(pieces, INTERFACE) if len(pieces[at]) >= _INTERFACE]
        if places and not any(_has(pieces[at], number, wanted) for at in places):
            at = dice.pick(places)
            interface = bytearray(pieces[at])
            for offset, value in ((2, number), *enumerate(wanted, 5)):
                interface[offset] = interface[offset] if value is None else value
            pieces[at] = bytes(interface)
        made.append(b"".join(pieces))
    return tuple(made)


def _has(interface: bytes, number: int | None, wanted: tuple[int | None, ...]) -> bool:
    fields = zip((number, *wanted), (interface[2], *interface[5:8]), strict=True)
    return all(value is None or value == has for value, has in fields)
