"""A headset of audio class 1.0. USB Device Class Definition for Audio Devices 1.0."""

from __future__ import annotations

from usbfuzz.descriptors import uac1
from usbfuzz.descriptors.constants import ClassCode, ClassRequest, Recipient
from usbfuzz.descriptors.standard import AudioEndpointDescriptor
from usbfuzz.device import Reply, build, control_in, control_out
from usbfuzz.wire import STALL, Setup, Speed

from .streams import (
    CAPTURE,
    HEADPHONES,
    MICROPHONE,
    PLAYBACK,
    AnyHeadset,
    Feature,
    FeatureControl,
    Terminal,
    Tone,
    VolumeRange,
    blocks,
)

__all__ = ["Headset"]

_CONTROL, _STREAMING = 1, 2  #: bInterfaceSubClass
_OUT, _IN = 1, 2  #: bInterfaceNumber
_ADAPTIVE, _ASYNCHRONOUS = 0x09, 0x05  #: bmAttributes of isochronous endpoints
_PCM, _RATES = 0x0001, (44100, 48000)
_RATE_CONTROL = 0x01  #: bmAttributes of the class-specific endpoint: the host may choose the sampling frequency
_SAMPLING_FREQ_CONTROL = 0x0100  #: wValue
_FEATURES = (1 << FeatureControl.MUTE - 1 | 1 << FeatureControl.VOLUME - 1, 0, 0)  #: master, left, right

_UNITS = blocks(
    (
        uac1.InputTerminal(bTerminalID=1, wTerminalType=Terminal.USB_STREAMING, bNrChannels=2, wChannelConfig=3),
        uac1.FeatureUnit(bUnitID=HEADPHONES, bSourceID=1, bmaControls=_FEATURES),
        uac1.OutputTerminal(bTerminalID=3, wTerminalType=Terminal.HEADPHONES, bSourceID=HEADPHONES),
        uac1.InputTerminal(bTerminalID=4, wTerminalType=Terminal.MICROPHONE, bNrChannels=1),
        uac1.FeatureUnit(bUnitID=MICROPHONE, bSourceID=4, bmaControls=_FEATURES[:2]),
        uac1.OutputTerminal(bTerminalID=6, wTerminalType=Terminal.USB_STREAMING, bSourceID=MICROPHONE),
    )
)


def _stream(number: int, terminal: int, channels: int, address: int, sync: int) -> bytes:
    """A streaming interface: idle in setting 0, 16-bit PCM in setting 1."""
    common = {"bInterfaceClass": ClassCode.AUDIO, "bInterfaceSubClass": _STREAMING}
    largest = 2 * channels * (max(_RATES) // 1000 + 1)
    return (
        build.interface(number, **common)
        + build.interface(number, bAlternateSetting=1, **common)
        + uac1.General(bTerminalLink=terminal, bDelay=1, wFormatTag=_PCM).raw
        + uac1.FormatTypeI(bNrChannels=channels, bSubframeSize=2, bBitResolution=16, tSamFreq=_RATES).raw
        + AudioEndpointDescriptor(bEndpointAddress=address, bmAttributes=sync, wMaxPacketSize=largest, bInterval=1).raw
        + uac1.IsochronousEndpoint(bmAttributes=_RATE_CONTROL).raw
    )


class Headset(AnyHeadset):
    """Stereo headphones and a microphone, 16 bits, 44.1 or 48 kHz."""

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0A10, bcdUSB=0x0110, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Headset"))
    configurations = (
        build.counted(
            build.interface(0, bInterfaceClass=ClassCode.AUDIO, bInterfaceSubClass=_CONTROL),
            uac1.Header(wTotalLength=0, baInterfaceNr=(_OUT, _IN)),
            _UNITS,
            _stream(_OUT, 1, 2, PLAYBACK, _ADAPTIVE),
            _stream(_IN, 6, 1, CAPTURE, _ASYNCHRONOUS),
        ),
    )

    headphones_range = VolumeRange(-64 * 256, 0, 256)
    microphone_range = VolumeRange(-16 * 256, 16 * 256, 256)

    def __init__(self) -> None:
        self.rates = {PLAYBACK: max(_RATES), CAPTURE: max(_RATES)}
        super().__init__()

    @property
    def tone(self) -> Tone:
        """What the microphone hears, at the rate in use."""
        return Tone(self.rates[CAPTURE], channels=1, size=2, bits=16)

    @control_in(bRequest=ClassRequest.UAC1_GET_CUR, recipient=Recipient.INTERFACE)
    def get_current(self, setup: Setup) -> Reply:
        """Mute or volume of a feature unit. UAC1 §5.2.2.4."""
        unit = self._unit(setup)
        return STALL if unit is None else unit.current(setup.wValue >> 8) or STALL

    @control_in(bRequest=ClassRequest.UAC1_GET_MIN, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UAC1_GET_MAX, recipient=Recipient.INTERFACE)
    @control_in(bRequest=ClassRequest.UAC1_GET_RES, recipient=Recipient.INTERFACE)
    def get_range(self, setup: Setup) -> Reply:
        """Lowest, highest and smallest step of a volume. UAC1 §5.2.2.4.3.2."""
        unit = self._unit(setup)
        if unit is None or setup.wValue >> 8 != FeatureControl.VOLUME:
            return STALL
        limits = (unit.range.minimum, unit.range.maximum, unit.range.resolution)
        return limits[setup.bRequest - ClassRequest.UAC1_GET_MIN].to_bytes(2, "little", signed=True)

    @control_out(bRequest=ClassRequest.UAC1_SET_CUR, recipient=Recipient.INTERFACE)
    def set_current(self, setup: Setup, payload: bytes) -> Reply:
        """Set mute or volume. UAC1 §5.2.2.4."""
        unit = self._unit(setup)
        return None if unit is not None and unit.set(setup.wValue >> 8, payload) else STALL

    @control_in(bRequest=ClassRequest.UAC1_GET_CUR, recipient=Recipient.ENDPOINT, wValue=_SAMPLING_FREQ_CONTROL)
    def get_rate(self, setup: Setup) -> Reply:
        """The sampling frequency of an endpoint in Hz, 3 bytes. UAC1 §5.2.3.2.3.1."""
        rate = self.rates.get(setup.wIndex & 0xFF)
        return STALL if rate is None else rate.to_bytes(3, "little")

    @control_out(bRequest=ClassRequest.UAC1_SET_CUR, recipient=Recipient.ENDPOINT, wValue=_SAMPLING_FREQ_CONTROL)
    def set_rate(self, setup: Setup, payload: bytes) -> Reply:
        """Set the sampling frequency of an endpoint; one that is not offered is stalled."""
        address, rate = setup.wIndex & 0xFF, int.from_bytes(payload[:3], "little")
        if address not in self.rates or rate not in _RATES:
            return STALL
        self.rates[address] = rate
        if address == CAPTURE:
            self.retune()
        return None

    def _unit(self, setup: Setup) -> Feature | None:
        """The unit with the id in wIndex; its low byte is interface 0, that of wValue the master channel."""
        return self.units.get(setup.wIndex >> 8) if not (setup.wIndex & 0xFF or setup.wValue & 0xFF) else None
