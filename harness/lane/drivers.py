"""Which driver of the guest has to do with an interface of a device: the one that bound, or would have."""

from __future__ import annotations

import re
import struct
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from harness.guest.image.policy import CORES, DRIVER_ALIASES
from harness.guest.kernels.modules import module_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from usbfuzz.descriptors.layout import InterfaceLayout
    from usbfuzz.device import Device

    from .outcome import Binding

__all__ = ["CORE_DRIVERS", "driver_for", "driver_modules", "matching_module", "only_driver"]

#: A device on the HID bus that is a USB device (BUS_USB of include/uapi/linux/input.h): its vendor, product, a number.
_HID = re.compile(r"0003:([0-9A-F]{4}):([0-9A-F]{4})\.[0-9A-F]+")
#: Drivers of the USB core itself, which bind to every device or hub.
CORE_DRIVERS = frozenset({"usb", "hub"})
#: What passes on a HID driver's requests and makes none of its own.
_TRANSPORTS = frozenset({"usbhid", "hid_generic"})


def driver_modules(aliases: Path) -> frozenset[str]:
    """The modules that bind USB or HID devices by an image's ``aliases``, without the cores of both."""
    words = [line.split() for line in aliases.read_text(encoding="utf-8", errors="replace").splitlines()]
    begins = tuple(pattern.rstrip("*") for pattern in DRIVER_ALIASES)
    return frozenset(module_name(module) for pattern, module in _aliases(words) if pattern.startswith(begins)) - CORES


def driver_for(
    device: Device, number: int | None, mine: Mapping[str, str], everywhere: Mapping[str, str]
) -> str | None:
    """The driver that is bound to interface ``number``, or to any of the device's when that is None.

    ``mine`` are the drivers of the port's interfaces by their sysfs names, ``everywhere`` those of all ports and of HID
    devices. A HID driver sends through usbhid: then it is that one.
    """
    found = [driver for name, driver in mine.items() if number is None or name.endswith(f".{number}")]
    names = [driver.replace("-", "_") for driver in found]
    if "usbhid" in names:
        hid = [
            driver.replace("-", "_")
            for name, driver in everywhere.items()
            if (match := _HID.fullmatch(name)) and (int(match[1], 16), int(match[2], 16)) == _ids(device)
        ]
        names = [*(driver for driver in hid if driver not in _TRANSPORTS), *names]
    return names[0] if names else None


def only_driver(bindings: Iterable[Binding]) -> str:
    """The one driver that bound, by its module's spelling; "" when none did, or several.

    What passes on a HID driver's requests counts only where nothing else bound.
    """
    names = {binding.driver.replace("-", "_") for binding in bindings if binding.driver not in CORE_DRIVERS}
    names = names - _TRANSPORTS or names
    return next(iter(names)) if len(names) == 1 else ""


def matching_module(device: Device, number: int | None, aliases: Path | None) -> str | None:
    """The module of the first alias that matches interface ``number`` (None: any); None when there is none.

    MODULE_ALIAS of USB: scripts/mod/file2alias.c, do_usb_entry(). Aliases that name the vendor come first.
    """
    if aliases is None:
        return None
    interfaces = [each for each in device.layout().interfaces if number in (None, each.bInterfaceNumber)]
    wanted = [_modalias(device.device_descriptor(), interface) for interface in interfaces]
    words = [line.split() for line in aliases.read_text(encoding="utf-8", errors="replace").splitlines()]
    for begins in (f"usb:v{_ids(device)[0]:04X}", "usb:v*"):
        near = [(pattern, module) for pattern, module in _aliases(words) if pattern.startswith(begins)]
        for pattern, module in near:
            if any(fnmatchcase(modalias, pattern) for modalias in wanted):
                return module_name(module)
    return None


def _aliases(words: Iterable[Sequence[str]]) -> Iterator[tuple[str, str]]:
    return ((line[1], line[2]) for line in words if len(line) == 3 and line[0] == "alias")


def _ids(device: Device) -> tuple[int, int]:
    raw = device.device_descriptor()[:18].ljust(18, b"\0")
    idVendor, idProduct = struct.unpack_from("<HH", raw, 8)
    return idVendor, idProduct


def _modalias(descriptor: bytes, interface: InterfaceLayout) -> str:
    raw = descriptor[:18].ljust(18, b"\0")
    idVendor, idProduct, bcdDevice = struct.unpack_from("<HHH", raw, 8)
    return (
        f"usb:v{idVendor:04X}p{idProduct:04X}d{bcdDevice:04X}dc{raw[4]:02X}dsc{raw[5]:02X}dp{raw[6]:02X}"
        f"ic{interface.bInterfaceClass:02X}isc{interface.bInterfaceSubClass:02X}ip{interface.bInterfaceProtocol:02X}"
        f"in{interface.bInterfaceNumber:02X}"
    )
