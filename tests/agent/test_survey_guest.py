"""What user space sees of devices that work: the same in every run, and each subsystem in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest.place import buses_of
from usbfuzz.case.model import EndpointScript, RequestPattern, Step
from usbfuzz.case.play import ScriptedDevice, spec_of
from usbfuzz.descriptors.strings import string_descriptor
from usbfuzz.load import load_device
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.wire import data

if TYPE_CHECKING:
    from harness.workbench import Workbench
    from usbfuzz.device import Device

pytestmark = pytest.mark.guest


HEARD = RequestPattern(bmRequestType=0x80, bRequest=0)
PRESSED = tuple(Step(data(bytes.fromhex(report))) for report in ("0000040000000000", "0200040500000000", "00" * 8))


def survey(workbench: Workbench, model: str) -> dict[tuple[str, str], str]:
    """What is seen of a model in a fresh guest, by interface and what it is."""
    return survey_of(workbench, load_device(model).make())


def survey_of(workbench: Workbench, device: Device) -> dict[tuple[str, str], str]:
    workbench.restore()
    workbench.plug(0, device)
    seen = workbench.wait(workbench.lane.agent.survey(buses_of(0)), 60)
    return {(line.interface, line.what): line.value for line in seen}


def test_a_name_forges_no_lines_whatever_characters_it_has(workbench: Workbench) -> None:
    name = "a\n3-9:1.0 net\tforged\r\x1b[31m' keys\u202e"
    keyboard = evolve(spec_of(Keyboard()), strings=((1, string_descriptor(name)),))
    seen = survey_of(workbench, ScriptedDevice(keyboard))
    assert {interface for interface, _ in seen} == {"1.0"}
    assert not any("net" in what.split()[:1] for _, what in seen)
    assert any(what.startswith("input 'a?3-9:1.0 net?forged??[31m' keys\\u202e") for _, what in seen)


@pytest.mark.parametrize("model", ["headset", "disk"])
def test_two_surveys_of_a_device_are_the_same(workbench: Workbench, model: str) -> None:
    assert survey(workbench, model) == survey(workbench, model)


def test_an_input_device_tells_its_axes_buttons_and_effects(workbench: Workbench) -> None:
    seen = survey(workbench, "wheel")
    wheel = "input 'usbfuzz Force feedback wheel'"
    assert seen["1.0", f"{wheel} ABS_X"] == "-32767 to 32767 fuzz 255 flat 4095"
    assert seen["1.0", f"{wheel} keys"].startswith("BTN_TRIGGER BTN_THUMB ")
    assert seen["1.0", f"{wheel} nodes"] == "event js"
    assert "FF_RUMBLE" in seen["1.0", f"{wheel} effects"]


def test_scripted_reports_are_the_events_that_user_space_reads(workbench: Workbench) -> None:
    times = 12  # more reports than are sent in one burst
    keyboard = evolve(spec_of(Keyboard()), endpoints=(EndpointScript(0x81, PRESSED * times, after=HEARD),))
    frames = survey_of(workbench, ScriptedDevice(keyboard))["1.0", "input 'usbfuzz Boot keyboard' events"].split("; ")
    assert frames == times * [
        "MSC_SCAN 0x70004, KEY_A 1",
        "MSC_SCAN 0x700e1, KEY_LEFTSHIFT 1, MSC_SCAN 0x70005, KEY_B 1",
        "MSC_SCAN 0x700e1, KEY_LEFTSHIFT 0, MSC_SCAN 0x70004, KEY_A 0, MSC_SCAN 0x70005, KEY_B 0",
    ]


def test_reports_that_nobody_waits_for_are_not_recorded_by_chance(workbench: Workbench) -> None:
    keyboard = evolve(spec_of(Keyboard()), endpoints=(EndpointScript(0x81, (*PRESSED, *PRESSED)),))
    assert ("1.0", "input 'usbfuzz Boot keyboard' events") not in survey_of(workbench, ScriptedDevice(keyboard))
    moves = EndpointScript(0x81, (Step(data(bytes((0, 1, 0))), 0),))
    mouse = ScriptedDevice(evolve(spec_of(BootMouse()), endpoints=(moves,)))
    assert survey_of(workbench, mouse)["1.0", "input 'usbfuzz Boot mouse' events"] == "without end"


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
