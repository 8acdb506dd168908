"""MIDI streaming: USB Device Class Definition for MIDI Devices 1.0 and 2.0."""

from __future__ import annotations

from .base import CsEndpoint, CsInterface, Descriptor, Families
from .constants import ClassCode, DescriptorType
from .fields import blob, count_of, fixed, u8, u16
from .structure import Structure

__all__ = [
    "FAMILIES",
    "MIDI",
    "Element",
    "Endpoint",
    "Endpoint20",
    "GroupTerminalBlock",
    "GroupTerminalBlockHeader",
    "Header",
    "InJack",
    "OutJack",
    "SourcePin",
]


class Header(CsInterface, bDescriptorSubtype=0x01, label="MS header"):
    """MS interface header, 7 bytes. MIDI 1.0 §6.1.2.1."""

    bcdMSC: u16 = 0x0100
    wTotalLength: u16  #: bytes of this and all jack and element descriptors


class InJack(CsInterface, bDescriptorSubtype=0x02, label="MS MIDI IN jack"):
    """MIDI IN jack, 6 bytes. MIDI 1.0 §6.1.2.2."""

    bJackType: u8  #: 1 embedded, 2 external
    bJackID: u8
    iJack: u8 = 0


class SourcePin(Structure):
    """Where one input pin of a jack or element comes from."""

    baSourceID: u8
    baSourcePin: u8 = 1


class OutJack(CsInterface, bDescriptorSubtype=0x03, label="MS MIDI OUT jack"):
    """MIDI OUT jack. MIDI 1.0 §6.1.2.3."""

    bJackType: u8  #: 1 embedded, 2 external
    bJackID: u8
    bNrInputPins: u8 = count_of("pins")
    pins: tuple[SourcePin, ...]
    iJack: u8 = 0


class Element(CsInterface, bDescriptorSubtype=0x04, label="MS element"):
    """Element. MIDI 1.0 §6.1.2.4."""

    bElementID: u8
    bNrInputPins: u8 = count_of("pins")
    pins: tuple[SourcePin, ...]
    bNrOutputPins: u8
    bInTerminalLink: u8 = 0
    bOutTerminalLink: u8 = 0
    bElCapsSize: u8 = count_of("bmElementCaps")
    bmElementCaps: blob
    iElement: u8 = 0


class Endpoint(CsEndpoint, bDescriptorSubtype=0x01, label="MS endpoint"):
    """MS bulk data endpoint. MIDI 1.0 §6.2.2."""

    bNumEmbMIDIJack: u8 = count_of("baAssocJackID")
    baAssocJackID: tuple[u8, ...]


class Endpoint20(CsEndpoint, bDescriptorSubtype=0x02, label="MS endpoint 2.0"):
    """MS data endpoint with its group terminal blocks. MIDI 2.0 §5.3.2."""

    bNumGrpTrmBlock: u8 = count_of("baAssoGrpTrmBlkID")
    baAssoGrpTrmBlkID: tuple[u8, ...]


class GroupTerminalBlockHeader(
    Descriptor, bDescriptorType=DescriptorType.CS_GROUP_TERMINAL_BLOCK, label="group terminal block header"
):
    """Header of the group terminal blocks, 5 bytes; fetched on its own. MIDI 2.0 §5.4.1."""

    bDescriptorSubtype: u8 = fixed(0x01)
    wTotalLength: u16


class GroupTerminalBlock(
    Descriptor, bDescriptorType=DescriptorType.CS_GROUP_TERMINAL_BLOCK, label="group terminal block"
):
    """Group terminal block, 13 bytes. MIDI 2.0 §5.4.2."""

    bDescriptorSubtype: u8 = fixed(0x02)
    bGrpTrmBlkID: u8
    bGrpTrmBlkType: u8  #: 0 both ways, 1 input, 2 output
    nGroupTrm: u8  #: first group, from 0
    nNumGroupTrm: u8
    iBlockItem: u8 = 0
    bMIDIProtocol: u8 = 0
    wMaxInputBandwidth: u16 = 0  #: 4 kB/s each
    wMaxOutputBandwidth: u16 = 0  #: 4 kB/s each


MIDI: tuple[type[Descriptor], ...] = (
    Header,
    InJack,
    OutJack,
    Element,
    Endpoint,
    Endpoint20,
    GroupTerminalBlockHeader,
    GroupTerminalBlock,
)

FAMILIES: Families = {(ClassCode.AUDIO, 3, None): MIDI}
