"""Devices with HID interfaces: their descriptors, and the class requests of a host that binds a driver."""

from __future__ import annotations

import pytest

from usbfuzz.descriptors.hid import BOOT_KEYBOARD_REPORT, BOOT_MOUSE_REPORT
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.wire import NEVER, STALL, Answer, Setup, data

OK = Answer()


def test_boot_reports_have_the_lengths_the_appendix_gives() -> None:
    assert (len(BOOT_MOUSE_REPORT), len(BOOT_KEYBOARD_REPORT)) == (50, 63)


def test_hid_descriptors_are_served_to_the_interface() -> None:
    assert BootMouse().on_control(Setup(0x81, 6, 0x2200, 0, 50), b"") == data(BOOT_MOUSE_REPORT)
    assert BootMouse().on_control(Setup(0x81, 6, 0x2100, 0, 9), b"").data[:2] == b"\x09\x21"
    assert BootMouse().on_control(Setup(0x81, 6, 0x2200, 1, 50), b"") == STALL
    assert BootMouse().on_control(Setup(0x81, 6, 0x2300, 0, 50), b"") == STALL
    assert BootMouse().on_control(Setup(0x80, 6, 0x2200, 0, 50), b"") == STALL


def test_a_report_reads_as_it_was_written_and_zeros_before() -> None:
    mouse = BootMouse()
    assert mouse.on_control(Setup(0xA1, 1, 0x0302, 0, 3), b"") == data(b"\x02\x00\x00")
    assert mouse.on_control(Setup(0xA1, 1, 0x0300, 0, 0), b"") == data(b"")
    assert mouse.on_control(Setup(0x21, 9, 0x0302, 0, 2), b"\x02\x07") == OK
    assert mouse.on_control(Setup(0xA1, 1, 0x0302, 0, 3), b"") == data(b"\x02\x07")


def test_idle_and_protocol_are_remembered() -> None:
    mouse = BootMouse()
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
    assert BootMouse().on_control(Setup(bmRequestType, bRequest, 0, 1, 1), b"") == STALL


def test_the_mouse_lies_still() -> None:
    assert BootMouse().on_in(0x81, 4) == NEVER
