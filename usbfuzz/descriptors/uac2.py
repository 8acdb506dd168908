"""Audio class 2.0: USB Device Class Definition for Audio Devices 2.0, and its Data Formats 2.0."""

from __future__ import annotations

from .base import CsEndpoint, CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import blob, count_of, fixed, u8, u16, u32

__all__ = [
    "CONTROL",
    "FAMILIES",
    "STREAMING",
    "ClockMultiplier",
    "ClockSelector",
    "ClockSource",
    "Decoder",
    "EffectUnit",
    "Encoder",
    "ExtFormatTypeI",
    "ExtFormatTypeII",
    "ExtFormatTypeIII",
    "ExtensionUnit",
    "FeatureUnit",
    "FormatTypeI",
    "FormatTypeII",
    "FormatTypeIII",
    "FormatTypeIV",
    "General",
    "Header",
    "InputTerminal",
    "IsochronousEndpoint",
    "MixerUnit",
    "OutputTerminal",
    "ProcessingUnit",
    "SamplingRateConverter",
    "SelectorUnit",
]


class Header(CsInterface, bDescriptorSubtype=0x01, label="AC header"):
    """AC interface header, 9 bytes, before the clocks, units and terminals. UAC2 §4.7.2."""

    bcdADC: u16 = 0x0200
    bCategory: u8 = 0
    wTotalLength: u16  #: bytes of this and all clock, unit and terminal descriptors
    bmControls: u8 = 0


class InputTerminal(CsInterface, bDescriptorSubtype=0x02, label="AC input terminal"):
    """Input terminal, 17 bytes. UAC2 §4.7.2.4."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bCSourceID: u8
    bNrChannels: u8
    bmChannelConfig: u32 = 0
    iChannelNames: u8 = 0
    bmControls: u16 = 0
    iTerminal: u8 = 0


class OutputTerminal(CsInterface, bDescriptorSubtype=0x03, label="AC output terminal"):
    """Output terminal, 12 bytes. UAC2 §4.7.2.5."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bSourceID: u8
    bCSourceID: u8
    bmControls: u16 = 0
    iTerminal: u8 = 0


class MixerUnit(CsInterface, bDescriptorSubtype=0x04, label="AC mixer unit"):
    """Mixer unit. UAC2 §4.7.2.6."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    bmChannelConfig: u32 = 0
    iChannelNames: u8 = 0
    bmMixerControls: blob
    bmControls: u8 = 0
    iMixer: u8 = 0


class SelectorUnit(CsInterface, bDescriptorSubtype=0x05, label="AC selector unit"):
    """Selector unit. UAC2 §4.7.2.7."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bmControls: u8 = 0
    iSelector: u8 = 0


class FeatureUnit(CsInterface, bDescriptorSubtype=0x06, label="AC feature unit"):
    """Feature unit. UAC2 §4.7.2.8."""

    bUnitID: u8
    bSourceID: u8
    bmaControls: tuple[u32, ...]  #: master channel first
    iFeature: u8 = 0


class EffectUnit(CsInterface, bDescriptorSubtype=0x07, label="AC effect unit"):
    """Effect unit. UAC2 §4.7.2.10."""

    bUnitID: u8
    wEffectType: u16
    bSourceID: u8
    bmaControls: tuple[u32, ...]
    iEffects: u8 = 0


class ProcessingUnit(CsInterface, bDescriptorSubtype=0x08, label="AC processing unit"):
    """Processing unit. UAC2 §4.7.2.11."""

    bUnitID: u8
    wProcessType: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    bmChannelConfig: u32 = 0
    iChannelNames: u8 = 0
    bmControls: u16 = 0
    iProcessing: u8 = 0
    specific: blob = b""  #: as wProcessType says; up/down-mix: bNrModes, daModes


class ExtensionUnit(CsInterface, bDescriptorSubtype=0x09, label="AC extension unit"):
    """Extension unit. UAC2 §4.7.2.12."""

    bUnitID: u8
    wExtensionCode: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    bmChannelConfig: u32 = 0
    iChannelNames: u8 = 0
    bmControls: u8 = 0
    iExtension: u8 = 0


class ClockSource(CsInterface, bDescriptorSubtype=0x0A, label="AC clock source"):
    """Clock source, 8 bytes. UAC2 §4.7.2.1."""

    bClockID: u8
    bmAttributes: u8  #: bits 1:0 external, fixed, variable, programmable; 2 = synchronised to SOF
    bmControls: u8 = 0
    bAssocTerminal: u8 = 0
    iClockSource: u8 = 0


class ClockSelector(CsInterface, bDescriptorSubtype=0x0B, label="AC clock selector"):
    """Clock selector. UAC2 §4.7.2.2."""

    bClockID: u8
    bNrInPins: u8 = count_of("baCSourceID")
    baCSourceID: tuple[u8, ...]
    bmControls: u8 = 0
    iClockSelector: u8 = 0


