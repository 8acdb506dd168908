"""Video control interfaces: USB Device Class Definition for Video Devices 1.0, 1.1 and 1.5."""

from __future__ import annotations

from .base import CsEndpoint, CsInterface, Descriptor, Families
from .constants import ClassCode
from .fields import blob, count_of, fixed, guid, u8, u16, u32

__all__ = [
    "CONTROL",
    "FAMILIES",
    "CameraTerminal",
    "EncodingUnit",
    "ExtensionUnit",
    "Header",
    "InputTerminal",
    "InterruptEndpoint",
    "MediaTransportInput",
    "MediaTransportOutput",
    "OutputTerminal",
    "ProcessingUnit",
    "ProcessingUnit11",
    "SelectorUnit",
]


class Header(CsInterface, bDescriptorSubtype=0x01, label="VC header"):
    """VC interface header, before the units and terminals. UVC 1.5 §3.7.2."""

    bcdUVC: u16 = 0x0110
    wTotalLength: u16  #: bytes of this and all unit and terminal descriptors
    dwClockFrequency: u32  #: Hz
    bInCollection: u8 = count_of("baInterfaceNr")
    baInterfaceNr: tuple[u8, ...]  #: the streaming interfaces


class InputTerminal(CsInterface, bDescriptorSubtype=0x02, label="VC input terminal"):
    """Input terminal, 8 bytes and what its type adds. UVC 1.5 §3.7.2.1."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    iTerminal: u8 = 0


class CameraTerminal(InputTerminal, label="VC camera terminal"):
    """Camera terminal. UVC 1.5 §3.7.2.3."""

    wTerminalType: u16 = fixed(0x0201)
    wObjectiveFocalLengthMin: u16 = 0
    wObjectiveFocalLengthMax: u16 = 0
    wOcularFocalLength: u16 = 0
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob


class MediaTransportInput(InputTerminal, label="VC media transport input"):
    """Media transport input terminal. UVC media transport terminal 1.1 §3.1."""

    wTerminalType: u16 = fixed(0x0202)
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    bTransportModeSize: u8 = count_of("bmTransportModes")
    bmTransportModes: blob


class OutputTerminal(CsInterface, bDescriptorSubtype=0x03, label="VC output terminal"):
    """Output terminal, 9 bytes and what its type adds. UVC 1.5 §3.7.2.2."""

    bTerminalID: u8
    wTerminalType: u16
    bAssocTerminal: u8 = 0
    bSourceID: u8
    iTerminal: u8 = 0


class MediaTransportOutput(OutputTerminal, label="VC media transport output"):
    """Media transport output terminal. UVC media transport terminal 1.1 §3.2."""

    wTerminalType: u16 = fixed(0x0302)
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    bTransportModeSize: u8 = count_of("bmTransportModes")
    bmTransportModes: blob


class SelectorUnit(CsInterface, bDescriptorSubtype=0x04, label="VC selector unit"):
    """Selector unit. UVC 1.5 §3.7.2.4."""

    bUnitID: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    iSelector: u8 = 0


class ProcessingUnit(CsInterface, bDescriptorSubtype=0x05, label="VC processing unit"):
    """Processing unit as UVC 1.0 has it. UVC 1.0 §3.7.2.5."""

    bUnitID: u8
    bSourceID: u8
    wMaxMultiplier: u16 = 0  #: hundredths
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    iProcessing: u8 = 0


class ProcessingUnit11(ProcessingUnit):
    """Processing unit. UVC 1.5 §3.7.2.5."""

    bmVideoStandards: u8 = 0


class ExtensionUnit(CsInterface, bDescriptorSubtype=0x06, label="VC extension unit"):
    """Extension unit. UVC 1.5 §3.7.2.6."""

    bUnitID: u8
    guidExtensionCode: guid
    bNumControls: u8
    bNrInPins: u8 = count_of("baSourceID")
    baSourceID: tuple[u8, ...]
    bControlSize: u8 = count_of("bmControls")
    bmControls: blob
    iExtension: u8 = 0


class EncodingUnit(CsInterface, bDescriptorSubtype=0x07, label="VC encoding unit"):
    """Encoding unit. UVC 1.5 §3.7.2.7."""

    bUnitID: u8
    bSourceID: u8
    iEncoding: u8 = 0
    bControlSize: u8 = count_of("bmControls", "bmControlsRuntime")
    bmControls: blob
    bmControlsRuntime: blob


class InterruptEndpoint(CsEndpoint, bDescriptorSubtype=0x03, label="VC interrupt endpoint"):
    """VC interrupt endpoint, 5 bytes. UVC 1.5 §3.8.2.2."""

    wMaxTransferSize: u16  #: bytes


CONTROL: tuple[type[Descriptor], ...] = (
    Header,
    CameraTerminal,
    MediaTransportInput,
    InputTerminal,
    MediaTransportOutput,
    OutputTerminal,
    SelectorUnit,
    ProcessingUnit11,
    ProcessingUnit,
    ExtensionUnit,
    EncodingUnit,
    InterruptEndpoint,
)  #: the more specific first

FAMILIES: Families = {(ClassCode.VIDEO, 1, None): CONTROL}
