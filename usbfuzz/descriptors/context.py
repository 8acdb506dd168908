"""Which descriptor a bDescriptorType means: it depends on the interface it stands under.

The class specifications number their descriptors on their own, so 0x24 with subtype 2 is an audio input terminal, an
audio format, a MIDI jack, a camera or a modem. :class:`Context` is what decides, :func:`candidates` the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from attrs import frozen

from usbfuzz.kinds import KINDS, resolve

from . import bos, standard
from .base import EVERYWHERE, Descriptor, Families
from .constants import ClassCode

__all__ = ["NO_INTERFACE", "Context", "candidates"]


@frozen
class Context:
    """The interface descriptor last seen, by its three codes; before any interface the class is PER_INTERFACE."""

    bInterfaceClass: int = ClassCode.PER_INTERFACE
    bInterfaceSubClass: int = 0
    bInterfaceProtocol: int = 0


NO_INTERFACE = Context()

Key = tuple[int, int | None]  # bDescriptorType, and the third byte where it is a subtype
Family = Mapping[Key, tuple[type[Descriptor], ...]]


def _family(classes: Iterable[type[Descriptor]]) -> Family:
    """The descriptor classes by key; where several have one key, they are tried in this order."""
    family: dict[Key, tuple[type[Descriptor], ...]] = {}
    for cls in classes:
        subtype = cls.fixed_byte(2)
        key = (cls.fixed_byte(1) or 0, subtype)
        family[key] = (*family.get(key, ()), cls)
    return family


def _families() -> dict[tuple[int | None, int | None, int | None], Family]:
    """The FAMILIES of all kinds of devices; those that stand everywhere join the standard descriptors."""
    found: dict[tuple[int | None, int | None, int | None], tuple[type[Descriptor], ...]] = {}
    for module in (name for kind in KINDS.values() for name in kind.descriptors):
        families: Families = resolve(f"{module}:FAMILIES")
        for key, classes in families.items():
            found[key] = (*found.get(key, ()), *classes)
    found[EVERYWHERE] = (*standard.STANDARD, *bos.BOS, *found.get(EVERYWHERE, ()))
    return {key: _family(classes) for key, classes in found.items()}


_NONE: Family = {}
_FAMILIES = _families()


@lru_cache(1024)
def _class_family(context: Context) -> Family:
    """The class descriptors of an interface, by all three codes when there are any, else by fewer.

    For audio bInterfaceProtocol says the version, and what is neither 2.0 nor 3.0 is 1.0, whatever bcdADC says:
    snd_usb_create_streams decides so.
    """
    code, subclass, protocol = context.bInterfaceClass, context.bInterfaceSubClass, context.bInterfaceProtocol
    for key in ((code, subclass, protocol), (code, subclass, None), (code, None, None)):
        if key in _FAMILIES:
            return _FAMILIES[key]
    return _NONE


def candidates(raw: bytes, context: Context) -> tuple[type[Descriptor], ...]:
    """The descriptors these bytes may be in this context, likeliest first; empty when the type is unknown."""
    if len(raw) < 2:
        return ()
    kind = raw[1]
    subtype = raw[2] if len(raw) > 2 else None
    for family in (_class_family(context), _FAMILIES[EVERYWHERE]):
        if found := family.get((kind, subtype)) or family.get((kind, None)):
            return found
    return ()