class ClockMultiplier(CsInterface, bDescriptorSubtype=0x0C, label="AC clock multiplier"):
    """Clock multiplier, 7 bytes. UAC2 §4.7.2.3."""

    bClockID: u8
    bCSourceID: u8
    bmControls: u8 = 0
    iClockMultiplier: u8 = 0


class SamplingRateConverter(CsInterface, bDescriptorSubtype=0x0D, label="AC sampling rate converter"):
    """Sampling rate converter unit, 8 bytes. UAC2 §4.7.2.9."""

    bUnitID: u8
    bSourceID: u8
    bCSourceInID: u8
    bCSourceOutID: u8
    iSRC: u8 = 0


class General(CsInterface, bDescriptorSubtype=0x01, label="AS general"):
    """AS interface descriptor, 16 bytes. UAC2 §4.9.2."""

    bTerminalLink: u8
    bmControls: u8 = 0
    bFormatType: u8
    bmFormats: u32
    bNrChannels: u8
    bmChannelConfig: u32 = 0
    iChannelNames: u8 = 0


class FormatTypeI(CsInterface, bDescriptorSubtype=0x02, label="AS format type I"):
    """Type I format, 6 bytes. Data Formats 2.0 §2.3.1.6."""

    bFormatType: u8 = fixed(0x01)
    bSubslotSize: u8  #: bytes
    bBitResolution: u8


class FormatTypeII(CsInterface, bDescriptorSubtype=0x02, label="AS format type II"):
    """Type II format, 8 bytes. Data Formats 2.0 §2.3.2.6."""

    bFormatType: u8 = fixed(0x02)
    wMaxBitRate: u16  #: kbit/s
    wSlotsPerFrame: u16


class FormatTypeIII(FormatTypeI, label="AS format type III"):
    """Type III format, 6 bytes. Data Formats 2.0 §2.3.3.1."""

    bFormatType: u8 = fixed(0x03)


class FormatTypeIV(CsInterface, bDescriptorSubtype=0x02, label="AS format type IV"):
    """Type IV format, 4 bytes. Data Formats 2.0 §2.3.4.1."""

    bFormatType: u8 = fixed(0x04)


class ExtFormatTypeI(CsInterface, bDescriptorSubtype=0x02, label="AS extended format type I"):
    """Extended type I format, 9 bytes. Data Formats 2.0 §2.4.1.1."""

    bFormatType: u8 = fixed(0x81)
    bSubslotSize: u8
    bBitResolution: u8
    bHeaderLength: u8
    bControlSize: u8
    bSideBandProtocol: u8


class ExtFormatTypeII(CsInterface, bDescriptorSubtype=0x02, label="AS extended format type II"):
    """Extended type II format, 10 bytes. Data Formats 2.0 §2.4.2.1."""

    bFormatType: u8 = fixed(0x82)
    wMaxBitRate: u16
    wSamplesPerFrame: u16
    bHeaderLength: u8
    bSideBandProtocol: u8


class ExtFormatTypeIII(CsInterface, bDescriptorSubtype=0x02, label="AS extended format type III"):
    """Extended type III format, 8 bytes. Data Formats 2.0 §2.4.3.1."""

    bFormatType: u8 = fixed(0x83)
    bSubslotSize: u8
    bBitResolution: u8
    bHeaderLength: u8
    bSideBandProtocol: u8


class Encoder(CsInterface, bDescriptorSubtype=0x03, label="AS encoder"):
    """Encoder. UAC2 §4.9.4."""

    bEncoderID: u8
    bEncoder: u8
    bmControls: u32
    specific: blob  #: string indices of the parameters, and of the encoder


class Decoder(CsInterface, bDescriptorSubtype=0x04, label="AS decoder"):
    """Decoder. UAC2 §4.9.5."""

    bDecoderID: u8
    bDecoder: u8
    specific: blob  #: capabilities and controls, as bDecoder says
    iDecoder: u8 = 0


class IsochronousEndpoint(CsEndpoint, bDescriptorSubtype=0x01, label="AS isochronous endpoint"):
    """AS isochronous data endpoint, 8 bytes. UAC2 §4.10.1.2."""

    bmAttributes: u8 = 0  #: bit 7 full packets only
    bmControls: u8 = 0
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
)
STREAMING: tuple[type[Descriptor], ...] = (
    General,
    FormatTypeI,
    FormatTypeII,
    FormatTypeIII,
    FormatTypeIV,
    ExtFormatTypeI,
    ExtFormatTypeII,
    ExtFormatTypeIII,
    Encoder,
    Decoder,
    IsochronousEndpoint,
)

FAMILIES: Families = {(ClassCode.AUDIO, 1, 0x20): CONTROL, (ClassCode.AUDIO, 2, 0x20): STREAMING}
