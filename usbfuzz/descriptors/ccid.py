"""Smart card readers: the class descriptor. CCID 1.10 §5.1."""

from __future__ import annotations

from .base import Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import u8, u16, u32

__all__ = ["CCID", "FAMILIES", "CcidDescriptor"]


class CcidDescriptor(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="CCID"):
    """Smart card device class descriptor, 54 bytes; clocks in kHz, rates in bit/s. CCID 1.10 §5.1."""

    bcdCCID: u16 = 0x0110
    bMaxSlotIndex: u8
    bVoltageSupport: u8
    dwProtocols: u32
    dwDefaultClock: u32
    dwMaximumClock: u32
    bNumClockSupported: u8 = 0
    dwDataRate: u32
    dwMaxDataRate: u32
    bNumDataRatesSupported: u8 = 0
    dwMaxIFSD: u32
    dwSynchProtocols: u32 = 0
    dwMechanical: u32 = 0
    dwFeatures: u32
    dwMaxCCIDMessageLength: u32
    bClassGetResponse: u8 = 0
    bClassEnvelope: u8 = 0
    wLcdLayout: u16 = 0
    bPINSupport: u8 = 0
    bMaxCCIDBusySlots: u8


CCID: tuple[type[Descriptor], ...] = (CcidDescriptor,)

FAMILIES: Families = {(ClassCode.SMART_CARD, None, None): CCID}
