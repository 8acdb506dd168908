"""The example devices do what their class bodies promise."""

from __future__ import annotations

import pytest

from usbfuzz.device import Device
from usbfuzz.device.examples import BOOT_KEYBOARD_REPORT, BOOT_MOUSE_REPORT, Keyboard, Mouse, SerialLoopback
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, data

OK = Answer()


@pytest.mark.parametrize("model", [Mouse, Keyboard, SerialLoopback])
def test_an_example_enumerates_with_all_its_endpoints(model: type[Device]) -> None:
    device = model()
    configuration = device.on_control(Setup(0x80, 6, 0x0200, 0, 4096), b"").data
    assert device.on_set_configuration(configuration[5]) == OK
    announced = [configuration[i + 2] for i in range(len(configuration)) if configuration[i : i + 2] == b"\x07\x05"]
    assert sorted(endpoint.bEndpointAddress for endpoint in device.layout().endpoints) == sorted(announced)
    assert len(device.layout().interfaces) == configuration[4]


def test_boot_reports_have_the_lengths_the_appendix_gives() -> None:
    assert (len(BOOT_MOUSE_REPORT), len(BOOT_KEYBOARD_REPORT)) == (50, 63)


def test_hid_descriptors_are_served_to_the_interface() -> None:
    assert Mouse().on_control(Setup(0x81, 6, 0x2200, 0, 50), b"") == data(BOOT_MOUSE_REPORT)
    assert Mouse().on_control(Setup(0x81, 6, 0x2100, 0, 9), b"").data[:2] == b"\x09\x21"
    assert Mouse().on_control(Setup(0x81, 6, 0x2200, 1, 50), b"") == STALL
    assert Mouse().on_control(Setup(0x81, 6, 0x2300, 0, 50), b"") == STALL
    assert Mouse().on_control(Setup(0x80, 6, 0x2200, 0, 50), b"") == STALL


def test_a_report_reads_as_it_was_written_and_zeros_before() -> None:
    mouse = Mouse()
    assert mouse.on_control(Setup(0xA1, 1, 0x0302, 0, 3), b"") == data(b"\x02\x00\x00")
    assert mouse.on_control(Setup(0xA1, 1, 0x0300, 0, 0), b"") == data(b"")
    assert mouse.on_control(Setup(0x21, 9, 0x0302, 0, 2), b"\x02\x07") == OK
    assert mouse.on_control(Setup(0xA1, 1, 0x0302, 0, 3), b"") == data(b"\x02\x07")


def test_idle_and_protocol_are_remembered() -> None:
    mouse = Mouse()
    assert mouse.on_control(Setup(0xA1, 2, 0, 0, 1), b"") == data(b"\x00")
    assert mouse.on_control(Setup(0x21, 10, 0x7D00, 0, 0), b"") == OK
    assert mouse.on_control(Setup(0xA1, 2, 0, 0, 1), b"") == data(b"\x7d")
    assert mouse.on_control(Setup(0xA1, 3, 0, 0, 1), b"") == data(b"\x01")
    assert mouse.on_control(Setup(0x21, 11, 0, 0, 0), b"") == OK
    assert mouse.on_control(Setup(0xA1, 3, 0, 0, 1), b"") == data(b"\x00")
    assert mouse.on_control(Setup(0x21, 11, 2, 0, 0), b"") == STALL


@pytest.mark.parametrize(
    ("bmRequestType", "bRequest"), [(0xA1, 1), (0xA1, 2), (0xA1, 3), (0x21, 9), (0x21, 10), (0x21, 11)]
)
def test_hid_requests_to_another_interface_are_stalled(bmRequestType: int, bRequest: int) -> None:
    assert Mouse().on_control(Setup(bmRequestType, bRequest, 0, 1, 1), b"") == STALL


def test_the_mouse_lies_still() -> None:
    assert Mouse().on_in(0x81, 4) == NEVER


def test_a_pressed_key_wakes_the_endpoint_and_is_released() -> None:
    keyboard = Keyboard()
    woken: list[int] = []
    keyboard.wake = woken.append
    assert keyboard.on_in(0x81, 8) == NAK
    keyboard.press(4)
    assert woken == [0x81]
    assert keyboard.on_in(0x81, 8) == data(bytes((0, 0, 4, 0, 0, 0, 0, 0)))
    assert keyboard.on_in(0x81, 8) == data(bytes(8))
    assert keyboard.on_in(0x81, 8) == NAK


def test_the_serial_loopback_sends_back_what_it_gets() -> None:
    modem = SerialLoopback()
    assert modem.on_in(0x81, 64) == NAK
    assert modem.on_out(0x02, b"hello ") == modem.on_out(0x02, b"world") == OK
    assert [modem.on_in(0x81, 8) for _ in range(3)] == [data(b"hello wo"), data(b"rld"), NAK]


def test_the_serial_loopback_keeps_its_line_coding() -> None:
    modem, coding = SerialLoopback(), bytes.fromhex("00 c2 01 00 00 00 08")
    assert modem.on_control(Setup(0x21, 0x20, 0, 0, 7), coding) == OK
    assert modem.on_control(Setup(0xA1, 0x21, 0, 0, 7), b"") == data(coding)
    assert modem.on_control(Setup(0x21, 0x22, 3, 0, 0), b"") == OK
