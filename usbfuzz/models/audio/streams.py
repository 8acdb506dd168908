"""What the headsets have in common: samples at the pace of the bus, a tone to record, a volume knob."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable
from enum import IntEnum

from attrs import define, field, frozen

from usbfuzz.descriptors.base import Descriptor
from usbfuzz.device import Device, Reply, endpoint_in, endpoint_out
from usbfuzz.models.bounded import keep

__all__ = [
    "CAPTURE",
    "FREQUENCY",
    "HEADPHONES",
    "MICROPHONE",
    "PLAYBACK",
    "AnyHeadset",
    "Feature",
    "FeatureControl",
    "Microphone",
    "Terminal",
    "Tone",
    "VolumeRange",
    "blocks",
]

FREQUENCY = 1000  #: Hz, of the tone a headset's microphone hears
PLAYBACK, CAPTURE = 0x01, 0x82  #: bEndpointAddress
HEADPHONES, MICROPHONE = 2, 5  #: bUnitID of their feature units


class Terminal(IntEnum):
    """wTerminalType. USB Device Class Definition for Terminal Types 1.0."""

    USB_STREAMING = 0x0101
    MICROPHONE = 0x0201
    HEADPHONES = 0x0302


class FeatureControl(IntEnum):
    """Control selectors of a feature unit. UAC1 table A-11; UAC2 table A-23 has the same two."""

    MUTE = 0x01
    VOLUME = 0x02


def blocks(parts: Iterable[Descriptor]) -> bytes:
    """Class-specific descriptors, one after the other."""
    return b"".join(part.raw for part in parts)


@frozen
class Tone:
    """A sine of :data:`FREQUENCY` Hz at half of full scale, in little-endian samples of one format."""

    rate: int  #: Hz
    channels: int
    size: int  #: bytes of a sample
    bits: int  #: of which the upper ones carry the sound
    period: bytes = field(init=False)  #: the shortest stretch that repeats

    @period.default
    def _one_period(self) -> bytes:
        frames = self.rate // math.gcd(self.rate, FREQUENCY)
        peak = 2 ** (self.bits - 2)
        shift = 8 * self.size - self.bits
        values = (round(peak * math.sin(2 * math.pi * FREQUENCY * n / self.rate)) << shift for n in range(frames))
        return b"".join(value.to_bytes(self.size, "little", signed=True) * self.channels for value in values)

    @property
    def frame(self) -> int:
        """Bytes of one sample of each channel."""
        return self.channels * self.size

    def play(self, first: int, frames: int) -> bytes:
        """``frames`` frames from frame number ``first`` on."""
        at = first * self.frame % len(self.period)
        wanted = at + frames * self.frame
        return (self.period * (wanted // len(self.period) + 1))[at:wanted]


@define
class Microphone:
    """A source of one packet a millisecond, each with the samples of its millisecond: 44 or 45 of them at 44.1 kHz."""

    tone: Tone
    _packets: int = field(default=0, init=False)

    def packet(self, *, muted: bool) -> bytes:
        """The next millisecond."""
        first, last = (number * self.tone.rate // 1000 for number in (self._packets, self._packets + 1))
        self._packets += 1
        return bytes((last - first) * self.tone.frame) if muted else self.tone.play(first, last - first)


@frozen
class VolumeRange:
    """What a volume knob can be set to, in 1/256 dB."""

    minimum: int
    maximum: int
    resolution: int

    def nearest(self, value: int) -> int:
        """The nearest setting that is possible to ``value``."""
        steps = round((value - self.minimum) / self.resolution)
        return min(max(self.minimum + steps * self.resolution, self.minimum), self.maximum)


@define
class Feature:
    """The state of a feature unit with mute and volume on its master channel."""

    range: VolumeRange
    mute: bool = False
    volume: int = 0  #: 1/256 dB

    def current(self, selector: int) -> bytes | None:
        """The parameter block of a control; None when there is no such control."""
        match selector:
            case FeatureControl.MUTE:
                return bytes((self.mute,))
            case FeatureControl.VOLUME:
                return struct.pack("<h", self.volume)
        return None

    def set(self, selector: int, block: bytes) -> bool:
        """Take a parameter block; False when there is no such control, or the block is too short."""
        match selector:
            case FeatureControl.MUTE if block:
                self.mute = bool(block[0])
            case FeatureControl.VOLUME if len(block) > 1:
                self.volume = self.range.nearest(int.from_bytes(block[:2], "little", signed=True))
            case _:
                return False
        return True


class AnyHeadset(Device):
    """Headphones and a microphone, each with mute and volume, for any version of the audio class.

    ``played`` is what the host has sent, byte for byte, silence before and after it included. What the microphone
    hears, a :class:`Tone`, only its mute switch changes.
    """

    headphones_range: VolumeRange
    microphone_range: VolumeRange

    def __init__(self) -> None:
        super().__init__()
        self.played = bytearray()
        self.headphones = Feature(self.headphones_range)
        self.microphone = Feature(self.microphone_range)
        self.units = {HEADPHONES: self.headphones, MICROPHONE: self.microphone}
        self._hears = Microphone(self.tone)

    @property
    def tone(self) -> Tone:
        """What the microphone hears, at the rate in use."""
        raise NotImplementedError

    def retune(self) -> None:
        """Capture continues at another rate."""
        self._hears = Microphone(self.tone)

    @endpoint_out(PLAYBACK)
    def play(self, packet: bytes) -> None:
        """Keep a millisecond of sound."""
        keep(self.played, packet)

    @endpoint_in(CAPTURE)
    def record(self, _length: int) -> Reply:
        """A millisecond of sound."""
        return self._hears.packet(muted=self.microphone.mute)
