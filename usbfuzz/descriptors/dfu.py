"""Device firmware upgrade: the functional descriptor. DFU 1.0 and 1.1 §4.1.3."""

from __future__ import annotations

from .base import Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import u8, u16

__all__ = ["DFU", "FAMILIES", "DfuFunctionalDescriptor", "DfuFunctionalDescriptor10"]


class DfuFunctionalDescriptor10(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="DFU functional"):
    """DFU functional descriptor as DFU 1.0 has it, 7 bytes. DFU 1.0 §4.1.3."""

    bmAttributes: u8
    wDetachTimeOut: u16  #: ms
    wTransferSize: u16  #: bytes


class DfuFunctionalDescriptor(DfuFunctionalDescriptor10):
    """DFU functional descriptor, 9 bytes. DFU 1.1 §4.1.3."""

    bcdDFUVersion: u16 = 0x0110


DFU: tuple[type[Descriptor], ...] = (DfuFunctionalDescriptor, DfuFunctionalDescriptor10)  #: the longer first

FAMILIES: Families = {(ClassCode.APPLICATION_SPECIFIC, 1, None): DFU}
