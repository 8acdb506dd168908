"""Audio class 3.0: USB Device Class Definition for Audio Devices 3.0.

Cluster, connector and extended-terminal descriptors are not in a configuration: the host fetches them with the
HIGH_CAPABILITY_DESCRIPTOR request.
"""

from __future__ import annotations

from .base import CsEndpoint, CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import blob, count_of, u8, u16, u32, u64

__all__ = [
    "CONTROL",
    "FAMILIES",
    "STREAMING",
    "ClockMultiplier",
    "ClockSelector",
    "ClockSource",
    "EffectUnit",
    "ExtensionUnit",
    "FeatureUnit",
    "General",
    "Header",
    "InputTerminal",
    "IsochronousEndpoint",
    "MixerUnit",
    "OutputTerminal",
    "PowerDomain",
    "ProcessingUnit",
    "SamplingRateConverter",
    "SelectorUnit",
    "ValidFrequencyRange",
]


class Header(CsInterface, bDescriptorSubtype=0x01, label="AC header"):
    """AC interface header, 10 bytes. UAC3 §4.5.2."""

    bCategory: u8
    wTotalLength: u16  #: bytes of this and all clock, unit, terminal and power domain descriptors
    bmControls: u32 = 0


class InputTerminal(CsInterface, bDescriptorSubtype=0x02, label="AC input terminal"):
    """Input terminal, 20 bytes. UAC3 §4.5.2.1."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bCSourceID: u8
    bmControls: u32 = 0
    wClusterDescrID: u16
    wExTerminalDescrID: u16 = 0
    wConnectorsDescrID: u16 = 0
    wTerminalDescrStr: u16 = 0


class OutputTerminal(CsInterface, bDescriptorSubtype=0x03, label="AC output terminal"):
    """Output terminal, 19 bytes. UAC3 §4.5.2.2."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bSourceID: u8
    bCSourceID: u8
    bmControls: u32 = 0
    wExTerminalDescrID: u16 = 0
    wConnectorsDescrID: u16 = 0
    wTerminalDescrStr: u16 = 0


class MixerUnit(CsInterface, bDescriptorSubtype=0x05, label="AC mixer unit"):
    """Mixer unit. UAC3 §4.5.2.5."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    wClusterDescrID: u16
    bmMixerControls: blob
    bmControls: u32 = 0
    wMixerDescrStr: u16 = 0


class SelectorUnit(CsInterface, bDescriptorSubtype=0x06, label="AC selector unit"):
    """Selector unit. UAC3 §4.5.2.6."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bmControls: u32 = 0
    wSelectorDescrStr: u16 = 0


class FeatureUnit(CsInterface, bDescriptorSubtype=0x07, label="AC feature unit"):
    """Feature unit. UAC3 §4.5.2.7."""

    bUnitID: u8
    bSourceID: u8
    bmaControls: tuple[u32, ...]  #: master channel first
    wFeatureDescrStr: u16 = 0


class EffectUnit(CsInterface, bDescriptorSubtype=0x08, label="AC effect unit"):
    """Effect unit. UAC3 §4.5.2.9."""

    bUnitID: u8
    wEffectType: u16
    bSourceID: u8
    bmaControls: tuple[u32, ...]
    wEffectsDescrStr: u16 = 0


class ProcessingUnit(CsInterface, bDescriptorSubtype=0x09, label="AC processing unit"):
    """Processing unit. UAC3 §4.5.2.10."""

    bUnitID: u8
    wProcessType: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    wProcessingDescrStr: u16 = 0
    specific: blob = b""  #: as wProcessType says; up/down-mix: bmControls, bNrModes, waClusterDescrID


class ExtensionUnit(CsInterface, bDescriptorSubtype=0x0A, label="AC extension unit"):
    """Extension unit. UAC3 §4.5.2.11."""

    bUnitID: u8
    wExtensionCode: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    wExtensionDescrStr: u16 = 0
    bmControls: u32 = 0
    wClusterDescrID: u16


class ClockSource(CsInterface, bDescriptorSubtype=0x0B, label="AC clock source"):
    """Clock source, 12 bytes. UAC3 §4.5.2.12."""

    bClockID: u8
    bmAttributes: u8
    bmControls: u32 = 0
    bReferenceTerminal: u8 = 0
    wClockSourceStr: u16 = 0


class ClockSelector(CsInterface, bDescriptorSubtype=0x0C, label="AC clock selector"):
    """Clock selector. UAC3 §4.5.2.13."""

    bClockID: u8
    bNrInPins: u8 = count_of("baCSourceID")
    baCSourceID: tuple[u8, ...]
    bmControls: u32 = 0
    wCSelectorDescrStr: u16 = 0


class ClockMultiplier(CsInterface, bDescriptorSubtype=0x0D, label="AC clock multiplier"):
    """Clock multiplier, 11 bytes. UAC3 §4.5.2.14."""

    bClockID: u8
    bCSourceID: u8
    bmControls: u32 = 0
    wCMultiplierDescrStr: u16 = 0


class SamplingRateConverter(CsInterface, bDescriptorSubtype=0x0E, label="AC sampling rate converter"):
    """Sampling rate converter unit, 9 bytes. UAC3 §4.5.2.8."""

    bUnitID: u8
    bSourceID: u8
    bCSourceInID: u8
    bCSourceOutID: u8
    wSRCDescrStr: u16 = 0


class PowerDomain(CsInterface, bDescriptorSubtype=0x10, label="AC power domain"):
    """Power domain. UAC3 §4.5.2.15."""

    bPowerDomainID: u8
    waRecoveryTime1: u16  #: 50 us each
    waRecoveryTime2: u16  #: 50 us each
    bNrEntities: u8 = count_of("baEntityID")
    baEntityID: tuple[u8, ...]
    wPDomainDescrStr: u16 = 0


class General(CsInterface, bDescriptorSubtype=0x01, label="AS general"):
    """AS interface descriptor, 23 bytes. UAC3 §4.7.2."""

    bTerminalLink: u8
    bmControls: u32 = 0
    wClusterDescrID: u16
    bmFormats: u64
    bSubslotSize: u8  #: bytes
    bBitResolution: u8
    bmAuxProtocols: u16 = 0
    bControlSize: u8 = 0


class ValidFrequencyRange(CsInterface, bDescriptorSubtype=0x02, label="AS valid frequency range"):
    """Valid sampling frequency range, 11 bytes; both in Hz. UAC3 §4.7.2.1."""

    dMIN: u32
    dMAX: u32


class IsochronousEndpoint(CsEndpoint, bDescriptorSubtype=0x01, label="AS isochronous endpoint"):
    """AS isochronous data endpoint, 10 bytes. UAC3 §4.8.1.2."""

    bmControls: u32 = 0
    bLockDelayUnits: u8 = 0
    wLockDelay: u16 = 0


CONTROL: tuple[type[Descriptor], ...] = (
    Header,
    InputTerminal,
    OutputTerminal,
    MixerUnit,
    SelectorUnit,
    FeatureUnit,
    EffectUnit,
    ProcessingUnit,
    ExtensionUnit,
    ClockSource,
    ClockSelector,
    ClockMultiplier,
    SamplingRateConverter,
    PowerDomain,
)
STREAMING: tuple[type[Descriptor], ...] = (General, ValidFrequencyRange, IsochronousEndpoint)

FAMILIES: Families = {(ClassCode.AUDIO, 1, 0x30): CONTROL, (ClassCode.AUDIO, 2, 0x30): STREAMING}
