"""Printers: the device info descriptor of IPP over USB."""

from __future__ import annotations

from .base import Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import blob, u8, u16

__all__ = ["FAMILIES", "PRINTER", "IppPrinterDescriptor"]


class IppPrinterDescriptor(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="IPP printer"):
    """Device info descriptor of an IPP over USB printer. IPP Protocol over USB 1.0 §4.2."""

    bcdReleaseNumber: u16 = 0x0100
    bcdNumDescriptors: u8
    capabilities: blob  #: each: type, length of the rest, contents


PRINTER: tuple[type[Descriptor], ...] = (IppPrinterDescriptor,)

FAMILIES: Families = {(ClassCode.PRINTER, None, None): PRINTER}
