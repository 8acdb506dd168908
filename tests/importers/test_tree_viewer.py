"""Reports of USB Device Tree Viewer: the dumps of descriptors, strings and report descriptors come back."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given, settings

from usbfuzz.case import DeviceSpec, load
from usbfuzz.descriptors import string_descriptor
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes
from usbfuzz.importers.tree_viewer import import_tree_viewer
from usbfuzz.wire import Speed

from .captured import KEYBOARD
from .damage import damaged_text, survives
from .lsusb_texts import CORPUS

_NUMBERS = {Speed.LOW: 0, Speed.FULL: 1, Speed.HIGH: 2, Speed.SUPER: 3}


def _dump(raw: bytes, *, ascii_: bool = True) -> list[str]:
    """The lines of ``Data (HexDump)``."""
    lines = []
    for at in range(0, len(raw), 16):
        part = raw[at : at + 16]
        words = "".join(chr(byte) if 0x20 < byte < 0x7F else "." for byte in part)
        head = "Data (HexDump)           : " if not at else " " * 27
        lines.append(f"{head}{part.hex(' ').upper():<47}   {words if ascii_ else ''}")
    return lines


def report(spec: DeviceSpec, *, ascii_: bool = True) -> str:
    """What the program writes of a device."""

    def section(title: str, raw: bytes, *fields: str) -> list[str]:
        heading = f"    ---------------------- {title} ----------------------"
        return [
            "",
            heading,
            f"bLength                  : 0x{raw[0]:02X} ({raw[0]} bytes)",
            *fields,
            *_dump(raw, ascii_=ascii_),
        ]

    lines = [
        "    =========================== USB Port8 ===========================",
        "Port Chain               : 2-8",
        "        ---------------- Connection Information ---------------",
        "Device Address           : 0x1E (30)",
        f"Device Bus Speed         : 0x0{_NUMBERS[spec.speed]} (some speed)",
        *_dump(b"\x08\0\0\0" + spec.device),
        "        --------------- Connection Information V2 -------------",
        f" DevIsOpAtSsOrHigher     : {int(spec.speed is Speed.SUPER)} (is it?)",
    ]
    lines += section("Device Descriptor", spec.device, ' Language 0x0409         : "12 01 00"')
    for raw in spec.configurations:
        lines += section("Configuration Descriptor", raw)
        at = 0
        while at < len(raw):
            part = raw[at : at + max(raw[at], 2)]
            titles = {4: "Interface Descriptor", 5: "Endpoint Descriptor", 0x21: "HID Descriptor"}
            lines += section(titles.get(part[1], "Unknown Descriptor"), part) if at else []
            if part[1] == 4:
                number = part[2]
            if part[1] == 0x21 and number in dict(spec.reports):
                lines += ["Descriptor 1:", "bDescriptorType          : 0x22 (Class=Report)"]
                lines += _dump(dict(spec.reports)[number])
            at += len(part)
    lines += section("Device Qualifier Descriptor", spec.qualifier) if spec.qualifier else []
    lines += section("Binary Object Store Descriptor", spec.bos) if spec.bos else []
    lines += ["      -------------------- String Descriptors -------------------"]
    for number, raw in spec.strings:
        lines += section(f"String Descriptor {number}", raw)
    return "\r\n".join(lines) + "\r\n"


def _told(spec: DeviceSpec) -> tuple[object, ...]:
    return spec.device, spec.configurations, spec.bos, spec.qualifier, spec.speed


_FILES = ["boot-mouse", *(path.stem for path in sorted(CORPUS.glob("*.toml"))[:6])]


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("ascii_", [True, False])
def test_the_dumped_descriptors_are_the_device(name: str, ascii_: bool) -> None:
    spec = load(CORPUS / f"{name}.toml").devices[0]
    (found,) = import_bytes(report(spec, ascii_=ascii_).encode(), "report.txt")
    assert _told(found.device) == _told(spec)
    assert dict(found.device.strings).items() >= dict(spec.strings).items()
    assert dict(found.device.reports).items() >= dict(spec.reports).items()


def test_a_file_may_hold_several_devices_and_be_utf_16() -> None:
    disk = load(CORPUS / f"{_FILES[1]}.toml").devices[0]
    content = (report(KEYBOARD) + report(disk)).encode("utf-16")
    found = import_bytes(content, "all.txt")
    assert [_told(imported.device) for imported in found] == [_told(KEYBOARD), _told(disk)]
    assert found[0].origin == "device address 0x1E: 0627:0002"
    assert not any("speed" in what for imported in found for what in imported.synthesised)


def test_a_report_of_a_port_without_a_device_is_refused() -> None:
    what = r"port\.txt: has no hex dump of a device descriptor; save the report of the device"
    with pytest.raises(InputError, match=what):
        import_bytes(b"USB Port4\r\nData (HexDump)           : 08 00 00 00\r\n", "port.txt")


@settings(deadline=None)
@given(damaged_text(report(KEYBOARD).encode()))
def test_damaged_reports_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_tree_viewer, content)


def test_strings_that_stand_below_fields_only_are_read() -> None:
    strings = 'iProduct                 : 0x02 (String Descriptor 2)\n Language 0x0409         : "Some keys"\n'
    text = report(evolve(KEYBOARD, strings=())).replace(' Language 0x0409         : "12 01 00"\r\n', strings)
    (found,) = import_tree_viewer(text.encode(), "report.txt")
    assert dict(found.device.strings)[2] == string_descriptor("Some keys")


def test_a_report_without_dumps_is_told_to_have_them_switched_on() -> None:
    text = "    ---------------------- Device Descriptor ----------------------\nidVendor                 : 0x1209\n"
    with pytest.raises(InputError, match="with hex dumps"):
        import_bytes(text.encode(), "report.txt")


def test_a_dump_that_somebody_put_into_a_remark_on_one_line_is_read() -> None:
    raw = "12 01 00 02 FF 00 00 40 09 12 01 00 00 01 00 00 00 01"
    text = f"/*  ---------- Device Descriptor ----------\nData (HexDump)  : {raw} */"
    (found,) = import_bytes(text.encode(), "device.c")
    assert found.device.device == bytes.fromhex(raw)
