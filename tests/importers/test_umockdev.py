"""Recordings of umockdev-record: the devices they hold come back whole."""

from __future__ import annotations

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import DeviceSpec, spec_of
from usbfuzz.descriptors import string_text
from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported
from usbfuzz.importers.umockdev.recording import import_umockdev, looks_umockdev
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import Speed

from .damage import damaged, survives

KEYBOARD = spec_of(Keyboard(), "keyboard")
PATH = "/devices/pci0000:00/0000:00:14.0/usb1/1-3"
SPEEDS = {Speed.LOW: "1.5", Speed.FULL: "12", Speed.HIGH: "480", Speed.SUPER: "5000"}
ROOT_HUB = f"""P: {PATH.rpartition("/")[0]}
E: DEVTYPE=usb_device
H: descriptors=12010002090001406B1D020012050302010109021900010100E0000904000001090000000705810304000C
A: speed=480
"""


def recording(spec: DeviceSpec, *, end: str = "\\n", node: bool = False) -> str:
    """What umockdev-record prints of a device: a child first, then it, then the root hub above it."""
    blob = (spec.device + b"".join(spec.configurations)).hex().upper()
    strings = dict(spec.strings)
    attributes = {"speed": SPEEDS[spec.speed], "busnum": "1", "devnum": "11", "bConfigurationValue": "1"}
    for name, at in (("manufacturer", 14), ("product", 15), ("serial", 16)):
        if text := string_text(strings.get(spec.device[at], b"")):
            attributes[name] = text.replace("\\", "\\\\")
    hid = f"P: {PATH}/{PATH[-3:]}:1.%d/0003:04D9:1603.0001\nE: SUBSYSTEM=hid\nH: report_descriptor=%s\n"
    blocks = [hid % (number, raw.hex().upper()) for number, raw in spec.reports]
    head = f"P: {PATH}\nN: bus/usb/001/011={blob}\nE: DEVTYPE=usb_device\n"
    lines = [f"A: {name}={value}{end}\n" for name, value in attributes.items()]
    blocks.append(head + "".join(lines) + ("" if node else f"H: descriptors={blob}\n") + "L: driver=../../usb\n")
    return "\n".join([*blocks, ROOT_HUB])


def only(text: str) -> Imported:
    (imported,) = import_umockdev(text.encode(), "x.umockdev")
    return imported


@pytest.mark.parametrize("end", ["", "\\n"])
@pytest.mark.parametrize("node", [False, True])
def test_a_recorded_device_comes_back_whole(end: str, node: bool) -> None:
    text = recording(KEYBOARD, end=end, node=node)
    assert looks_umockdev(text.encode())
    imported = only(text)
    assert evolve(imported.device, name="keyboard") == KEYBOARD
    assert imported.origin == "Bus 001 Device 011"
    assert (imported.synthesised, imported.problems) == ((), ())


@pytest.mark.parametrize("speed", list(Speed))
def test_the_speed_is_the_recorded_one(speed: Speed) -> None:
    assert only(recording(evolve(KEYBOARD, speed=speed))).device.speed is speed


def test_a_report_descriptor_that_was_not_recorded_is_made_up_and_listed() -> None:
    imported = only(recording(evolve(KEYBOARD, reports=())))
    assert [number for number, _ in imported.device.reports] == [0]
    assert any("HID report descriptor of interface 0" in what for what in imported.synthesised)


def test_a_line_that_is_not_hex_is_told_and_the_rest_kept() -> None:
    text = recording(KEYBOARD).replace("H: report_descriptor=", "H: report_descriptor=xyz")
    (problem,) = only(text).problems
    assert str(problem) == "line 3: report_descriptor is not hex; left out"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (ROOT_HUB, "x.umockdev: has no USB device's descriptors; record with umockdev-record"),
        ("P: /devices/a\nH: descriptors=1201\n", "x.umockdev: has no USB device's descriptors"),
        ("P: /devices/a\nA: b=c\nH: descriptors=12 0\n", "x.umockdev:3: descriptors is not hex"),
        ("", "x.umockdev: has no USB device's descriptors"),
    ],
)
def test_a_recording_without_a_device_is_refused_by_name_line_and_reason(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        import_umockdev(text.encode(), "x.umockdev")
    assert str(caught.value).startswith(what)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(str.strip))
def test_any_product_name_comes_back(text: str) -> None:
    line = f"A: product={text}\n".replace("\\", "\\\\")
    device = only(recording(evolve(KEYBOARD, strings=())) + "\n").device
    renamed = only(recording(evolve(KEYBOARD, strings=())).replace("A: speed", f"{line}A: speed", 1)).device
    index = KEYBOARD.device[15]
    assert string_text(dict(renamed.strings)[index]) == (text or string_text(dict(device.strings)[index]))


@given(st.binary(max_size=300))
def test_arbitrary_bytes_raise_nothing_but_input_errors(tail: bytes) -> None:
    looks_umockdev(tail)
    with pytest.raises(InputError):
        import_umockdev(b"P: /devices/x\n" + tail, "x")


@given(damaged(recording(KEYBOARD).encode(), st.integers(0, 255)))
def test_damaged_recordings_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_umockdev, content)


def test_octal_escapes_are_bytes_of_utf_8() -> None:
    text = re.sub("A: product=.*", r"A: product=caf\\303\\251 \\342\\204\\242\\v", recording(KEYBOARD))
    assert string_text(dict(only(text).device.strings)[KEYBOARD.device[15]]) == "café ™\v"
