"""Which module a driver is in."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["module_of"]


def module_of(driver: str, modules: Collection[str], said: str) -> str:
    """The one of ``modules`` that is named as a driver is, else what is ``said`` of it, by sysfs for example.

    sysfs shows the drivers of all serial converters as usbserial's, which registers them
    (usb_serial_register_drivers() in drivers/usb/serial/usb-serial.c), and comedi's likewise.
    """
    named = driver.replace("-", "_")
    return named if named in modules else said
