"""Which descriptor a bDescriptorType means: it depends on the interface it stands under.

The class specifications number their descriptors on their own, so 0x24 with subtype 2 is an audio input terminal, an
audio format, a MIDI jack, a camera or a modem. :class:`Context` is what decides, :func:`candidates` the decision.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from . import bos, cdc, functional, hid, midi, standard, uac1, uac2, uac3, uvc, uvc_streaming
from .base import Descriptor
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


def _family(*classes: type[Descriptor]) -> Family:
    """The descriptor classes by key; where several have one key, they are tried in this order."""
    family: dict[Key, tuple[type[Descriptor], ...]] = {}
    for cls in classes:
        subtype = cls.fixed_byte(2)
        key = (cls.fixed_byte(1) or 0, subtype)
        family[key] = (*family.get(key, ()), cls)
    return family


_STANDARD = _family(*standard.STANDARD, *bos.BOS, *functional.HUB)
_NONE: Family = {}
_CDC = _family(*cdc.CDC)
_PLAIN: dict[int, Family] = {
    ClassCode.COMMUNICATIONS: _CDC,
    ClassCode.CDC_DATA: _CDC,
    ClassCode.HID: _family(*hid.HID),
    ClassCode.PRINTER: _family(*functional.PRINTER),
    ClassCode.MASS_STORAGE: _family(*functional.UAS),
    ClassCode.SMART_CARD: _family(*functional.CCID),
}
_BY_SUBCLASS: dict[tuple[int, int], Family] = {
    (ClassCode.AUDIO, 3): _family(*midi.MIDI),
    (ClassCode.VIDEO, 1): _family(*uvc.CONTROL),
    (ClassCode.VIDEO, 2): _family(*uvc_streaming.STREAMING),
    (ClassCode.APPLICATION_SPECIFIC, 1): _family(*functional.DFU),
    (ClassCode.WIRELESS_CONTROLLER, 1): _CDC,  # e0/01/03: RNDIS
    (ClassCode.MISCELLANEOUS, 4): _CDC,  # ef/04/01: RNDIS
}
_AUDIO = {
    (1, 0x20): _family(*uac2.CONTROL),
    (2, 0x20): _family(*uac2.STREAMING),
    (1, 0x30): _family(*uac3.CONTROL),
    (2, 0x30): _family(*uac3.STREAMING),
}
_AUDIO_1 = {1: _family(*uac1.CONTROL), 2: _family(*uac1.STREAMING)}


def _class_family(context: Context) -> Family:
    """The class descriptors of an interface.

    bInterfaceProtocol says the audio version, and what is neither 2.0 nor 3.0 is 1.0, whatever bcdADC says:
    snd_usb_create_streams decides so.
    """
    code, subclass, protocol = context.bInterfaceClass, context.bInterfaceSubClass, context.bInterfaceProtocol
    if code == ClassCode.AUDIO and subclass in _AUDIO_1:
        return _AUDIO.get((subclass, protocol)) or _AUDIO_1[subclass]
    return _PLAIN.get(code) or _BY_SUBCLASS.get((code, subclass)) or _NONE


def candidates(raw: bytes, context: Context) -> tuple[type[Descriptor], ...]:
    """The descriptors these bytes may be in this context, likeliest first; empty when the type is unknown."""
    if len(raw) < 2:
        return ()
    kind = raw[1]
    subtype = raw[2] if len(raw) > 2 else None
    for family in (_class_family(context), _STANDARD):
        if found := family.get((kind, subtype)) or family.get((kind, None)):
            return found
    return ()
