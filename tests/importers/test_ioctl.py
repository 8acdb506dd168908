"""Recordings of ioctls, joined to the recording of their device: it answers as it did."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case import Case, DeviceSpec, ScriptedDevice, dumps, load, loads, spec_of
from usbfuzz.cli.import_ import import_command
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.errors import InputError
from usbfuzz.importers import Imported, import_bytes
from usbfuzz.importers.umockdev.ioctl import looks_ioctl, with_ioctls
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import NEVER, STALL, Setup, Status, data

from .damage import damaged_text
from .test_umockdev import recording

KEYBOARD = spec_of(Keyboard(), "keyboard")
NODE = "@DEV /dev/bus/usb/001/011\n"
VERSION = Setup(0xC0, 0x5F, 0, 0, 2)
FEATURE = Setup(0xA1, 1, 0x0302, 0, 3)


def urb(kind: int, endpoint: int, raw: bytes, status: int = 0, moved: int | None = None) -> str:
    """A transfer: kind 1 is interrupt, 2 control, 3 bulk."""
    length = len(raw) if moved is None else moved
    return f"USBDEVFS_REAPURB 0 {kind} {endpoint} {status} 0 {max(len(raw), 64)} {length} 0 {raw.hex().upper()}\n"


def asked(setup: Setup, raw: bytes = b"", status: int = 0) -> str:
    """A control transfer."""
    return urb(2, 0, setup.pack() + raw, status, len(raw))


def keyboard(spec: DeviceSpec = KEYBOARD) -> Imported:
    (imported,) = import_bytes(recording(spec).encode(), "x.umockdev")
    return imported


def joined(text: str, devices: Sequence[Imported] = ()) -> Imported:
    """The first device with the answers of the recording."""
    assert looks_ioctl(text.encode())
    return with_ioctls(devices or [keyboard()], text.encode(), "x.ioctl")[0]


def test_control_answers_come_back() -> None:
    text = NODE + "USBDEVFS_CONNECTINFO 0 0B00000000\n" + asked(VERSION, b"\x31\0") + asked(FEATURE, status=-32)
    device = ScriptedDevice(joined(text).device)
    assert device.on_control(VERSION, b"") == data(b"\x31\0")
    assert device.on_control(FEATURE, b"") == STALL


def test_what_endpoints_sent_comes_back_and_waits_for_what_it_was_the_reply_to() -> None:
    text = urb(1, 0x81, b"hello") + urb(1, 0x81, b"", -2) + urb(3, 0x01, b"ask") + " " + urb(1, 0x81, b"reply", -121)
    device = ScriptedDevice(joined(text, [fitting(0x81, 0x01)]).device)
    assert device.on_in(0x81, 64) == data(b"hello")
    assert device.on_in(0x81, 64).status is Status.NAK
    device.on_out(0x01, b"ask")
    assert [device.on_in(0x81, 64) for _ in range(2)] == [data(b"reply"), NEVER]


def fitting(*endpoints: int) -> Imported:
    """A keyboard with these endpoints."""
    raw = b"".join(bytes((7, 5, address, 3, 8, 0, 1)) for address in endpoints)
    imported = keyboard()
    return evolve(imported, device=evolve(imported.device, configurations=(KEYBOARD.configurations[0][:27] + raw,)))


def test_hid_reports_that_were_read_come_back_and_ones_that_were_set_are_accepted() -> None:
    text = "@DEV /dev/hidraw5\nHIDIOCGFEATURE(0) 3 02AABB0000\nHIDIOCSFEATURE(0) 2 0001\nHIDIOCGFEATURE(0) 2 00CC\n"
    device = ScriptedDevice(joined(text).device)
    assert device.on_control(FEATURE, b"") == data(b"\x02\xaa\xbb")
    assert device.on_control(evolve(FEATURE, wValue=0x0300, wLength=1), b"") == data(b"\xcc")
    assert device.on_control(Setup(FEATURE.bmRequestType & ~DIRECTION_IN, 9, 0x0300, 0, 1), b"\1").status is Status.OK


def test_a_report_descriptor_that_hidraw_told_replaces_the_one_made_up() -> None:
    report = dict(KEYBOARD.reports)[0].replace(b"\x95\x06", b"\x95\x05")
    told = f"HIDIOCGRDESCSIZE 0 00000000\nHIDIOCGRDESC 0 {(len(report).to_bytes(4, 'little') + report).hex()}0000\n"
    made_up = keyboard(evolve(KEYBOARD, reports=()))
    imported = joined(told, [made_up])
    assert imported.device.reports == ((0, report),)
    assert (len(made_up.synthesised), imported.synthesised) == (1, ())


def test_what_evdev_answered_is_left_out_with_a_word() -> None:
    imported = joined("EVIOCGVERSION 0 01000100\nEVIOCGBIT(1) 96 FEFF\n", [keyboard(), keyboard()])
    assert imported.device == keyboard().device
    assert [str(problem) for problem in imported.problems] == [
        "x.ioctl: 2 lines of EVIOC are answers of the kernel, not of the device; left out"
    ]


def test_a_line_that_is_no_transfer_is_told_with_its_number() -> None:
    imported = joined(asked(VERSION, b"1") + "USBDEVFS_REAPURB 0 9 9\nUSBDEVFS_REAPURB 0 2 0 0 0 4 4 0 C05F\n")
    assert [str(problem) for problem in imported.problems] == [
        "x.ioctl:2: is no transfer, nor are 1 others; left out",
    ]


def test_of_several_devices_the_named_one_answers_else_the_one_with_these_endpoints() -> None:
    elsewhere = evolve(fitting(0x82), origin="Bus 001 Device 012")
    others = [elsewhere, fitting(0x81)]
    _, named = with_ioctls(others, (NODE + asked(VERSION, b"1")).encode(), "x")
    assert named.device.control
    first, _ = with_ioctls(others, urb(1, 0x82, b"1").encode(), "x")
    assert first.device.endpoints
    with pytest.raises(InputError, match=r"x: fits 2 of these devices; choose one with -d VID:PID"):
        with_ioctls(others, asked(VERSION, b"1").encode(), "x")
    with pytest.raises(InputError, match="fits none of these devices"):
        with_ioctls(others, urb(1, 0x85, b"1").encode(), "x")


@pytest.mark.parametrize("option", [(), ("--capture",)])
def test_the_command_joins_a_recording_and_its_ioctls_packed_or_not(tmp_path: Path, option: tuple[str, ...]) -> None:
    (tmp_path / "dev.umockdev").write_bytes(gzip.compress(recording(KEYBOARD).encode()))
    (tmp_path / "dev.ioctl").write_bytes(lzma.compress((NODE + asked(VERSION, b"\x31\0")).encode()))
    words = [str(tmp_path / "dev.umockdev"), *option, str(tmp_path / "dev.ioctl"), "-o", str(tmp_path / "x.toml")]
    CliRunner().invoke(import_command, words, standalone_mode=False, catch_exceptions=False)
    device = ScriptedDevice(load(tmp_path / "x.toml").devices[0])
    assert device.on_control(VERSION, b"") == data(b"\x31\0")


def test_ioctls_alone_are_no_device() -> None:
    with pytest.raises(InputError, match=r"give its recording too: usbfuzz import X\.umockdev dev\.ioctl"):
        import_bytes(asked(VERSION, b"1").encode(), "dev.ioctl")


WHOLE = NODE + asked(VERSION, b"\x31\0") + urb(1, 0x81, b"hello") + "HIDIOCGFEATURE(0) 3 02AABB0000\nEVIOCGID 0 03\n"


@settings(deadline=None, max_examples=50)
@given(damaged_text(WHOLE.encode()) | st.binary(max_size=200))
def test_damaged_ioctls_raise_nothing_but_input_errors(content: bytes) -> None:
    looks_ioctl(content)
    try:
        (imported,) = with_ioctls([keyboard()], content, "x")
    except InputError:
        return
    assert loads(dumps(Case((imported.device,), ()))).devices == (imported.device,)
