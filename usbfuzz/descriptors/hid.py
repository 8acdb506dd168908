"""The HID class descriptor, and the report descriptors of boot devices. Device Class Definition for HID 1.11."""

from __future__ import annotations

from .base import Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import count_of, u8, u16
from .structure import Structure

__all__ = ["BOOT_KEYBOARD_REPORT", "BOOT_MOUSE_REPORT", "FAMILIES", "HID", "HidDescriptor", "SubordinateDescriptor"]

#: Three buttons, X and Y: the boot mouse report, 3 bytes. HID 1.11 appendix E.10.
BOOT_MOUSE_REPORT = bytes.fromhex(
    "05 01 09 02 a1 01 09 01 a1 00 05 09 19 01 29 03 15 00 25 01 95 03 75 01 81 02 95 01 75 05 81 01"
    "05 01 09 30 09 31 15 81 25 7f 75 08 95 02 81 06 c0 c0"
)

#: Eight modifiers, five LEDs, six keys: the boot keyboard report, 8 bytes in, 1 byte out. HID 1.11 appendix E.6.
BOOT_KEYBOARD_REPORT = bytes.fromhex(
    "05 01 09 06 a1 01 05 07 19 e0 29 e7 15 00 25 01 75 01 95 08 81 02 95 01 75 08 81 01 95 05 75 01"
    "05 08 19 01 29 05 91 02 95 01 75 03 91 01 95 06 75 08 15 00 25 65 05 07 19 00 29 65 81 00 c0"
)


class SubordinateDescriptor(Structure):
    """Type and length of one descriptor the interface has: a report descriptor, a physical one."""

    bDescriptorType: u8 = int(DescriptorType.HID_REPORT)
    wDescriptorLength: u16


class HidDescriptor(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="HID"):
    """HID descriptor, 6 bytes and 3 for each subordinate descriptor. HID 1.11 §6.2.1."""

    bcdHID: u16 = 0x0111
    bCountryCode: u8 = 0
    bNumDescriptors: u8 = count_of("descriptors")
    descriptors: tuple[SubordinateDescriptor, ...]


HID: tuple[type[Descriptor], ...] = (HidDescriptor,)

FAMILIES: Families = {(ClassCode.HID, None, None): HID}
