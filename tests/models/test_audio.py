"""The headsets without a guest: descriptors, rates, knobs, packets."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.models.audio.streams import FREQUENCY, Feature, Microphone, Tone, VolumeRange
from usbfuzz.models.audio.uac1 import Headset
from usbfuzz.models.audio.uac2 import HighSpeedHeadset
from usbfuzz.models.bounded import KEPT_BYTES, keep
from usbfuzz.wire import STALL, Answer, Setup, data

OK = Answer()
RATES = st.sampled_from((8000, 11025, 44100, 48000, 96000))


@given(RATES, st.integers(0, 10**6), st.integers(0, 500))
def test_a_tone_is_the_sine_it_says_at_every_place(rate: int, first: int, frames: int) -> None:
    samples = struct.unpack(f"<{frames}h", Tone(rate, channels=1, size=2, bits=16).play(first, frames))
    for number, sample in enumerate(samples, first):
        assert sample == pytest.approx(2**14 * math.sin(2 * math.pi * FREQUENCY * number / rate), abs=0.51)


def test_a_sample_smaller_than_its_slot_is_in_the_upper_bytes_of_every_channel() -> None:
    tone = Tone(48000, channels=2, size=4, bits=24)
    left, right = struct.unpack("<2i", tone.play(12, 1))
    assert left == right == 2**22 << 8


@given(RATES)
def test_a_second_of_packets_has_as_many_samples_as_the_rate_says(rate: int) -> None:
    microphone = Microphone(Tone(rate, channels=1, size=2, bits=16))
    packets = [microphone.packet(muted=False) for _ in range(1000)]
    assert {len(packet) // 2 for packet in packets} <= {rate // 1000, rate // 1000 + 1}
    assert b"".join(packets) == microphone.tone.play(0, rate)


@given(st.integers(-(2**15), 2**15 - 1))
def test_a_volume_knob_stops_at_its_ends_and_between_them_at_its_steps(wanted: int) -> None:
    limits = VolumeRange(-64 * 256, 0, 128)
    setting = limits.nearest(wanted)
    assert limits.minimum <= setting <= limits.maximum
    assert (setting - limits.minimum) % limits.resolution == 0
    if limits.minimum <= wanted <= limits.maximum:
        assert abs(setting - wanted) <= limits.resolution // 2


@given(st.integers(0, 255), st.binary(max_size=3))
def test_a_feature_unit_takes_nothing_it_cannot_use(selector: int, block: bytes) -> None:
    feature = Feature(VolumeRange(-256, 256, 1))
    before = feature.current(selector)
    if not feature.set(selector, block):
        assert feature.current(selector) == before
    else:
        assert selector in (1, 2)


def test_the_first_headset_answers_for_its_knobs_and_for_nothing_else() -> None:
    headset = Headset()
    assert headset.on_control(Setup(0xA1, 0x82, 0x0200, 0x0200, 2), b"") == data(struct.pack("<h", -64 * 256))
    assert headset.on_control(Setup(0xA1, 0x83, 0x0200, 0x0200, 2), b"") == data(struct.pack("<h", 0))
    assert headset.on_control(Setup(0xA1, 0x84, 0x0200, 0x0200, 2), b"") == data(struct.pack("<h", 256))
    assert headset.on_control(Setup(0x21, 0x01, 0x0200, 0x0200, 2), struct.pack("<h", -1000)) == OK
    assert headset.headphones.volume == -1024
    assert headset.on_control(Setup(0x21, 0x01, 0x0100, 0x0500, 1), b"\x01") == OK
    assert headset.microphone.mute
    for wValue, wIndex in ((0x0300, 0x0200), (0x0201, 0x0200), (0x0200, 0x0300), (0x0200, 0x0201)):
        assert headset.on_control(Setup(0xA1, 0x81, wValue, wIndex, 2), b"") == STALL
    assert headset.on_control(Setup(0xA1, 0x82, 0x0100, 0x0200, 1), b"") == STALL


def test_the_first_headset_runs_at_the_rates_it_offers_only() -> None:
    headset = Headset()
    for rate, answer in ((44100, OK), (96000, STALL)):
        assert headset.on_control(Setup(0x22, 0x01, 0x0100, 0x82, 3), rate.to_bytes(3, "little")) == answer
    assert headset.on_control(Setup(0xA2, 0x81, 0x0100, 0x82, 3), b"") == data((44100).to_bytes(3, "little"))
    assert headset.on_control(Setup(0xA2, 0x81, 0x0100, 0x83, 3), b"") == STALL
    assert headset.tone.rate == 44100


def test_the_clock_of_the_high_speed_headset_tells_its_rates_and_keeps_the_chosen_one() -> None:
    headset = HighSpeedHeadset()
    ranges = headset.on_control(Setup(0xA1, 0x02, 0x0100, 0x0900, 255), b"").data
    assert struct.unpack("<H9I", ranges) == (3, 44100, 44100, 0, 48000, 48000, 0, 96000, 96000, 0)
    for rate, answer in ((96000, OK), (12345, STALL)):
        assert headset.on_control(Setup(0x21, 0x01, 0x0100, 0x0900, 4), rate.to_bytes(4, "little")) == answer
    assert headset.on_control(Setup(0xA1, 0x01, 0x0100, 0x0900, 4), b"") == data((96000).to_bytes(4, "little"))
    assert headset.on_control(Setup(0xA1, 0x01, 0x0200, 0x0900, 1), b"") == data(b"\x01")
    assert headset.on_control(Setup(0xA1, 0x01, 0x0300, 0x0900, 1), b"") == STALL
    assert headset.on_control(Setup(0xA1, 0x02, 0x0100, 0x0200, 255), b"") == STALL
    assert len(headset.on_control(Setup(0xA1, 0x02, 0x0200, 0x0200, 255), b"").data) == 8


@pytest.mark.parametrize("model", [Headset, HighSpeedHeadset])
def test_a_headset_keeps_what_is_played_and_its_switch_silences_the_microphone(
    model: type[Headset | HighSpeedHeadset],
) -> None:
    headset = model()
    headset.on_out(0x01, b"one ")
    headset.on_out(0x01, b"two")
    assert headset.played == b"one two"
    assert any(headset.on_in(0x82, 1024).data)
    headset.microphone.mute = True
    assert not any(headset.on_in(0x82, 1024).data)


def test_what_a_device_keeps_has_an_end() -> None:
    kept = bytearray(KEPT_BYTES - 2)
    keep(kept, b"abc")
    keep(kept, b"d")
    assert len(kept) == KEPT_BYTES
    assert kept.endswith(b"ab")
