"""Recordings of HID reports and bare report descriptors: a device around them that says what was recorded."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case import DeviceSpec, ScriptedDevice, load
from usbfuzz.descriptors import split
from usbfuzz.descriptors.hid import BOOT_KEYBOARD_REPORT, BOOT_MOUSE_REPORT
from usbfuzz.descriptors.hid_writer import INPUT, HidReport
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.errors import InputError
from usbfuzz.importers import Imported, import_bytes
from usbfuzz.importers.detect import FORMATS
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.wire import Speed

from .damage import damaged_text, survives
from .lsusb_texts import CORPUS

_EVENTS = ((0, b"\1\0\0"), (71_952, b"\0\5\xff"), (2_912_232, b"\0\0\0"))  #: microseconds, report of a mouse


def _recording(*, width: int = 4096, quote: str = "", name: str = "Tiny Mouse") -> bytes:
    """What hid-recorder prints, its lines broken at ``width`` characters."""
    lines = [
        "# Tiny Mouse",
        "# 0x05, 0x01,                    // Usage Page (Generic Desktop)        0",
        f"R: {len(BOOT_MOUSE_REPORT)} {BOOT_MOUSE_REPORT.hex(' ')}",
        f"N: {name}",
        "P: usb-0000:00:14.0-3/input0",
        "I: 3 1234 0abc",
    ]
    for time, raw in _EVENTS:
        lines += [
            "#  Button: 1  0  0 | # | X:    0 | Y:    0",
            f"E: {time // 1_000_000:06}.{time % 1_000_000:06} 3 {raw.hex(' ')}",
        ]
    broken = [line[at : at + width] for line in lines for at in range(0, len(line) if line[0] in "RE" else 1, width)]
    return "".join(f"{quote}{line}\n" for line in broken).encode()


def _said(spec: DeviceSpec, endpoint: int = 0x81) -> list[tuple[bytes, int]]:
    """What an endpoint sends, and how many milliseconds it waits before."""
    (script,) = (script for script in spec.endpoints if script.bEndpointAddress == endpoint)
    return [(step.answer.data, step.answer.delay_ms) for step in script.steps]


def _endpoints(spec: DeviceSpec) -> list[EndpointDescriptor]:
    return [each for each in split(spec.configurations[0]) if isinstance(each, EndpointDescriptor)]


@pytest.mark.parametrize("quote", ["", "    ", "> ", "> > "])
@pytest.mark.parametrize("width", [4096, 3 * 24])
def test_a_recording_gives_the_device_its_reports_and_their_times(quote: str, width: int) -> None:
    (found,) = import_bytes(_recording(quote=quote, width=width), "mouse.hid")
    assert found.device.device[8:12] == bytes.fromhex("3412 bc0a")
    assert found.device.name == "Tiny Mouse"
    assert found.device.reports == ((0, BOOT_MOUSE_REPORT),)
    assert _said(found.device) == [(b"\1\0\0", 0), (b"\0\5\xff", 71), (b"\0\0\0", 2840)]
    assert [each.wMaxPacketSize for each in _endpoints(found.device)] == [3]
    assert found.problems == ()
    assert any("all descriptors but the reports'" in what for what in found.synthesised)


def test_the_device_answers_with_its_report_descriptor() -> None:
    (found,) = import_bytes(_recording(), "mouse.hid")
    device = ScriptedDevice(found.device)
    assert device.on_in(0x81, 3).data == b"\1\0\0"


def test_the_interfaces_of_a_usb_device_are_one_device() -> None:
    second = _recording().replace(b"input0", b"input1").replace(b"E: 0", b"E: 1").replace(b"N:", b"D: 1\nN:", 1)
    whole = b"D: 0\n" + _recording() + b"D: 1\n" + second
    (found,) = import_bytes(whole, "both.hid")
    assert [number for number, _ in found.device.reports] == [0, 1]
    assert [each.bEndpointAddress for each in _endpoints(found.device)] == [0x81, 0x82]
    assert _said(found.device, 0x82)[0] == (b"\1\0\0", 60_000)
    other = b"D: 0\n" + _recording() + b"D: 1\n" + second.replace(b"1234", b"4321")
    assert len(import_bytes(other, "two.hid")) == 2


def test_what_a_recording_lacks_is_told() -> None:
    text = _recording().replace(b"R: 50", b"R: 60").replace(b"I: 3", b"I: 5").replace(b" 3 01 00 00", b" 9 01 00 00")
    (found,) = import_bytes(text, "mouse.hid")
    assert [str(problem) for problem in found.problems] == [
        "line 3: 50 of 60 bytes are there",
        "line 8: 3 of 9 bytes are there",
        "the device was on bus type 0x5, not on USB (3)",
    ]
    with pytest.raises(InputError, match=r"x: no report descriptor can be read: line 1: R is not followed by"):
        import_bytes(b"R: 12 05 01 zz\n", "x")


_DUMP = b"""\
003:002:001:DESCRIPTOR         1611164734.133692
 %s
 %s

003:002:000:DESCRIPTOR         1611164734.131720
 %s

