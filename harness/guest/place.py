"""Where a device is plugged in, by the names the guest's kernel gives: port of the machine and buses of its controller.

Each port has an xHCI controller of its own (:func:`harness.guest.qemu.qemu_argv`), whose driver makes two buses of it,
one for USB 2 and one for USB 3. Controllers are probed in the order of their slots, so port n has buses 2n+1 and 2n+2.
"""

from __future__ import annotations

import re

from attrs import frozen

__all__ = ["Place", "buses_of"]

#: Bus, hub ports, and of an interface its configuration and number (Documentation/ABI/testing/sysfs-bus-usb).
_SYSFS_NAME = re.compile(r"(\d+)-\d+(?:\.\d+)*(?::(\d+\.\d+))?")


@frozen
class Place:
    """Where a USB device or an interface of one is."""

    port: int  #: of the machine, from 0
    interface: str = ""  #: its configuration and number, ``1.0``; "" for a whole device

    @classmethod
    def of(cls, sysfs_name: str) -> Place | None:
        """The place of ``3-1`` (port 1) or ``3-1:1.0``; None for other names: ``usb3``, ``0003:1234:5678.0001``."""
        match = _SYSFS_NAME.fullmatch(sysfs_name)
        return cls((int(match[1]) - 1) // 2, match[2] or "") if match else None


def buses_of(port: int) -> tuple[int, int]:
    """Numbers of the buses of a port's controller: USB 2, then USB 3."""
    return 2 * port + 1, 2 * port + 2
