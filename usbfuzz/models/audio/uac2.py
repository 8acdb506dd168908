"""A headset of audio class 2.0. USB Device Class Definition for Audio Devices 2.0."""

from __future__ import annotations

import struct

from usbfuzz.descriptors import uac2
from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.descriptors.standard import InterfaceAssociationDescriptor
from usbfuzz.device import Reply, build, control_in, control_out
from usbfuzz.wire import STALL, Setup, Speed

from .streams import (
    CAPTURE,
    HEADPHONES,
    MICROPHONE,
    PLAYBACK,
    AnyHeadset,
    FeatureControl,
    Terminal,
    Tone,
    VolumeRange,
    blocks,
)

__all__ = ["HighSpeedHeadset"]

_CONTROL, _STREAMING, _IP_VERSION_02_00 = 1, 2, 0x20
_OUT, _IN = 1, 2  #: bInterfaceNumber
_ADAPTIVE, _ASYNCHRONOUS = 0x09, 0x05  #: bmAttributes of isochronous endpoints
_CLOCK = 9  #: bClockID
_PROGRAMMABLE, _WRITABLE_RATE_READABLE_VALIDITY = 3, 0b0111
_RATES = (44100, 48000, 96000)
_SAM_FREQ_CONTROL, _CLOCK_VALID_CONTROL = 1, 2
_HEADSET, _PCM = 0x04, 0x00000001  #: bCategory, bmFormats
_SUBSLOT, _BITS = 4, 24
_EVERY_MS = 4  #: bInterval: 2^3 microframes
_FEATURES = 0b1111  #: mute and volume, readable and writable

_UNITS = blocks(
    (
        uac2.ClockSource(bClockID=_CLOCK, bmAttributes=_PROGRAMMABLE, bmControls=_WRITABLE_RATE_READABLE_VALIDITY),
        uac2.InputTerminal(
            bTerminalID=1, wTerminalType=Terminal.USB_STREAMING, bCSourceID=_CLOCK, bNrChannels=2, bmChannelConfig=3
        ),
        uac2.FeatureUnit(bUnitID=HEADPHONES, bSourceID=1, bmaControls=(_FEATURES, 0, 0)),
        uac2.OutputTerminal(bTerminalID=3, wTerminalType=Terminal.HEADPHONES, bSourceID=HEADPHONES, bCSourceID=_CLOCK),
        uac2.InputTerminal(bTerminalID=4, wTerminalType=Terminal.MICROPHONE, bCSourceID=_CLOCK, bNrChannels=2),
        uac2.FeatureUnit(bUnitID=MICROPHONE, bSourceID=4, bmaControls=(_FEATURES, 0, 0)),
        uac2.OutputTerminal(
            bTerminalID=6, wTerminalType=Terminal.USB_STREAMING, bSourceID=MICROPHONE, bCSourceID=_CLOCK
        ),
    )
)


