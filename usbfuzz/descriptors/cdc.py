"""Functional descriptors of communications devices.

CDC 1.2 §5.2.3, and the subclass specifications PSTN, ECM, ATM, WMC, NCM and MBIM. All are CS_INTERFACE descriptors.
"""

from __future__ import annotations

from .base import CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import blob, guid, u8, u16, u32

__all__ = [
    "CDC",
    "FAMILIES",
    "AbstractControlManagement",
    "AtmNetworking",
    "CallManagement",
    "CapiControl",
    "CommandSet",
    "CommandSetDetail",
    "CountrySelection",
    "DeviceManagement",
    "DirectLineManagement",
    "EthernetNetworking",
    "ExtensionUnit",
    "Header",
    "Mbim",
    "MbimExtended",
    "MobileDirectLineModel",
    "MobileDirectLineModelDetail",
    "MultiChannelManagement",
    "Ncm",
    "NetworkChannelTerminal",
    "Obex",
    "ProtocolUnit",
    "TelephoneControl",
    "TelephoneOperationalModes",
    "TelephoneRinger",
    "TelephoneStateReporting",
    "Union",
    "UsbTerminal",
    "WirelessHandsetControl",
]


class Header(CsInterface, bDescriptorSubtype=0x00, label="CDC header"):
    """Header functional descriptor, 5 bytes. CDC 1.2 §5.2.3.1."""

    bcdCDC: u16 = 0x0110


class CallManagement(CsInterface, bDescriptorSubtype=0x01, label="CDC call management"):
    """Call management, 5 bytes. PSTN 1.2 §5.3.1."""

    bmCapabilities: u8
    bDataInterface: u8


class AbstractControlManagement(CsInterface, bDescriptorSubtype=0x02, label="CDC ACM"):
    """Abstract control management, 4 bytes. PSTN 1.2 §5.3.2."""

    bmCapabilities: u8  #: bit 0 comm feature, 1 line coding and state, 2 break, 3 network connection


class DirectLineManagement(CsInterface, bDescriptorSubtype=0x03, label="CDC direct line management"):
    """Direct line management, 4 bytes. PSTN 1.2 §5.3.3."""

    bmCapabilities: u8


class TelephoneRinger(CsInterface, bDescriptorSubtype=0x04, label="CDC telephone ringer"):
    """Telephone ringer, 5 bytes. PSTN 1.2 §5.3.4."""

    bRingerVolSteps: u8
    bNumRingerPatterns: u8


class TelephoneStateReporting(CsInterface, bDescriptorSubtype=0x05, label="CDC telephone call state reporting"):
    """Telephone call and line state reporting capabilities, 7 bytes. PSTN 1.2 §5.3.6."""

    bmCapabilities: u32


class Union(CsInterface, bDescriptorSubtype=0x06, label="CDC union"):
    """Union: which interfaces form the function. CDC 1.2 §5.2.3.2."""

    bControlInterface: u8
    bSubordinateInterface: tuple[u8, ...]


class CountrySelection(CsInterface, bDescriptorSubtype=0x07, label="CDC country selection"):
    """Country selection. CDC 1.2 §5.2.3.3."""

    iCountryCodeRelDate: u8 = 0
    wCountryCode: tuple[u16, ...]


class TelephoneOperationalModes(CsInterface, bDescriptorSubtype=0x08, label="CDC telephone operational modes"):
    """Telephone operational modes, 4 bytes. PSTN 1.2 §5.3.5."""

    bmCapabilities: u8


class UsbTerminal(CsInterface, bDescriptorSubtype=0x09, label="CDC USB terminal"):
    """USB terminal. CDC 1.1 §5.2.3.10."""

    bEntityId: u8
    bInInterfaceNo: u8
    bOutInterfaceNo: u8
    bmOptions: u8
    bChildId: tuple[u8, ...]


class NetworkChannelTerminal(CsInterface, bDescriptorSubtype=0x0A, label="CDC network channel terminal"):
    """Network channel terminal, 7 bytes. CDC 1.1 §5.2.3.11."""

    bEntityId: u8
    iName: u8 = 0
    bChannelIndex: u8
    bPhysicalInterface: u8


class ProtocolUnit(CsInterface, bDescriptorSubtype=0x0B, label="CDC protocol unit"):
    """Protocol unit. CDC 1.1 §5.2.3.12."""

    bEntityId: u8
    bProtocol: u8
    bChildId: tuple[u8, ...]


class ExtensionUnit(CsInterface, bDescriptorSubtype=0x0C, label="CDC extension unit"):
    """Extension unit. CDC 1.1 §5.2.3.13."""

    bEntityId: u8
    bExtensionCode: u8
    iName: u8 = 0
    bChildId: tuple[u8, ...]


class MultiChannelManagement(CsInterface, bDescriptorSubtype=0x0D, label="CDC multi-channel management"):
    """Multi-channel management, 4 bytes. CDC 1.1 §5.2.3.14."""

    bmCapabilities: u8


