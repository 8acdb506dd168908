"""Standard descriptors: USB 2.0 chapter 9, USB 3.2 chapter 9, and the OTG, debug and wireless supplements."""

from __future__ import annotations

from usbfuzz.wire import TransferType

from .base import Descriptor
from .constants import DescriptorType
from .fields import blob, u8, u16, u24, u32

__all__ = [
    "STANDARD",
    "AudioEndpointDescriptor",
    "ConfigurationDescriptor",
    "DebugDescriptor",
    "DeviceDescriptor",
    "DeviceQualifierDescriptor",
    "EncryptionTypeDescriptor",
    "EndpointDescriptor",
    "InterfaceAssociationDescriptor",
    "InterfaceDescriptor",
    "InterfacePowerDescriptor",
    "KeyDescriptor",
    "OtgDescriptor",
    "OtgDescriptor20",
    "OtherSpeedConfigurationDescriptor",
    "SecurityDescriptor",
    "StringDescriptor",
    "SuperSpeedEndpointCompanion",
    "SuperSpeedPlusIsochronousEndpointCompanion",
    "WirelessEndpointCompanion",
]


class DeviceDescriptor(Descriptor, bDescriptorType=DescriptorType.DEVICE, label="device"):
    """Device descriptor, 18 bytes. USB 2.0 §9.6.1."""

    bcdUSB: u16
    bDeviceClass: u8
    bDeviceSubClass: u8
    bDeviceProtocol: u8
    bMaxPacketSize0: u8  #: bytes; at SuperSpeed the exponent of 2, always 9
    idVendor: u16
    idProduct: u16
    bcdDevice: u16
    iManufacturer: u8 = 0
    iProduct: u8 = 0
    iSerialNumber: u8 = 0
    bNumConfigurations: u8 = 1


class ConfigurationDescriptor(Descriptor, bDescriptorType=DescriptorType.CONFIGURATION, label="configuration"):
    """Configuration descriptor, 9 bytes. USB 2.0 §9.6.3."""

    wTotalLength: u16 = 9  #: bytes of this and all descriptors that come with it
    bNumInterfaces: u8
    bConfigurationValue: u8 = 1
    iConfiguration: u8 = 0
    bmAttributes: u8 = 0x80  #: bit 7 always set; 6 = self-powered, 5 = remote wakeup
    bMaxPower: u8 = 50  #: 2 mA each, at SuperSpeed 8 mA


class OtherSpeedConfigurationDescriptor(
    ConfigurationDescriptor, bDescriptorType=DescriptorType.OTHER_SPEED_CONFIGURATION, label="other speed configuration"
):
    """Other_Speed_Configuration descriptor, 9 bytes. USB 2.0 §9.6.4."""


class StringDescriptor(Descriptor, bDescriptorType=DescriptorType.STRING, label="string"):
    """String descriptor; index 0 holds language ids instead of UTF-16. USB 2.0 §9.6.7."""

    bString: blob


class InterfaceDescriptor(Descriptor, bDescriptorType=DescriptorType.INTERFACE, label="interface"):
    """Interface descriptor, 9 bytes. USB 2.0 §9.6.5."""

    bInterfaceNumber: u8
    bAlternateSetting: u8 = 0
    bNumEndpoints: u8
    bInterfaceClass: u8
    bInterfaceSubClass: u8
    bInterfaceProtocol: u8
    iInterface: u8 = 0


class EndpointDescriptor(Descriptor, bDescriptorType=DescriptorType.ENDPOINT, label="endpoint"):
    """Endpoint descriptor, 7 bytes (9 in UAC1). USB 2.0 §9.6.6."""

    bEndpointAddress: u8  #: bit 7 = IN
    bmAttributes: u8  #: bits 1:0 transfer type; of isochronous 3:2 synchronisation, 5:4 usage
    wMaxPacketSize: u16  #: bytes; bits 12:11 = extra transactions at high speed
    bInterval: u8  #: frames (full/low speed) or 2^(n-1) microframes

    @property
    def transfer_type(self) -> TransferType:
        """bmAttributes bits 1:0."""
        return TransferType(self.bmAttributes & 3)

    @property
    def is_in(self) -> bool:
        """Device to host."""
        return bool(self.bEndpointAddress & 0x80)


class AudioEndpointDescriptor(EndpointDescriptor):
    """Endpoint descriptor with the audio class's two extra fields, 9 bytes. UAC1 §4.6.1.1."""

    bRefresh: u8 = 0  #: of a feedback endpoint, 2^n ms
    bSynchAddress: u8 = 0


class DeviceQualifierDescriptor(Descriptor, bDescriptorType=DescriptorType.DEVICE_QUALIFIER, label="device qualifier"):
    """Device_Qualifier descriptor, 10 bytes. USB 2.0 §9.6.2."""

    bcdUSB: u16
    bDeviceClass: u8
    bDeviceSubClass: u8
    bDeviceProtocol: u8
    bMaxPacketSize0: u8
    bNumConfigurations: u8 = 1
    bReserved: u8 = 0


