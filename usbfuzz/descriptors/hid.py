"""The HID class descriptor. Device Class Definition for HID 1.11 §6.2.1."""

from __future__ import annotations

from .base import Descriptor
from .constants import DescriptorType
from .fields import count_of, u8, u16
from .structure import Structure

__all__ = ["HID", "HidDescriptor", "SubordinateDescriptor"]


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
