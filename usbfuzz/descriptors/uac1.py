"""Audio class 1.0: USB Device Class Definition for Audio Devices 1.0, and its Data Formats 1.0."""

from __future__ import annotations

from .base import CsEndpoint, CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import blob, count_of, fixed, u8, u16, u24, u32, uint, width_of

__all__ = [
    "CONTROL",
    "FAMILIES",
    "STREAMING",
    "Ac3Format",
    "ExtensionUnit",
    "FeatureUnit",
    "FormatSpecific",
    "FormatTypeI",
    "FormatTypeII",
    "FormatTypeIII",
    "General",
    "Header",
    "InputTerminal",
    "IsochronousEndpoint",
    "MixerUnit",
    "MpegFormat",
    "OutputTerminal",
    "ProcessingUnit",
    "SelectorUnit",
]


class Header(CsInterface, bDescriptorSubtype=0x01, label="AC header"):
    """AC interface header, before the units and terminals. UAC1 §4.3.2."""

    bcdADC: u16 = 0x0100
    wTotalLength: u16  #: bytes of this and all unit and terminal descriptors
    bInCollection: u8 = count_of("baInterfaceNr")
    baInterfaceNr: tuple[u8, ...]  #: the streaming interfaces


class InputTerminal(CsInterface, bDescriptorSubtype=0x02, label="AC input terminal"):
    """Input terminal, 12 bytes. UAC1 §4.3.2.1."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bNrChannels: u8
    wChannelConfig: u16 = 0
    iChannelNames: u8 = 0
    iTerminal: u8 = 0


class OutputTerminal(CsInterface, bDescriptorSubtype=0x03, label="AC output terminal"):
    """Output terminal, 9 bytes. UAC1 §4.3.2.2."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bSourceID: u8
    iTerminal: u8 = 0


class MixerUnit(CsInterface, bDescriptorSubtype=0x04, label="AC mixer unit"):
    """Mixer unit. UAC1 §4.3.2.3."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    wChannelConfig: u16 = 0
    iChannelNames: u8 = 0
    bmControls: blob  #: one bit for each input channel and output channel
    iMixer: u8 = 0


class SelectorUnit(CsInterface, bDescriptorSubtype=0x05, label="AC selector unit"):
    """Selector unit. UAC1 §4.3.2.4."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    iSelector: u8 = 0


class FeatureUnit(CsInterface, bDescriptorSubtype=0x06, label="AC feature unit"):
    """Feature unit. UAC1 §4.3.2.5."""

    bUnitID: u8
    bSourceID: u8
    bControlSize: u8 = width_of("bmaControls")
    bmaControls: tuple[uint, ...]  #: master channel first
    iFeature: u8 = 0


class ProcessingUnit(CsInterface, bDescriptorSubtype=0x07, label="AC processing unit"):
    """Processing unit. UAC1 §4.3.2.6."""

    bUnitID: u8
    wProcessType: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    wChannelConfig: u16 = 0
    iChannelNames: u8 = 0
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    iProcessing: u8 = 0
    specific: blob = b""  #: as wProcessType says; up/down-mix: bNrModes, waModes


class ExtensionUnit(CsInterface, bDescriptorSubtype=0x08, label="AC extension unit"):
    """Extension unit. UAC1 §4.3.2.7."""

    bUnitID: u8
    wExtensionCode: u16
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bNrChannels: u8
    wChannelConfig: u16 = 0
    iChannelNames: u8 = 0
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    iExtension: u8 = 0


class General(CsInterface, bDescriptorSubtype=0x01, label="AS general"):
    """AS interface descriptor, 7 bytes. UAC1 §4.5.2."""

    bTerminalLink: u8
    bDelay: u8 = 0  #: frames
    wFormatTag: u16


class FormatTypeI(CsInterface, bDescriptorSubtype=0x02, label="AS format type I"):
    """Type I format. Data Formats 1.0 §2.2.5."""

    bFormatType: u8 = fixed(1)
    bNrChannels: u8
    bSubframeSize: u8  #: bytes
    bBitResolution: u8
    bSamFreqType: u8 = count_of("tSamFreq", zero=2)  #: 0: a range, lowest and highest
    tSamFreq: tuple[u24, ...]  #: Hz


class FormatTypeII(CsInterface, bDescriptorSubtype=0x02, label="AS format type II"):
    """Type II format. Data Formats 1.0 §2.3.7."""

    bFormatType: u8 = fixed(2)
    wMaxBitRate: u16  #: kbit/s
    wSamplesPerFrame: u16
    bSamFreqType: u8 = count_of("tSamFreq", zero=2)
    tSamFreq: tuple[u24, ...]  #: Hz


class FormatTypeIII(FormatTypeI, label="AS format type III"):
    """Type III format, laid out as type I. Data Formats 1.0 §2.4.1."""

    bFormatType: u8 = fixed(3)


class FormatSpecific(CsInterface, bDescriptorSubtype=0x03, label="AS format specific"):
    """Format-specific descriptor of any format. UAC1 §4.5.3."""

    wFormatTag: u16
    specific: blob


class MpegFormat(CsInterface, bDescriptorSubtype=0x03, label="AS format specific MPEG"):
    """MPEG format-specific descriptor, 8 bytes. Data Formats 1.0 §2.3.8.1."""

    wFormatTag: u16 = fixed(0x1001)
    bmMPEGCapabilities: u16
    bmMPEGFeatures: u8


class Ac3Format(CsInterface, bDescriptorSubtype=0x03, label="AS format specific AC-3"):
    """AC-3 format-specific descriptor, 10 bytes. Data Formats 1.0 §2.3.8.2."""

    wFormatTag: u16 = fixed(0x1002)
    bmBSID: u32
    bmAC3Features: u8


class IsochronousEndpoint(CsEndpoint, bDescriptorSubtype=0x01, label="AS isochronous endpoint"):
    """AS isochronous data endpoint, 7 bytes. UAC1 §4.6.1.2."""

    bmAttributes: u8  #: bit 0 sampling frequency control, 1 pitch control, 7 full packets only
    bLockDelayUnits: u8 = 0
    wLockDelay: u16 = 0


CONTROL: tuple[type[Descriptor], ...] = (
    Header,
    InputTerminal,
    OutputTerminal,
    MixerUnit,
    SelectorUnit,
    FeatureUnit,
    ProcessingUnit,
    ExtensionUnit,
)
STREAMING: tuple[type[Descriptor], ...] = (
    General,
    FormatTypeI,
    FormatTypeII,
    FormatTypeIII,
    MpegFormat,
    Ac3Format,
    FormatSpecific,
    IsochronousEndpoint,
)  #: the more specific first

FAMILIES: Families = {(ClassCode.AUDIO, 1, None): CONTROL, (ClassCode.AUDIO, 2, None): STREAMING}