class InterfacePowerDescriptor(Descriptor, bDescriptorType=DescriptorType.INTERFACE_POWER, label="interface power"):
    """Interface power descriptor, 15 bytes. USB Feature Specification: Interface Power Management 1.0 §4.2."""

    bmCapabilitiesFlags: u8
    bBusPowerSavingsD1: u8
    bSelfPowerSavingsD1: u8
    bBusPowerSavingsD2: u8
    bSelfPowerSavingsD2: u8
    bBusPowerSavingsD3: u8
    bSelfPowerSavingsD3: u8
    wTransitionTimeFromD1: u16
    wTransitionTimeFromD2: u16
    wTransitionTimeFromD3: u16


class OtgDescriptor(Descriptor, bDescriptorType=DescriptorType.OTG, label="OTG"):
    """OTG descriptor, 3 bytes. OTG supplement 1.3 §6.4."""

    bmAttributes: u8  #: bit 0 SRP, 1 HNP, 2 ADP


class OtgDescriptor20(OtgDescriptor):
    """OTG descriptor, 5 bytes. OTG and EH supplement 2.0 §6.4."""

    bcdOTG: u16


class DebugDescriptor(Descriptor, bDescriptorType=DescriptorType.DEBUG, label="debug"):
    """Debug descriptor, 4 bytes. USB2 Debug Device §5.1.2."""

    bDebugInEndpoint: u8
    bDebugOutEndpoint: u8


class InterfaceAssociationDescriptor(
    Descriptor, bDescriptorType=DescriptorType.INTERFACE_ASSOCIATION, label="interface association"
):
    """Interface association descriptor, 8 bytes. USB 3.2 §9.6.4."""

    bFirstInterface: u8
    bInterfaceCount: u8
    bFunctionClass: u8
    bFunctionSubClass: u8
    bFunctionProtocol: u8
    iFunction: u8 = 0


class SuperSpeedEndpointCompanion(
    Descriptor, bDescriptorType=DescriptorType.SUPERSPEED_ENDPOINT_COMPANION, label="SuperSpeed companion"
):
    """SuperSpeed endpoint companion, 6 bytes. USB 3.2 §9.6.7."""

    bMaxBurst: u8  #: packets in a burst, less one; 0 to 15
    bmAttributes: u8  #: bulk 4:0 = 2^n streams; isochronous 1:0 = mult, 7 = SSP companion follows
    wBytesPerInterval: u16


class SuperSpeedPlusIsochronousEndpointCompanion(
    Descriptor,
    bDescriptorType=DescriptorType.SUPERSPEEDPLUS_ISOCHRONOUS_ENDPOINT_COMPANION,
    label="SuperSpeedPlus companion",
):
    """SuperSpeedPlus isochronous endpoint companion, 8 bytes. USB 3.2 §9.6.8."""

    wReserved: u16 = 0
    dwBytesPerInterval: u32


class WirelessEndpointCompanion(
    Descriptor, bDescriptorType=DescriptorType.WIRELESS_ENDPOINT_COMPANION, label="wireless companion"
):
    """Wireless USB endpoint companion, 10 bytes. Wireless USB 1.0 §7.4.4."""

    bMaxBurst: u8
    bMaxSequence: u8
    wMaxStreamDelay: u16
    wOverTheAirPacketSize: u16
    bOverTheAirInterval: u8
    bmCompAttributes: u8


class SecurityDescriptor(Descriptor, bDescriptorType=DescriptorType.SECURITY, label="security"):
    """Security descriptor, 5 bytes. Wireless USB 1.0 §7.4.5.1."""

    wTotalLength: u16
    bNumEncryptionTypes: u8


class KeyDescriptor(Descriptor, bDescriptorType=DescriptorType.KEY, label="key"):
    """Key descriptor. Wireless USB 1.0 §7.4.5.3."""

    tTKID: u24
    bReserved: u8 = 0
    bKeyData: blob


class EncryptionTypeDescriptor(Descriptor, bDescriptorType=DescriptorType.ENCRYPTION_TYPE, label="encryption type"):
    """Encryption type descriptor, 5 bytes. Wireless USB 1.0 §7.4.5.2."""

    bEncryptionType: u8
    bEncryptionValue: u8
    bAuthKeyIndex: u8


STANDARD: tuple[type[Descriptor], ...] = (
    DeviceDescriptor,
    ConfigurationDescriptor,
    OtherSpeedConfigurationDescriptor,
    StringDescriptor,
    InterfaceDescriptor,
    AudioEndpointDescriptor,
    EndpointDescriptor,
    DeviceQualifierDescriptor,
    InterfacePowerDescriptor,
    OtgDescriptor20,
    OtgDescriptor,
    DebugDescriptor,
    InterfaceAssociationDescriptor,
    SuperSpeedEndpointCompanion,
    SuperSpeedPlusIsochronousEndpointCompanion,
    WirelessEndpointCompanion,
    SecurityDescriptor,
    KeyDescriptor,
    EncryptionTypeDescriptor,
)  #: longer variants first
