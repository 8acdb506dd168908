"""The Binary device Object Store and its capabilities. USB 3.2 §9.6.2."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from .base import Descriptor
from .constants import Capability, DescriptorType
from .fields import Width, blob, count_of, fixed, guid, u8, u16, u32
from .structure import Structure

__all__ = [
    "BOS",
    "MS_OS_20",
    "PLATFORM_NAMES",
    "WEBUSB",
    "AlternateMode",
    "AuthenticationCapability",
    "BatteryInfoCapability",
    "BillboardAlternateModeCapability",
    "BillboardCapability",
    "BosDescriptor",
    "ConfigurationSummaryCapability",
    "ContainerIdCapability",
    "DeviceCapability",
    "MsOs20Capability",
    "MsOs20Set",
    "PdConsumerPortCapability",
    "PdProviderPortCapability",
    "PlatformCapability",
    "PowerDeliveryCapability",
    "PrecisionTimeMeasurementCapability",
    "SuperSpeedCapability",
    "SuperSpeedPlusCapability",
    "Usb20ExtensionCapability",
    "WebUsbCapability",
    "WirelessUsbCapability",
    "bos",
]

WEBUSB = UUID("3408b638-09a9-47a0-8bfd-a0768815b665").bytes_le  #: WebUSB §4.1.1
MS_OS_20 = UUID("d8dd60df-4589-4cc7-9cd2-659d9e648a9f").bytes_le  #: Microsoft OS 2.0 descriptors, table 4
PLATFORM_NAMES = {WEBUSB: "WebUSB", MS_OS_20: "Microsoft OS 2.0"}


class BosDescriptor(Descriptor, bDescriptorType=DescriptorType.BOS, label="BOS"):
    """BOS descriptor, 5 bytes, before the capabilities. USB 3.2 table 9-13."""

    wTotalLength: u16
    bNumDeviceCaps: u8


class DeviceCapability(Descriptor, bDescriptorType=DescriptorType.DEVICE_CAPABILITY, label="device capability"):
    """Any capability, 3 bytes and what they introduce. USB 3.2 table 9-14."""

    bDevCapabilityType: u8 = 0


class WirelessUsbCapability(DeviceCapability, bDevCapabilityType=Capability.WIRELESS_USB, label="Wireless USB"):
    """Wireless USB, 11 bytes. Wireless USB 1.0 §7.4.1.1."""

    bmAttributes: u8
    wPHYRates: u16
    bmTFITXPowerInfo: u8
    bmFFITXPowerInfo: u8
    bmBandGroup: u16
    bReserved: u8 = 0


class Usb20ExtensionCapability(
    DeviceCapability, bDevCapabilityType=Capability.USB_2_0_EXTENSION, label="USB 2.0 extension"
):
    """USB 2.0 extension, 7 bytes. USB 3.2 §9.6.2.1."""

    bmAttributes: u32  #: bit 1 LPM, 2 BESL


class SuperSpeedCapability(DeviceCapability, bDevCapabilityType=Capability.SUPERSPEED_USB, label="SuperSpeed"):
    """SuperSpeed USB, 10 bytes. USB 3.2 §9.6.2.2."""

    bmAttributes: u8  #: bit 1 LTM
    wSpeedsSupported: u16  #: bits 0 low, 1 full, 2 high, 3 SuperSpeed
    bFunctionalitySupport: u8
    bU1DevExitLat: u8  #: microseconds
    wU2DevExitLat: u16  #: microseconds


class ContainerIdCapability(DeviceCapability, bDevCapabilityType=Capability.CONTAINER_ID, label="Container ID"):
    """Container ID, 20 bytes. USB 3.2 §9.6.2.3."""

    bReserved: u8 = 0
    ContainerID: guid


class PlatformCapability(DeviceCapability, bDevCapabilityType=Capability.PLATFORM, label="platform"):
    """Platform capability, named by its UUID. USB 3.2 §9.6.2.4."""

    bReserved: u8 = 0
    PlatformCapabilityUUID: guid
    CapabilityData: blob


class WebUsbCapability(DeviceCapability, bDevCapabilityType=Capability.PLATFORM, label="platform WebUSB"):
    """WebUSB platform capability, 24 bytes. WebUSB §4.1.1."""

    bReserved: u8 = 0
    PlatformCapabilityUUID: guid = fixed(WEBUSB)
    bcdVersion: u16 = 0x0100
    bVendorCode: u8
    iLandingPage: u8 = 0  #: index of a URL descriptor, not of a string


class MsOs20Set(Structure):
    """One descriptor set of a Microsoft OS 2.0 capability. Microsoft OS 2.0 descriptors, table 5."""

    dwWindowsVersion: u32
    wMSOSDescriptorSetTotalLength: u16
    bMS_VendorCode: u8
    bAltEnumCode: u8 = 0


class MsOs20Capability(DeviceCapability, bDevCapabilityType=Capability.PLATFORM, label="platform Microsoft OS 2.0"):
    """Microsoft OS 2.0 platform capability. Microsoft OS 2.0 descriptors, table 4."""

    bReserved: u8 = 0
    PlatformCapabilityUUID: guid = fixed(MS_OS_20)
    descriptor_sets: tuple[MsOs20Set, ...]


class PowerDeliveryCapability(DeviceCapability, bDevCapabilityType=Capability.POWER_DELIVERY, label="power delivery"):
    """Power Delivery, 18 bytes. linux/usb/ch9.h."""

    bReserved: u8 = 0
    bmAttributes: u32
    bmProviderPorts: u16
    bmConsumerPorts: u16
    bcdBCVersion: u16
    bcdPDVersion: u16
    bcdUSBTypeCVersion: u16


class BatteryInfoCapability(DeviceCapability, bDevCapabilityType=Capability.BATTERY_INFO, label="battery info"):
    """Battery info, 24 bytes; thresholds and capacities in mWh. linux/usb/ch9.h."""

    iBattery: u8 = 0
    iSerial: u8 = 0
    iManufacturer: u8 = 0
    bBatteryId: u8
    bReserved: u8 = 0
    dwChargedThreshold: u32
    dwWeakThreshold: u32
    dwBatteryDesignCapacity: u32
    dwBatteryLastFullchargeCapacity: u32


class PdConsumerPortCapability(
    DeviceCapability, bDevCapabilityType=Capability.PD_CONSUMER_PORT, label="PD consumer port"
):
    """PD consumer port, 23 bytes; voltages in 50 mV, powers in 10 mW, time in 100 ms. linux/usb/ch9.h."""

    bReserved: u8 = 0
    bmCapabilities: u8
    wMinVoltage: u16
    wMaxVoltage: u16
    wReserved: u16 = 0
    dwMaxOperatingPower: u32
    dwMaxPeakPower: u32
    dwMaxPeakPowerTime: u32


class PdProviderPortCapability(
    DeviceCapability, bDevCapabilityType=Capability.PD_PROVIDER_PORT, label="PD provider port"
):
    """PD provider port with its power data objects. linux/usb/ch9.h."""

    bReserved1: u8 = 0
    bmCapabilities: u8
    bNumOfPDObjects: u8 = count_of("wPowerDataObject")
    bReserved2: u8 = 0
    wPowerDataObject: tuple[u32, ...]


class SuperSpeedPlusCapability(DeviceCapability, bDevCapabilityType=Capability.SUPERSPEED_PLUS, label="SuperSpeedPlus"):
    """SuperSpeedPlus with its sublink speed attributes. USB 3.2 §9.6.2.5."""

    bReserved: u8 = 0
    bmAttributes: u32  #: bits 4:0 = number of sublink attributes, less one
    wFunctionalitySupport: u16
    wReserved: u16 = 0
    bmSublinkSpeedAttr: tuple[u32, ...]


class PrecisionTimeMeasurementCapability(
    DeviceCapability, bDevCapabilityType=Capability.PRECISION_TIME_MEASUREMENT, label="precision time measurement"
):
    """Precision time measurement, 3 bytes. USB 3.2 §9.6.2.6."""


class AlternateMode(Structure):
    """One alternate mode of a billboard. Billboard 1.2.2 table 3-4."""

    wSVID: u16
    bAlternateOrUSB4Mode: u8
    iAlternateOrUSB4ModeString: u8 = 0


class BillboardCapability(DeviceCapability, bDevCapabilityType=Capability.BILLBOARD, label="billboard"):
    """Billboard with its alternate modes. Billboard 1.2.2 §3.1.6.2."""

    iAdditionalInfoURL: u8 = 0
    bNumberOfAlternateOrUSB4Modes: u8 = count_of("modes")
    bPreferredAlternateOrUSB4Mode: u8
    VconnPower: u16
    bmConfigured: Annotated[bytes, Width(32)]  #: two bits a mode
    bcdVersion: u16
    bAdditionalFailureInfo: u8 = 0
    bReserved: u8 = 0
    modes: tuple[AlternateMode, ...]


class BillboardAlternateModeCapability(
    DeviceCapability, bDevCapabilityType=Capability.BILLBOARD_EX, label="billboard alternate mode"
):
    """Billboard AUM, 8 bytes. Billboard 1.2.2 §3.1.6.3."""

    bIndex: u8
    dwAlternateModeVdo: u32


class AuthenticationCapability(DeviceCapability, bDevCapabilityType=Capability.AUTHENTICATION, label="authentication"):
    """Authentication, 6 bytes. USB Authentication 1.0 §5.2."""

    bmAttributes: u8
    bcdProtocolVersion: u8
    bcdCapability: u8


class ConfigurationSummaryCapability(
    DeviceCapability, bDevCapabilityType=Capability.CONFIGURATION_SUMMARY, label="configuration summary"
):
    """Configurations that have a function of some class, 9 + bConfigurationCount bytes. USB 3.2 §9.6.2.7."""

    bcdVersion: u16
    bClass: u8
    bSubClass: u8
    bProtocol: u8
    bConfigurationCount: u8 = count_of("bConfigurationIndex")
    bConfigurationIndex: tuple[u8, ...]


BOS: tuple[type[Descriptor], ...] = (
    BosDescriptor,
    WirelessUsbCapability,
    Usb20ExtensionCapability,
    SuperSpeedCapability,
    ContainerIdCapability,
    WebUsbCapability,
    MsOs20Capability,
    PlatformCapability,
    PowerDeliveryCapability,
    BatteryInfoCapability,
    PdConsumerPortCapability,
    PdProviderPortCapability,
    SuperSpeedPlusCapability,
    PrecisionTimeMeasurementCapability,
    BillboardCapability,
    BillboardAlternateModeCapability,
    AuthenticationCapability,
    ConfigurationSummaryCapability,
    DeviceCapability,
)  #: the more specific first


def bos(*capabilities: Descriptor) -> bytes:
    """A whole BOS: header with correct totals, then the capabilities."""
    body = b"".join(capability.raw for capability in capabilities)
    return BosDescriptor(wTotalLength=5 + len(body), bNumDeviceCaps=len(capabilities)).raw + body
