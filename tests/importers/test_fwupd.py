"""Emulations of fwupd: the devices they were recorded from answer again as they did there."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections.abc import Callable

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case import DeviceSpec, ScriptedDevice, load, spec_of
from usbfuzz.descriptors import split, string_text
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.errors import InputError
from usbfuzz.importers import Imported, import_bytes
from usbfuzz.importers.fwupd.emulation import import_fwupd
from usbfuzz.importers.fwupd.records import looks_fwupd
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import NEVER, STALL, Setup, Speed, Status, TransferType, data

from .damage import damaged, damaged_text, survives
from .fwupd_files import Json, archive, control_event, emulation, encoded, fields, loaded, moved_event, string_event
from .lsusb_texts import CORPUS

KEYBOARD = spec_of(Keyboard(), "keyboard")
T5 = load(CORPUS / "storage-uas-samsung-t5.toml").devices[0]
VERSION = Setup(0xC0, 0x16, 0, 7, 4)
MANUFACTURER, PRODUCT = KEYBOARD.device[14], KEYBOARD.device[15]


def only(*devices: Json) -> Imported:
    (imported,) = import_bytes(emulation(*devices), "setup.json")
    return imported


def old(*events: Json) -> Json:
    """A device in the form of fwupd 1.8."""
    return fields(KEYBOARD) | {"UsbEvents": [*events]}


def new(*events: Json) -> Json:
    """The same in the form of fwupd 2."""
    return fields(KEYBOARD, extra=True) | {"Events": [*loaded(KEYBOARD), *events]}


@pytest.mark.parametrize("spec", [KEYBOARD, T5], ids=["keyboard", "disk"])
def test_descriptors_that_were_kept_whole_come_back_whole(spec: DeviceSpec) -> None:
    device = only(fields(spec) | {"Events": loaded(spec)}).device
    assert (device.device, device.configurations, device.bos) == (spec.device, spec.configurations, spec.bos)
    assert device.reports == spec.reports


def test_of_fields_alone_the_device_is_built_and_what_they_lack_is_listed() -> None:
    imported = only(old())
    device = imported.device
    assert device.device == KEYBOARD.device[:7] + bytes((64,)) + KEYBOARD.device[8:]
    assert device.configurations[0][9:] == KEYBOARD.configurations[0][9:]  # but for bmAttributes and bMaxPower
    assert device.reports == KEYBOARD.reports
    assert [made_up for made_up in imported.synthesised if "string" not in made_up] == [
        "bMaxPacketSize0",
        "bmAttributes and bMaxPower of the configuration",
        "the HID descriptor of interface 0",
        "type interrupt of endpoint 0x81",
        "speed full, from the descriptors",
    ]


def test_class_descriptors_are_kept_where_they_were_recorded() -> None:
    imported = only(fields(KEYBOARD, extra=True))
    assert imported.device.configurations[0][9:] == KEYBOARD.configurations[0][9:]
    assert "the HID descriptor of interface 0" not in imported.synthesised


def test_an_endpoint_has_the_type_it_was_used_with() -> None:
    device = only(old(moved_event("Bulk", 0x81, b"x"))).device
    (endpoint,) = (part for part in split(device.configurations[0]) if isinstance(part, EndpointDescriptor))
    assert endpoint.transfer_type is TransferType.BULK


def test_superspeed_devices_get_companions() -> None:
    imported = only(fields(T5))
    assert imported.device.speed is Speed.SUPER
    assert imported.device.device[7] == 9
    assert any("companion of endpoint" in made_up for made_up in imported.synthesised)


@pytest.mark.parametrize("form", [old, new])
def test_recorded_answers_come_back(form: Callable[..., Json]) -> None:
    other = evolve(VERSION, wIndex=8)
    told = [
        control_event(VERSION, b"v1.2"),
        control_event(other, Error=-9),
        control_event(Setup(0x40, 1, 2, 3, 1), b"x"),
    ]
    device = ScriptedDevice(only(form(*told)).device)
    assert device.on_control(VERSION, b"") == data(b"v1.2")
    assert device.on_control(other, b"") == STALL
    assert device.on_control(Setup(0x40, 1, 2, 3, 1), b"x").status is Status.OK


def test_what_an_endpoint_sent_waits_for_what_it_was_the_reply_to() -> None:
    said = [
        moved_event("Interrupt", 0x81, b"hello"),
        moved_event("Bulk", 0x01, b"ask"),
        moved_event("Interrupt", 0x81, b"so"),
    ]
    device = ScriptedDevice(only(new(*said)).device)
    assert device.on_in(0x81, 64) == data(b"hello")
    assert device.on_in(0x81, 64).status is Status.NAK
    device.on_out(0x01, b"ask")
    assert [device.on_in(0x81, 64) for _ in range(2)] == [data(b"so"), NEVER]


def test_strings_end_where_libusb_says_and_refused_ones_are_not_made_up() -> None:
    refused = {"Id": f"GetStringDescriptor:DescIndex={PRODUCT:#04x}", "Error": -9}
    imported = only(new(string_event(MANUFACTURER, "Maker"), refused))
    assert {index: string_text(raw) for index, raw in imported.device.strings} == {MANUFACTURER: "Maker"}


def test_a_digest_is_read_where_it_can_be_told_and_counted_where_not() -> None:
    def hidden(event: Json) -> Json:
        return event | {"Id": "#" + hashlib.sha1(event["Id"].encode()).hexdigest()[:8]}

    events = [*loaded(KEYBOARD), string_event(PRODUCT, "Keys"), control_event(VERSION, b"v1.2")]
    imported = only(fields(KEYBOARD) | {"Events": [*map(hidden, events)]})
    assert imported.device.configurations == KEYBOARD.configurations
    assert string_text(dict(imported.device.strings)[PRODUCT]) == "Keys"
    (problem,) = imported.problems
    assert str(problem).startswith("1 of 5 events are kept as digests; what was asked is not known")


def test_the_parent_of_a_node_is_a_device_too() -> None:
    path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-4/3-4.1/3-4.1:1.0/0003:1209:0001.0001/hidraw/hidraw0"
    imported = only({"GType": "FuUdevDevice", "BackendId": path, "Vendor": 1, "Events": loaded(KEYBOARD)})
    assert imported.device.configurations == KEYBOARD.configurations
    assert imported.origin.startswith("3-4.1: ")


def ioctl(request: int, out: bytes) -> Json:
    return {"Id": f"Ioctl:Request={request:#x},Data=AAAA,Length=0x3", "DataOut": encoded(out)}


def test_what_a_hidraw_node_answered_is_the_device_s_answer() -> None:
    path = "/sys/devices/pci0000:00/0000:00:14.0/usb3/3-4/3-4:1.0/0003:1209:0001.0001/hidraw/hidraw0"
    report = dict(KEYBOARD.reports)[0].replace(b"\x95\x06", b"\x95\x05")
    said = [
        ioctl(0x90044802, len(report).to_bytes(4, "little") + report),
        ioctl(0xC0034807, b"\x02\xaa\xbb"),
        ioctl(0xC0024806, b"\0\1"),
        ioctl(0x80685600, b"video"),
    ]
    imported = only({"GType": "FuUdevDevice", "BackendId": path, "Events": [*loaded(KEYBOARD), *said]})
    assert imported.device.reports == ((0, report),)
    device = ScriptedDevice(imported.device)
    assert device.on_control(Setup(0xA1, 1, 0x0302, 0, 3), b"") == data(b"\x02\xaa\xbb")
    assert device.on_control(Setup(0x21, 9, 0x0300, 0, 1), b"\1").status is Status.OK


def test_phases_are_one_story_and_a_bootloader_is_a_device_of_its_own() -> None:
    bootloader = fields(KEYBOARD) | {"IdProduct": 0xB007, "Events": []}
    phases = archive(
        reload=emulation(old(control_event(VERSION, b"v2.0"))),
        install=emulation(bootloader),
        setup=emulation(old(control_event(VERSION, b"v1.2"))),
        detach=emulation(old(control_event(VERSION, b"v1.3"))),
    )
    assert looks_fwupd(phases)
    keyboard, other = import_bytes(phases, "emulation.zip")
    device = ScriptedDevice(keyboard.device)
    assert [device.on_control(VERSION, b"").data for _ in range(3)] == [b"v1.2", b"v1.3", b"v2.0"]
    assert other.device.device[10:12] == b"\x07\xb0"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (emulation(), "x: holds no USB device; tag it"),
        (b'{"UsbDevices": [{"IdVendor": "1"}, 7, null]}', "x: holds no USB device"),
        (b'{"UsbDevices"\n: [}', "x:2: is no JSON"),
        (b"[" * 100_000, "x:1: is no JSON"),
        (archive(setup=emulation(old()))[:300], "x: cannot be unpacked"),
        (archive(setup=b"\xff"), "x:1: is no JSON"),
    ],
)
def test_what_holds_no_device_is_refused_by_name_place_and_reason(content: bytes, what: str) -> None:
    with pytest.raises(InputError) as caught:
        import_fwupd(content, "x")
    assert str(caught.value).startswith(what)


def test_a_zip_without_end_is_refused() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped,
        zipped.open("setup.json", "w") as member,
    ):
        for _ in range(9):
            member.write(bytes(8 << 20))
    with pytest.raises(InputError, match="unpacks to more than 64 MiB"):
        import_fwupd(file.getvalue(), "x")


REAL = emulation(
    new(string_event(MANUFACTURER, "Maker"), control_event(VERSION, b"v1.2"), moved_event("Bulk", 0x81, b"x"))
)


@settings(deadline=None)
@given(damaged_text(REAL))
def test_damaged_emulations_raise_nothing_but_input_errors(content: bytes) -> None:
    looks_fwupd(content)
    survives(import_fwupd, content)


@settings(deadline=None)
@given(damaged(archive(setup=REAL, reload=emulation(old())), st.integers(0, 255)))
def test_damaged_archives_raise_nothing_but_input_errors(content: bytes) -> None:
    looks_fwupd(content)
    survives(import_fwupd, content)


@pytest.mark.parametrize("offset", [1 << 63, (1 << 64) - 1])
def test_a_zip_whose_file_lies_beyond_any_offset_is_damaged(offset: int) -> None:
    """The offset is in the extra field of zip64, as the field of 32 bits is full. APPNOTE.TXT §4.5.3."""
    content = bytearray(archive(setup=REAL))
    start = content.index(b"PK\x01\x02")
    content[start + 30 : start + 32] = struct.pack("<H", 12)
    content[start + 42 : start + 46] = b"\xff" * 4
    name = start + 46 + len("setup.json")
    content[name:name] = struct.pack("<HHQ", 1, 8, offset)
    end = content.index(b"PK\x05\x06")
    content[end + 12 : end + 16] = struct.pack("<L", end - start)
    with pytest.raises(InputError, match=r"^x: cannot be unpacked: .*; save it again$"):
        import_bytes(bytes(content), "x")
