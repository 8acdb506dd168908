"""The device ids and classes that the drivers of a kernel ask for, read from its modules.alias."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from usbfuzz.errors import InputError

from .dice import Dice

if TYPE_CHECKING:
    from strategies.learning.learned import Learned

__all__ = ["CLASS_DRIVERS", "HidGroup", "Identities", "Identity"]


class HidGroup:
    """Device groups of the HID core; a driver may match on one. include/linux/hid.h."""

    GENERIC = 0x0001
    MULTITOUCH = 0x0002
    SENSOR_HUB = 0x0003
    MULTITOUCH_WIN_8 = 0x0004
    RMI = 0x0100
    WACOM = 0x0101
    LOGITECH_DJ = 0x0102
    STEAM = 0x0103
    LOGITECH_27MHZ = 0x0104
    VIVALDI = 0x0105


@frozen
class Identity:
    """One alias of one module; ``None`` is the alias' wildcard.

    ``bcdDevice`` is the lowest and highest release the alias matches. An identity with ``hid`` set matches the HID bus:
    the USB device needs a HID interface, and the kernel derives ``group`` from its report descriptor.
    """

    module: str
    idVendor: int | None = None
    idProduct: int | None = None
    bcdDevice: tuple[int, int] | None = None
    bDeviceClass: int | None = None
    bDeviceSubClass: int | None = None
    bDeviceProtocol: int | None = None
    bInterfaceClass: int | None = None
    bInterfaceSubClass: int | None = None
    bInterfaceProtocol: int | None = None
    bInterfaceNumber: int | None = None
    hid: bool = False
    group: int | None = None


#: MODULE_ALIAS forms written by scripts/mod/file2alias.c: do_usb_entry() and do_hid_entry().
_USB = re.compile(
    r"alias usb:v(?P<idVendor>[^p]+)p(?P<idProduct>[^d]+)d(?P<bcdDevice>[^d]*)"
    r"dc(?P<bDeviceClass>[^d]+)dsc(?P<bDeviceSubClass>[^d]+)dp(?P<bDeviceProtocol>[^i]+)"
    r"ic(?P<bInterfaceClass>[^i]+)isc(?P<bInterfaceSubClass>[^i]+)ip(?P<bInterfaceProtocol>[^i]+)"
    r"in(?P<bInterfaceNumber>\S+) (?P<module>\S+)"
)
_HID = re.compile(r"alias hid:b(?:0003|\*)g(?P<group>[^v]+)v(?P<idVendor>[^p]+)p(?P<idProduct>\S+) (?P<module>\S+)")
_NIBBLE = re.compile(r"\[([^]]*)\]|(.)")


def _number(text: str) -> int | None:
    """The value of one alias field; ``None`` for a wildcard."""
    digits = text.rstrip("*")
    return int(digits, 16) & 0xFFFF if digits else None


def _range(glob: str) -> tuple[int, int] | None:
    """Lowest and highest bcdDevice that a glob such as ``0[0-2]*`` matches; ``None`` when any does."""
    if glob in ("", "*"):
        return None
    low = high = ""
    for match in _NIBBLE.finditer(glob):
        letters = match[1] or match[2]
        if letters == "*":
            break
        low += letters[0]
        high += letters[-1]
    return int(low.ljust(4, "0"), 16), int(high.ljust(4, "F"), 16)


def _usb_identity(match: re.Match[str]) -> Identity:
    return Identity(
        match["module"],
        idVendor=_number(match["idVendor"]),
        idProduct=_number(match["idProduct"]),
        bcdDevice=_range(match["bcdDevice"]),
        bDeviceClass=_number(match["bDeviceClass"]),
        bDeviceSubClass=_number(match["bDeviceSubClass"]),
        bDeviceProtocol=_number(match["bDeviceProtocol"]),
        bInterfaceClass=_number(match["bInterfaceClass"]),
        bInterfaceSubClass=_number(match["bInterfaceSubClass"]),
        bInterfaceProtocol=_number(match["bInterfaceProtocol"]),
        bInterfaceNumber=_number(match["bInterfaceNumber"]),
    )


def _hid_identity(match: re.Match[str]) -> Identity:
    return Identity(
        match["module"],
        idVendor=_number(match["idVendor"]),
        idProduct=_number(match["idProduct"]),
        group=_number(match["group"]),
        hid=True,
    )


def _read_only(groups: Mapping[str, tuple[Identity, ...]]) -> Mapping[str, tuple[Identity, ...]]:
    return MappingProxyType(dict(groups))


@frozen(eq=False, slots=False)
class Identities:
    """All identities of one kernel, grouped by module, in the order of its modules.alias."""

    by_module: Mapping[str, tuple[Identity, ...]] = field(converter=_read_only)
    learned: Mapping[str, Learned] = field(factory=dict)  #: what is known of drivers, by module
    constants: Mapping[str, tuple[int, ...]] = field(factory=dict)  #: numbers that drivers compare with, by module
    firmware: Mapping[str, tuple[str, ...]] = field(factory=dict)  #: names of files that drivers ask for, by module
    tables: bool = True  #: what was written by hand about single drivers is used: :mod:`strategies.needs`, `.habits`
    modules: tuple[str, ...] = field(init=False)

    @modules.default
    def _sorted_modules(self) -> tuple[str, ...]:
        return tuple(sorted(self.by_module))

    @classmethod
    def parse(cls, modules_alias: str) -> Identities:
        """Read the text of a modules.alias. Lines that are neither ``usb:`` nor ``hid:`` on USB are skipped.

        Raises InputError when none is left.
        """
        groups: dict[str, list[Identity]] = {}
        for line in modules_alias.splitlines():
            if match := _USB.fullmatch(line):
                groups.setdefault(match["module"], []).append(_usb_identity(match))
            elif match := _HID.fullmatch(line):
                groups.setdefault(match["module"], []).append(_hid_identity(match))
        if not groups:
            raise InputError("modules.alias: no usb: or hid: alias in it; give the file of a kernel with USB modules.")
        return cls({module: tuple(ids) for module, ids in groups.items()})

    def __len__(self) -> int:
        """Number of identities."""
        return sum(len(ids) for ids in self.by_module.values())

    def only(self, modules: Collection[str]) -> Identities:
        """Those of some modules. Raises InputError when there are none of them."""
        found = {module: ids for module, ids in self.by_module.items() if module in modules}
        if not found:
            raise InputError(f"no driver of this kernel is among {', '.join(sorted(modules))}; name others.")
        return evolve(self, by_module=found)

    def of(self, module: str) -> tuple[Identity, ...]:
        """The identities of one module; empty when this kernel does not have it."""
        return self.by_module.get(module, ())

    def pick(self, dice: Dice, modules: tuple[str, ...] | None = None) -> Identity:
        """One identity: first the module, all equally likely, then one of its aliases.

        Where a class driver also lists quirky products, half of the picks are its class matches: products are many.
        """
        aliases = self.by_module[dice.pick(modules or self.modules)]
        if dice.chance(0.5) and (classes := self._class_matches.get(aliases[0].module)):
            return dice.pick(classes)
        return dice.pick(aliases)

    @cached_property
    def _class_matches(self) -> Mapping[str, tuple[Identity, ...]]:
        by_class = {
            name: tuple(alias for alias in ids if alias.idVendor is None) for name, ids in self.by_module.items()
        }
        return {name: ids for name, ids in by_class.items() if ids}

    def strategy(self) -> st.SearchStrategy[Identity]:
        """Identities, modules equally likely; shrinks towards the first alias of the first module."""
        return st.sampled_from(self.modules).flatmap(lambda module: st.sampled_from(self.by_module[module]))


#: What every Linux kernel with the class drivers binds; for use without a guest's own modules.alias.
CLASS_DRIVERS = Identities.parse(
    """\