def _stream(number: int, terminal: int, address: int, sync: int) -> bytes:
    """A streaming interface: idle in setting 0, stereo PCM, 24 bits in 4 bytes, in setting 1."""
    common = {
        "bInterfaceClass": ClassCode.AUDIO,
        "bInterfaceSubClass": _STREAMING,
        "bInterfaceProtocol": _IP_VERSION_02_00,
    }
    largest = 2 * _SUBSLOT * (max(_RATES) // 1000 + 1)
    return (
        build.interface(number, **common)
        + build.interface(number, bAlternateSetting=1, **common)
        + uac2.General(bTerminalLink=terminal, bFormatType=1, bmFormats=_PCM, bNrChannels=2, bmChannelConfig=3).raw
        + uac2.FormatTypeI(bSubslotSize=_SUBSLOT, bBitResolution=_BITS).raw
        + build.endpoint(address, sync, wMaxPacketSize=largest, bInterval=_EVERY_MS)
        + uac2.IsochronousEndpoint().raw
    )


class HighSpeedHeadset(AnyHeadset):
    """Stereo headphones and stereo microphone on one programmable clock, 24 bits, 44.1 to 96 kHz."""

    speed = Speed.HIGH
    device = build.device(
        idVendor=0x0627,
        idProduct=0x0A20,
        bDeviceClass=ClassCode.MISCELLANEOUS,
        bDeviceSubClass=2,
        bDeviceProtocol=1,
        iManufacturer=1,
        iProduct=2,
    )
    strings = ((1, "usbfuzz"), (2, "High-speed headset"))
    configurations = (
        build.counted(
            InterfaceAssociationDescriptor(
                bFirstInterface=0,
                bInterfaceCount=3,
                bFunctionClass=ClassCode.AUDIO,
                bFunctionSubClass=0,
                bFunctionProtocol=_IP_VERSION_02_00,
            ),
            build.interface(
                0,
                bInterfaceClass=ClassCode.AUDIO,
                bInterfaceSubClass=_CONTROL,
                bInterfaceProtocol=_IP_VERSION_02_00,
            ),
            uac2.Header(bCategory=_HEADSET, wTotalLength=0),
            _UNITS,
            _stream(_OUT, 1, PLAYBACK, _ADAPTIVE),
            _stream(_IN, 6, CAPTURE, _ASYNCHRONOUS),
        ),
    )

    headphones_range = VolumeRange(-96 * 256, 0, 128)
    microphone_range = VolumeRange(-12 * 256, 30 * 256, 128)

    def __init__(self) -> None:
        self.rate = 48000  #: Hz
        super().__init__()

    @property
    def tone(self) -> Tone:
        """What the microphone hears, at the clock's rate."""
        return Tone(self.rate, channels=2, size=_SUBSLOT, bits=_BITS)

    @control_in(bRequest=ClassRequest.UAC2_CUR, recipient=Recipient.INTERFACE)
    def get_current(self, setup: Setup) -> Reply:
        """Rate and validity of the clock, mute and volume of a feature unit. UAC2 §5.2.5."""
        entity, selector = _addressed(setup)
        if entity == _CLOCK:
            return {_SAM_FREQ_CONTROL: struct.pack("<I", self.rate), _CLOCK_VALID_CONTROL: b"\x01"}.get(selector, STALL)
        unit = self.units.get(entity)
        return STALL if unit is None else unit.current(selector) or STALL

    @control_in(bRequest=ClassRequest.UAC2_RANGE, recipient=Recipient.INTERFACE)
    def get_range(self, setup: Setup) -> Reply:
        """The rates of the clock, the span of a volume: wNumSubRanges and as many MIN, MAX, RES. UAC2 §5.2.3."""
        entity, selector = _addressed(setup)
        if (entity, selector) == (_CLOCK, _SAM_FREQ_CONTROL):
            return struct.pack("<H", len(_RATES)) + b"".join(struct.pack("<3I", rate, rate, 0) for rate in _RATES)
        unit = self.units.get(entity)
        if unit is None or selector != FeatureControl.VOLUME:
            return STALL
        return struct.pack("<H3h", 1, unit.range.minimum, unit.range.maximum, unit.range.resolution)

    @control_out(bRequest=ClassRequest.UAC2_CUR, recipient=Recipient.INTERFACE)
    def set_current(self, setup: Setup, payload: bytes) -> Reply:
        """Set the clock to a rate it offers, or mute or volume of a feature unit."""
        entity, selector = _addressed(setup)
        if (entity, selector) == (_CLOCK, _SAM_FREQ_CONTROL):
            rate = int.from_bytes(payload[:4], "little")
            if rate not in _RATES:
                return STALL
            self.rate = rate
            self.retune()
            return None
        unit = self.units.get(entity)
        return None if unit is not None and unit.set(selector, payload) else STALL


def _addressed(setup: Setup) -> tuple[int, int]:
    """Entity and control selector of a request to the control interface; (0, 0) when it is for another channel."""
    return (0, 0) if setup.wIndex & 0xFF or setup.wValue & 0xFF else (setup.wIndex >> 8, setup.wValue >> 8)
