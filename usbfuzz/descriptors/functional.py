"""The single class descriptors of the small classes: hub, firmware upgrade, smart card, printer, UAS."""

from __future__ import annotations

from .base import Descriptor
from .constants import DescriptorType
from .fields import blob, u8, u16, u32

__all__ = [
    "CCID",
    "DFU",
    "HUB",
    "PRINTER",
    "UAS",
    "CcidDescriptor",
    "DfuFunctionalDescriptor",
    "DfuFunctionalDescriptor10",
    "HubDescriptor",
    "IppPrinterDescriptor",
    "PipeUsageDescriptor",
    "SuperSpeedHubDescriptor",
]


class HubDescriptor(Descriptor, bDescriptorType=DescriptorType.HUB, label="hub"):
    """Hub descriptor of a USB 2.0 hub. USB 2.0 §11.23.2.1."""

    bNbrPorts: u8
    wHubCharacteristics: u16
    bPwrOn2PwrGood: u8  #: 2 ms each
    bHubContrCurrent: u8  #: mA
    DeviceRemovable: blob  #: a bit for each port and one more, in whole bytes; PortPwrCtrlMask of the same size follows


class SuperSpeedHubDescriptor(Descriptor, bDescriptorType=DescriptorType.SUPERSPEED_HUB, label="SuperSpeed hub"):
    """Hub descriptor of a SuperSpeed hub, 12 bytes. USB 3.2 §10.15.2.1."""

    bNbrPorts: u8
    wHubCharacteristics: u16
    bPwrOn2PwrGood: u8  #: 2 ms each
    bHubContrCurrent: u8  #: 4 mA each
    bHubHdrDecLat: u8 = 0  #: 0.1 us each
    wHubDelay: u16 = 0  #: ns
    DeviceRemovable: u16 = 0


class DfuFunctionalDescriptor10(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="DFU functional"):
    """DFU functional descriptor as DFU 1.0 has it, 7 bytes. DFU 1.0 §4.1.3."""

    bmAttributes: u8
    wDetachTimeOut: u16  #: ms
    wTransferSize: u16  #: bytes


class DfuFunctionalDescriptor(DfuFunctionalDescriptor10):
    """DFU functional descriptor, 9 bytes. DFU 1.1 §4.1.3."""

    bcdDFUVersion: u16 = 0x0110


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


class IppPrinterDescriptor(Descriptor, bDescriptorType=DescriptorType.FUNCTIONAL, label="IPP printer"):
    """Device info descriptor of an IPP over USB printer. IPP Protocol over USB 1.0 §4.2."""

    bcdReleaseNumber: u16 = 0x0100
    bcdNumDescriptors: u8
    capabilities: blob  #: each: type, length of the rest, contents


class PipeUsageDescriptor(Descriptor, bDescriptorType=DescriptorType.CS_INTERFACE, label="pipe usage"):
    """Pipe usage descriptor, 4 bytes, after each endpoint of a UAS interface. UAS §5.2.3.5."""

    bPipeID: u8  #: 1 command, 2 status, 3 data-in, 4 data-out
    bReserved: u8 = 0


HUB: tuple[type[Descriptor], ...] = (HubDescriptor, SuperSpeedHubDescriptor)
DFU: tuple[type[Descriptor], ...] = (DfuFunctionalDescriptor, DfuFunctionalDescriptor10)  #: the longer first
CCID: tuple[type[Descriptor], ...] = (CcidDescriptor,)
PRINTER: tuple[type[Descriptor], ...] = (IppPrinterDescriptor,)
UAS: tuple[type[Descriptor], ...] = (PipeUsageDescriptor,)
