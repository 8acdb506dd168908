"""The HID models without a guest: reports, lights, effects."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.device import HidDevice
from usbfuzz.models.hid.keyboard import Keyboard, Led
from usbfuzz.models.hid.pid import EFFECTS, Pid
from usbfuzz.models.hid.pointers import Mouse, Tablet
from usbfuzz.models.hid.wheel import Wheel
from usbfuzz.wire import NAK, STALL, Answer, Setup, data

OK = Answer()
CREATE, LOAD, POOL = 0x0300 | Pid.CREATE_NEW_EFFECT, 0x0300 | Pid.BLOCK_LOAD, 0x0300 | Pid.POOL


def _reports(device: HidDevice) -> list[bytes]:
    """Everything it has to say."""
    reports = []
    while (answer := device.on_in(0x81, 64)) != NAK:
        reports.append(answer.data)
    return reports


def _create(wheel: Wheel, kind: int) -> bytes:
    """Create an effect; the block load report."""
    assert wheel.on_control(Setup(0x21, 9, CREATE, 0, 4), bytes((Pid.CREATE_NEW_EFFECT, kind, 0, 0))) == OK
    return wheel.on_control(Setup(0xA1, 1, LOAD, 0, 5), b"").data


def test_a_key_is_pressed_with_its_modifier_and_released() -> None:
    keyboard = Keyboard()
    keyboard.type("a?\n")
    pressed = [report for report in _reports(keyboard) if any(report)]
    assert [(report[0], report[2]) for report in pressed] == [(0, 0x04), (2, 0x38), (0, 0x28)]


def test_a_pressed_key_wakes_the_endpoint_and_is_released() -> None:
    keyboard = Keyboard()
    woken: list[int] = []
    keyboard.wake = woken.append
    assert keyboard.on_in(0x81, 8) == NAK
    keyboard.press(4)
    assert woken == [0x81]
    assert _reports(keyboard) == [bytes((0, 0, 4, 0, 0, 0, 0, 0)), bytes(8)]


def test_a_character_without_a_key_is_refused_before_anything_is_typed() -> None:
    keyboard = Keyboard()
    with pytest.raises(KeyError):
        keyboard.type("a\N{SNOWMAN}")
    assert _reports(keyboard) == []


def test_every_printable_character_has_a_key_of_its_own() -> None:
    keyboard, text = Keyboard(), "".join(map(chr, range(0x20, 0x7F)))
    keyboard.type(text)
    assert len({report for report in _reports(keyboard) if any(report)}) == len(text)


def test_the_output_report_switches_the_lights() -> None:
    keyboard = Keyboard()
    assert keyboard.on_control(Setup(0x21, 9, 0x0200, 0, 1), b"\x03") == OK
    assert keyboard.leds == Led.NUM_LOCK | Led.CAPS_LOCK
    assert keyboard.on_control(Setup(0x21, 9, 0x0200, 1, 1), b"\x00") == STALL
    assert keyboard.leds


@pytest.mark.parametrize(("model", "size"), [(Mouse, 4), (Tablet, 7)])
def test_a_pointer_reports_as_many_bytes_as_its_report_descriptor_says(model: type[Mouse | Tablet], size: int) -> None:
    device = model()
    if isinstance(device, Mouse):
        device.move(1, -1, 1, 7)
    else:
        device.draw(1, 2, 3, barrel=True)
    (report,) = _reports(device)
    assert len(report) == size


def test_a_pen_in_the_air_presses_nothing() -> None:
    tablet = Tablet()
    tablet.hover(7, 8)
    tablet.lift()
    assert _reports(tablet) == [struct.pack("<BHHH", 1, 7, 8, 0), bytes(7)]


def test_an_effect_is_created_set_started_and_freed() -> None:
    wheel = Wheel()
    assert _create(wheel, 1) == struct.pack("<BBBH", Pid.BLOCK_LOAD, 1, 1, EFFECTS - 1)
    wheel.on_out(1, struct.pack("<BBBHHHBBBB", Pid.SET_EFFECT, 1, 1, 500, 0, 0, 99, 0, 1, 64))
    wheel.on_out(1, struct.pack("<BBh", Pid.SET_CONSTANT_FORCE, 1, -1234))
    effect = wheel.effects[1]
    assert (effect.kind, effect.duration, effect.gain, effect.direction) == ("constant", 500, 99, 64)
    assert (effect.magnitude, effect.loops) == (-1234, 0)
    wheel.on_out(1, bytes((Pid.EFFECT_OPERATION, 1, 1, 2)))
    assert effect.loops == 2
    wheel.on_out(1, bytes((Pid.EFFECT_OPERATION, 1, 3, 0)))
    assert effect.loops == 0
    assert [played.loops for played in wheel.history] == [2]
    wheel.on_out(1, bytes((Pid.BLOCK_FREE, 1)))
    assert not wheel.effects


def test_a_periodic_effect_keeps_magnitude_and_period() -> None:
    wheel = Wheel()
    _create(wheel, 3)
    wheel.on_out(1, struct.pack("<BBHhBH", Pid.SET_PERIODIC, 1, 7000, -5, 9, 40))
    assert (wheel.effects[1].kind, wheel.effects[1].magnitude, wheel.effects[1].period) == ("sine", 7000, 40)


def test_a_full_wheel_says_so_and_a_reset_empties_it() -> None:
    wheel = Wheel()
    indexes = [_create(wheel, 1)[1] for _ in range(EFFECTS)]
    assert indexes == list(range(1, EFFECTS + 1))
    assert _create(wheel, 1)[1:3] == bytes((0, 2))
    wheel.on_out(1, bytes((Pid.DEVICE_CONTROL, 4)))
    assert _create(wheel, 1)[1:3] == bytes((1, 1))


def test_actuators_and_gain_follow_the_host() -> None:
    wheel = Wheel()
    assert wheel.on_control(Setup(0x21, 9, 0x0208, 0, 2), bytes((Pid.DEVICE_CONTROL, 1))) == OK
    assert wheel.on_out(1, bytes((Pid.DEVICE_GAIN, 7))) == OK
    assert (wheel.actuators, wheel.gain) == (True, 7)
    assert wheel.on_control(Setup(0xA1, 1, POOL, 0, 5), b"") == data(struct.pack("<BHBB", Pid.POOL, 16, 16, 1))


@given(st.lists(st.binary(max_size=16), max_size=20))
def test_no_report_breaks_the_wheel(reports: list[bytes]) -> None:
    wheel = Wheel()
    _create(wheel, 1)
    for report in reports:
        wheel.on_out(1, report)
        wheel.on_control(Setup(0x21, 9, 0x0300 | (report or b"\0")[0], 0, len(report)), report)
    assert len(wheel.effects) <= EFFECTS
