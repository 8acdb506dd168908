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


@pytest.mark.parametrize("model", ["wheel", "headset", "disk", "camera"])
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


def test_a_camera_tells_its_formats_sizes_and_controls(workbench: Workbench) -> None:
    seen = survey(workbench, "camera")
    camera = "video 'Colour bar camera: Colour bar c'"
    assert seen["1.0", f"{camera} format YUYV"] == "'YUYV 4:2:2'"
    assert seen["1.0", f"{camera} format YUYV 160x120"] == "1/10"
    assert seen["1.0", f"{camera} control 'Brightness'"] == "integer -128 to 127 step 1 default 0 = 0"
    assert seen["1.0", f"{camera} #2 capabilities"] == "meta-capture streaming"


def test_a_disk_is_waited_for_and_a_serial_port_tells_what_its_driver_adds(workbench: Workbench) -> None:
    disk = survey(workbench, "disk")
    assert (disk["1.0", "block sd size"], disk["1.0", "scsi 0:0:0 vendor"]) == ("32768", "usbfuzz")
    port = survey(workbench, "ft232r")
    assert port["1.0", "tty ttyUSB driver"] == "ftdi_sio"
    assert port["1.0", "usb-serial ttyUSB attribute latency_timer"] == "16"