class CapiControl(CsInterface, bDescriptorSubtype=0x0E, label="CDC CAPI control"):
    """CAPI control management, 4 bytes. CDC 1.1 §5.2.3.15."""

    bmCapabilities: u8


class EthernetNetworking(CsInterface, bDescriptorSubtype=0x0F, label="CDC Ethernet"):
    """Ethernet networking, 13 bytes. ECM 1.2 §5.4."""

    iMACAddress: u8
    bmEthernetStatistics: u32 = 0
    wMaxSegmentSize: u16 = 1514  #: bytes
    wNumberMCFilters: u16 = 0
    bNumberPowerFilters: u8 = 0


class AtmNetworking(CsInterface, bDescriptorSubtype=0x10, label="CDC ATM"):
    """ATM networking, 12 bytes. ATM 1.2 §5.1."""

    iEndSystemIdentifier: u8 = 0
    bmDataCapabilities: u8
    bmATMDeviceStatistics: u8
    wType2MaxSegmentSize: u16
    wType3MaxSegmentSize: u16
    wMaxVC: u16


class WirelessHandsetControl(CsInterface, bDescriptorSubtype=0x11, label="CDC WHCM"):
    """Wireless handset control model, 5 bytes. WMC 1.1 §6.1."""

    bcdVersion: u16


class MobileDirectLineModel(CsInterface, bDescriptorSubtype=0x12, label="CDC MDLM"):
    """Mobile direct line model, 21 bytes. WMC 1.1 §6.7.2.3."""

    bcdVersion: u16 = 0x0100
    bGUID: guid


class MobileDirectLineModelDetail(CsInterface, bDescriptorSubtype=0x13, label="CDC MDLM detail"):
    """Mobile direct line model detail. WMC 1.1 §6.7.2.4."""

    bGuidDescriptorType: u8
    bDetailData: blob


class DeviceManagement(CsInterface, bDescriptorSubtype=0x14, label="CDC DMM"):
    """Device management model, 7 bytes. WMC 1.1 §6.6."""

    bcdVersion: u16
    wMaxCommand: u16


class Obex(CsInterface, bDescriptorSubtype=0x15, label="CDC OBEX"):
    """OBEX, 5 bytes. WMC 1.1 §6.5."""

    bcdVersion: u16


class CommandSet(CsInterface, bDescriptorSubtype=0x16, label="CDC command set"):
    """Command set, 22 bytes. WMC 1.1 §6.2."""

    bcdVersion: u16
    iCommandSet: u8
    bGUID: guid


class CommandSetDetail(CsInterface, bDescriptorSubtype=0x17, label="CDC command set detail"):
    """Command set detail. WMC 1.1 §6.2."""

    bDetailData: blob


class TelephoneControl(CsInterface, bDescriptorSubtype=0x18, label="CDC telephone control"):
    """Telephone control model, 7 bytes. WMC 1.1 §6.3."""

    bcdVersion: u16
    wMaxCommand: u16


class Ncm(CsInterface, bDescriptorSubtype=0x1A, label="CDC NCM"):
    """Network control model, 6 bytes. NCM 1.0 §5.2.1."""

    bcdNcmVersion: u16 = 0x0100
    bmNetworkCapabilities: u8 = 0


class Mbim(CsInterface, bDescriptorSubtype=0x1B, label="CDC MBIM"):
    """Mobile broadband interface model, 12 bytes. MBIM 1.0 §6.4."""

    bcdMBIMVersion: u16 = 0x0100
    wMaxControlMessage: u16
    bNumberFilters: u8
    bMaxFilterSize: u8
    wMaxSegmentSize: u16
    bmNetworkCapabilities: u8 = 0


class MbimExtended(CsInterface, bDescriptorSubtype=0x1C, label="CDC MBIM extended"):
    """MBIM extended, 8 bytes. MBIM 1.0 errata 1 §6.5."""

    bcdMBIMExtendedVersion: u16 = 0x0100
    bMaxOutstandingCommandMessages: u8
    wMTU: u16


CDC: tuple[type[Descriptor], ...] = (
    Header,
    CallManagement,
    AbstractControlManagement,
    DirectLineManagement,
    TelephoneRinger,
    TelephoneStateReporting,
    Union,
    CountrySelection,
    TelephoneOperationalModes,
    UsbTerminal,
    NetworkChannelTerminal,
    ProtocolUnit,
    ExtensionUnit,
    MultiChannelManagement,
    CapiControl,
    EthernetNetworking,
    AtmNetworking,
    WirelessHandsetControl,
    MobileDirectLineModel,
    MobileDirectLineModelDetail,
    DeviceManagement,
    Obex,
    CommandSet,
    CommandSetDetail,
    TelephoneControl,
    Ncm,
    Mbim,
    MbimExtended,
)

FAMILIES: Families = {
    (ClassCode.COMMUNICATIONS, None, None): CDC,
    (ClassCode.CDC_DATA, None, None): CDC,
    (ClassCode.WIRELESS_CONTROLLER, 1, None): CDC,  # e0/01/03: RNDIS
    (ClassCode.MISCELLANEOUS, 4, None): CDC,  # ef/04/01: RNDIS
}