alias usb:v*p*d*dc*dsc*dp*ic01isc01ip*in* snd_usb_audio
alias usb:v*p*d*dc*dsc*dp*ic01isc03ip*in* snd_usb_audio
alias usb:v*p*d*dc*dsc*dp*ic02isc02ip01in* cdc_acm
alias usb:v*p*d*dc*dsc*dp*ic02isc06ip00in* cdc_ether
alias usb:v*p*d*dc*dsc*dp*ic02isc0Dip00in* cdc_ncm
alias usb:v*p*d*dc*dsc*dp*ic02isc0Eip00in* cdc_mbim
alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
alias usb:v*p*d*dc*dsc*dp*ic07isc01ip02in* usblp
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip50in* usb_storage
alias usb:v*p*d*dc*dsc*dp*ic08isc06ip62in* uas
alias usb:v*p*d*dc*dsc*dp*ic09isc*ip*in* usbcore
alias usb:v*p*d*dc*dsc*dp*ic0Eisc01ip00in* uvcvideo
alias usb:v*p*d*dc*dsc*dp*icE0isc01ip01in* btusb
alias usb:v*p*d*dc*dsc*dp*icFEisc03ip01in* usbtmc
alias usb:v045Ep028Ed*dc*dsc*dp*icFFisc5Dip01in* xpad
alias hid:b*g*v*p* hid_generic
"""
)
