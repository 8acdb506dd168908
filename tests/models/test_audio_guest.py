"""The headsets under snd-usb-audio: what a program plays arrives, what the microphone hears is recorded."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from harness.workbench import Workbench
from usbfuzz.models.audio.uac1 import Headset
from usbfuzz.models.audio.uac2 import HighSpeedHeadset

pytestmark = pytest.mark.guest

PLAYBACK, CAPTURE, MIXER = "/dev/snd/pcmC0D0p", "/dev/snd/pcmC0D0c", "/dev/snd/controlC0"
UAC1 = (Headset, 2, 1, 16)
UAC2 = (HighSpeedHeadset, 2, 2, 32)
AnyHeadset = Headset | HighSpeedHeadset


@pytest.fixture(params=["workbench", "workbench_in_real_time"])
def any_workbench(request: pytest.FixtureRequest) -> Iterator[Workbench]:
    """A guest of each timing, in turn."""
    workbench: Workbench = request.getfixturevalue(request.param)
    yield workbench
    workbench.unplug(0)
    assert not workbench.reports()


def _play(workbench: Workbench, rate: int, channels: int, bits: int, sound: bytes) -> None:
    ran = workbench.run(("pcm", "play", PLAYBACK, str(rate), str(channels), str(bits)), 20, sound)
    assert (ran.status, ran.output) == (0, b"")


def _record(workbench: Workbench, rate: int, channels: int, bits: int, frames: int) -> bytes:
    ran = workbench.run(("pcm", "record", CAPTURE, str(rate), str(channels), str(bits), str(frames)), 20)
    assert ran.status == 0, ran.output
    return ran.output


def _mixer(workbench: Workbench) -> dict[str, str]:
    listing = workbench.run(("mixer", MIXER)).output.decode()
    return dict(line.split("=") for line in listing.splitlines())


@pytest.mark.parametrize(
    ("model", "out_channels", "in_channels", "bits", "rate"),
    [(*UAC1, 44100), (*UAC1, 48000), (*UAC2, 44100), (*UAC2, 96000)],
)
def test_a_headset_plays_and_records_every_sample(
    any_workbench: Workbench, model: type[AnyHeadset], out_channels: int, in_channels: int, bits: int, rate: int
) -> None:
    headset = model()
    any_workbench.plug(0, headset)
    assert set(any_workbench.drivers().values()) == {"snd-usb-audio"}

    sound = random.Random(rate).randbytes(rate // 4 * out_channels * bits // 8)
    _play(any_workbench, rate, out_channels, bits, sound)
    before, found, after = bytes(headset.played).partition(sound)
    assert found
    assert not any(before)
    assert not any(after)

    recorded = _record(any_workbench, rate, in_channels, bits, rate // 4)
    tone = headset.tone
    assert (tone.rate, tone.channels, 8 * tone.size) == (rate, in_channels, bits)
    lead = len(recorded) - len(recorded.lstrip(b"\0"))
    lead -= lead % tone.frame
    assert recorded[lead:] in tone.play(0, 2 * rate)
    assert lead < len(recorded) // 4
    assert not any_workbench.device_errors()


@pytest.mark.parametrize("model", [Headset, HighSpeedHeadset])
def test_the_guests_mixer_turns_the_knobs_of_a_headset(workbench: Workbench, model: type[AnyHeadset]) -> None:
    headset = model()
    workbench.plug(0, headset)
    step = headset.headphones.range.resolution
    highest = (headset.headphones.range.maximum - headset.headphones.range.minimum) // step
    assert _mixer(workbench)["PCM Playback Volume"] == str(highest)

    assert workbench.run(("mixer", MIXER, "PCM Playback Volume", "3")).status == 0
    assert workbench.run(("mixer", MIXER, "PCM Playback Switch", "0")).status == 0
    assert headset.headphones.volume == headset.headphones.range.minimum + 3 * step
    assert headset.headphones.mute
    assert not headset.microphone.mute

    assert workbench.run(("mixer", MIXER, "Mic Capture Switch", "0")).status == 0
    assert headset.microphone.mute
    assert not any(_record(workbench, 48000, headset.tone.channels, 8 * headset.tone.size, 4800))
    workbench.unplug(0)
    assert not workbench.reports()
