"""What user space sees of devices that work: the same in every run, and each subsystem in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.guest.place import buses_of
from usbfuzz.load import load_device

if TYPE_CHECKING:
    from harness.workbench import Workbench

pytestmark = pytest.mark.guest


def survey(workbench: Workbench, model: str) -> dict[tuple[str, str], str]:
    """What is seen of a model in a fresh guest, by interface and what it is."""
    workbench.restore()
    workbench.plug(0, load_device(model).make())
    seen = workbench.wait(workbench.lane.agent.survey(buses_of(0)), 60)
    return {(line.interface, line.what): line.value for line in seen}


@pytest.mark.parametrize("model", ["wheel", "headset"])
def test_two_surveys_of_a_device_are_the_same(workbench: Workbench, model: str) -> None:
    assert survey(workbench, model) == survey(workbench, model)


def test_an_input_device_tells_its_axes_buttons_and_effects(workbench: Workbench) -> None:
    seen = survey(workbench, "wheel")
    wheel = "input 'usbfuzz Force feedback wheel'"
    assert seen["1.0", f"{wheel} ABS_X"] == "-32767 to 32767 fuzz 255 flat 4095"
    assert seen["1.0", f"{wheel} keys"].startswith("BTN_TRIGGER BTN_THUMB ")
    assert seen["1.0", f"{wheel} nodes"] == "event js"
    assert "FF_RUMBLE" in seen["1.0", f"{wheel} effects"]


def test_a_sound_card_tells_its_streams_and_controls(workbench: Workbench) -> None:
    seen = survey(workbench, "headset")
    assert seen["1.0", "sound playback 0 S16_LE x 2"] == "44100 48000"
    assert seen["1.0", "sound capture 0 S16_LE x 1"] == "44100 48000"
    assert seen["1.0", "sound control 'PCM Playback Volume'"] == "0 to 64 (-64.00 dB to 0.00 dB) = 64"
    assert seen["1.0", "sound longname"] == "usbfuzz Headset, full speed"