Starting dumping interrupt transfer stream
with 1 minute timeout.

003:002:000:STREAM             1611164740.500000
 01 00 00

003:002:000:STREAM             1611164741.000000
 00 00 00
""" % (
    BOOT_KEYBOARD_REPORT[:32].hex(" ").upper().encode(),
    BOOT_KEYBOARD_REPORT[32:].hex(" ").upper().encode(),
    BOOT_MOUSE_REPORT.hex(" ").upper().encode(),
)


def test_usbhid_dump_gives_the_interfaces_and_what_they_sent() -> None:
    (found,) = import_bytes(_DUMP, "dump.txt")
    assert found.origin == "Bus 003 Device 002"
    assert [raw for _, raw in found.device.reports] == [BOOT_MOUSE_REPORT, BOOT_KEYBOARD_REPORT]
    assert _said(found.device) == [(b"\1\0\0", 0), (b"\0\0\0", 500)]
    assert "the ids 1209:0001" in found.synthesised


def test_a_line_of_lsusb_beside_it_names_the_device() -> None:
    (found,) = import_bytes(b"Bus 003 Device 002: ID 1234:0abc Tiny Ltd. Mouse\n" + _DUMP, "dump.txt")
    assert found.device.device[8:12] == bytes.fromhex("3412 bc0a")
    assert found.device.name == "Tiny Ltd. Mouse"


def test_what_lsusb_could_not_read_is_filled_in() -> None:
    mouse = evolve(load(CORPUS / "boot-mouse.toml").devices[0], reports=())
    text = b"Bus 003 Device 002: ID 0627:0001 Tiny Mouse\n" + render_lsusb(mouse).encode()
    (alone,) = import_bytes(text, "lsusb.txt")
    assert any("HID report descriptor" in what for what in alone.synthesised)
    (found,) = import_bytes(text + b"\n" + _DUMP, "both.txt")
    assert found.device.configurations == alone.device.configurations
    assert found.device.reports == ((0, BOOT_MOUSE_REPORT),)
    assert _said(found.device) == [(b"\1\0\0", 0), (b"\0\0\0", 500)]
    assert not any("HID report descriptor" in what for what in found.synthesised)


def test_reports_without_a_descriptor_are_refused() -> None:
    with pytest.raises(
        InputError, match="no report descriptor can be read, only HID reports; make it with: usbhid-dump -e all"
    ):
        import_bytes(_DUMP[_DUMP.index(b"003:002:000:STREAM") :], "stream.txt")


_HEX = BOOT_MOUSE_REPORT.hex(" ")


@pytest.mark.parametrize(
    "content",
    [
        BOOT_MOUSE_REPORT,
        _HEX.encode(),
        _HEX.replace(" ", "").encode() + b"\n",
        "".join(f"0x{byte:02x}, // item\n" for byte in BOOT_MOUSE_REPORT).encode(),
        ("/* a mouse */ {" + ", ".join(f"0x{byte:02X}" for byte in BOOT_MOUSE_REPORT) + "};\r\n").encode(),
        (_HEX + "\n\n  INPUT[INPUT]\n    Field(0)\n      Usage(3)\n").encode(),
    ],
)
def test_a_report_descriptor_alone_is_enough(content: bytes) -> None:
    (found,) = import_bytes(content, "mouse.hid.bin")
    assert found.device.reports == ((0, BOOT_MOUSE_REPORT),)
    assert [each.wMaxPacketSize for each in _endpoints(found.device)] == [3]


@pytest.mark.parametrize(
    "content", [BOOT_MOUSE_REPORT[:-1], BOOT_MOUSE_REPORT + b"\xc0", b"\x05\x01", b"05 01 zz", b"a5"]
)
def test_what_is_no_whole_report_descriptor_is_none(content: bytes) -> None:
    with pytest.raises(InputError, match="is none of the kinds"):
        import_bytes(content, "x")


def test_long_reports_need_a_device_of_high_speed() -> None:
    report = HidReport()
    with report.page(0xFF00).collection(1):
        report.report_id(1).field(INPUT, (1,), 8, 200)
    (found,) = import_bytes(bytes(report.raw), "long.bin")
    assert found.device.speed is Speed.HIGH
    assert [each.wMaxPacketSize for each in _endpoints(found.device)] == [201]


def _import_any(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices by each importer of this folder, in whatever form the content is."""
    found: tuple[Imported, ...] = ()
    for format_ in FORMATS:
        if "HID" in format_.name or "hid" in format_.name:
            try:
                format_.looks_like(content)
                found += format_.read(content, name)
            except InputError:
                continue
    return tuple(evolve(each) for each in found)


@settings(deadline=None)
@given(st.sampled_from([_recording(), _DUMP, _HEX.encode()]).flatmap(damaged_text))
def test_damaged_texts_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(_import_any, content)


@settings(deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=12))
def test_any_bytes_raise_nothing_but_input_errors(content: bytes, tail: bytes) -> None:
    survives(_import_any, content)
    survives(_import_any, BOOT_MOUSE_REPORT + tail)
