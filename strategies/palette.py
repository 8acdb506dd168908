"""Which builder makes a device for which driver, and how often each is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType

from attrs import define

from strategies.audio.function import audio_function, midi_function
from strategies.hid.function import hid_function

from .board import Board
from .cdc import cdc_function
from .dice import Dice, Weighted
from .hub import hub_function, printer_function
from .identities import Identities, Identity
from .storage import storage_function
from .vendor import vendor_function
from .video import video_function

__all__ = ["BUILDERS", "COMPOSITE", "SHARES", "Builder", "Palette", "kinds_of"]

Builder = Callable[[Dice, Board], None]
"""Puts the interfaces of one function on a board."""

#: Builders by kind of device.
BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "vendor": vendor_function,
        "hid": hid_function,
        "audio": audio_function,
        "midi": midi_function,
        "video": video_function,
        "storage": storage_function,
        "cdc": cdc_function,
        "hub": hub_function,
        "printer": printer_function,
    }
)

COMPOSITE = "composite"

#: Out of how many devices each kind is.
SHARES: Mapping[str, int] = MappingProxyType(
    {
        "vendor": 44,
        "hid": 20,
        "audio": 11,
        "video": 6,
        "storage": 5,
        "cdc": 6,
        "hub": 1,
        "printer": 1,
        "midi": 1,
        COMPOSITE: 5,
    }
)

_BY_MODULE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "usbhid": ("hid",),
        "snd_usb_audio": ("audio", "midi"),
        "uvcvideo": ("video",),
        "usb_storage": ("storage",),
        "uas": ("storage",),
        "usblp": ("printer",),
        "usbcore": ("hub",),
        "cdc_acm": ("cdc",),
        "cdc_ether": ("cdc",),
        "cdc_ncm": ("cdc",),
        "cdc_mbim": ("cdc",),
        "cdc_eem": ("cdc",),
        "cdc_wdm": ("cdc",),
        "rndis_host": ("cdc",),
        "rndis_wlan": ("cdc",),
        "huawei_cdc_ncm": ("cdc",),
        "r8153_ecm": ("cdc",),
        "zaurus": ("cdc",),
    }
)


def kinds_of(module: str, ids: tuple[Identity, ...]) -> tuple[str, ...]:
    """The kinds of device (keys of BUILDERS) that a module's identities ask for."""
    if any(identity.hid for identity in ids):
        return ("hid",)
    if module.startswith("ums_"):
        return ("storage",)
    return _BY_MODULE.get(module, ("vendor",))


@define(eq=False, slots=False)
class Palette:
    """The identities of one kernel sorted by kind of device."""

    identities: Identities

    @cached_property
    def modules(self) -> Mapping[str, tuple[str, ...]]:
        """Modules of each kind this kernel has any for."""
        found: dict[str, list[str]] = {}
        for module in self.identities.modules:
            for kind in kinds_of(module, self.identities.of(module)):
                found.setdefault(kind, []).append(module)
        return MappingProxyType({kind: tuple(modules) for kind, modules in found.items()})

    @cached_property
    def shares(self) -> Weighted[str]:
        """Kinds to choose from, by their SHARES."""
        return Weighted({kind: share for kind, share in SHARES.items() if kind in self.modules or kind == COMPOSITE})

    @cached_property
    def functions(self) -> Weighted[str]:
        """Kinds a composite device may consist of; rare ones count for more here."""
        return Weighted({kind: 4 + min(share, 16) for kind, share in SHARES.items() if kind in self.modules})

    def identity(self, dice: Dice, kind: str) -> Identity:
        """An identity whose driver takes devices of ``kind``."""
        return self.identities.pick(dice, self.modules[kind])
