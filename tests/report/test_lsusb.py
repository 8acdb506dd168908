"""lsusb.txt is what the real lsusb says of the same device, line for line; malformed bytes are shown, never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from tests import CORPUS
from usbfuzz.case import load
from usbfuzz.case.model import DeviceSpec
from usbfuzz.case.play import spec_of
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.models import MODELS, find_model
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.report.lsusb.names import Names
from usbfuzz.wire import Speed

from .conftest import Lsusb

_CORPUS = CORPUS
#: Not what campaigns found: past the end of a descriptor that is too short, lsusb shows the bytes of the next one.
_TOO_SHORT = {"uac2-clock-selector-oob", "uac2-clock-source-oob", "uvc-format-oob"}
_FILES = sorted(
    path
    for folder in ("devices", "known-bugs")
    for path in (_CORPUS / folder).glob("*.toml")
    if path.stem not in _TOO_SHORT
)
#: The real lsusb takes long: it sees every third device. What it has shown of the others has a test of its own below.
_SEEN = [*(path for path in _FILES if path.parent.name == "known-bugs"), *_FILES[::3]]
_BOOT_MOUSE = load(_CORPUS / "devices" / "boot-mouse.toml").devices[0]


@pytest.mark.parametrize("path", sorted({*_SEEN}), ids=lambda path: path.stem)
def test_every_device_of_the_corpus_looks_as_the_real_lsusb_shows_it(path: Path, lsusb: Lsusb) -> None:
    for spec in load(path).devices:
        _look_alike(spec, lsusb)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_looks_as_the_real_lsusb_shows_it(name: str, lsusb: Lsusb) -> None:
    spec = spec_of(find_model(name)())
    _look_alike(spec, lsusb)


def _look_alike(spec: DeviceSpec, lsusb: Lsusb) -> None:
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


_BOS = bytes.fromhex(
    "05 0f 00 00 09"
    "07 10 02 1e 04 00 00"
    "0a 10 03 02 0e 00 01 0a ff 07"
    "14 10 04 00 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"
    "14 10 05 00 df 60 dd d8 89 45 c7 4c 9c d2 65 9d 9e 64 8a 9f"
    "14 10 0a 00 01 00 00 00 01 11 00 00 30 40 0a 00 b0 40 0a 00"
    "18 10 05 00 38 b6 08 34 a9 09 a0 47 8b fd a0 76 88 15 b6 65 00 01 21 00"
    "19 10 05 00 38 b6 08 34 a9 09 a0 47 8b fd a0 76 88 15 b6 65 00 01 21 00 ff"
    "08 10 0f 02 45 10 1c 0a"
    "04 10 77 01"
)


def test_capabilities_and_the_qualifier_look_as_the_real_lsusb_shows_them(lsusb: Lsusb) -> None:
    device = bytes.fromhex("12 01 10 02") + _BOOT_MOUSE.device[4:]
    bos = _BOS[:2] + len(_BOS).to_bytes(2, "little") + _BOS[4:]
    with_bos = evolve(_BOOT_MOUSE, device=device, bos=bos)
    assert render_lsusb(with_bos).splitlines() == lsusb(with_bos).splitlines()
    device = bytes.fromhex("12 01 00 02") + _BOOT_MOUSE.device[4:]
    qualifier = bytes.fromhex("0a 06 00 02 09 00 02 40 01 00")
    dual = evolve(_BOOT_MOUSE, device=device, qualifier=qualifier)
    assert render_lsusb(dual).splitlines() == lsusb(dual).splitlines()


_INTERFACES = {
    "cdc": "09 04 00 00 00 02 06 00 00"
    "05 24 00 10 01 05 24 01 03 01 04 24 02 0f 05 24 06 00 01 0d 24 0f 00 01 02 03 04 ea 05 03 00 00"
    "06 24 1a 00 01 3f 0c 24 1b 00 01 00 10 20 80 dc 05 20 05 24 15 00 01 04 24 01 00 08 24 1c 00 01 10 00 10"
    "05 24 99 01 02 05 24 11 10 01",
    "midi": "09 04 00 00 00 01 03 00 00"
    "07 24 01 00 01 19 00 06 24 02 01 01 00 09 24 03 02 02 01 01 01 00"
    "0d 24 04 05 01 01 01 00 01 01 01 06 00 04 24 77 01",
    "dfu": "09 04 00 00 00 fe 01 01 00 09 21 0b ff 00 00 04 10 01",
    "storage": "09 04 00 00 01 08 06 62 00 07 05 81 02 00 02 00 04 24 03 00 05 24 03 00 00",
    "unknown": "09 04 00 00 01 ff 00 00 00 05 41 01 02 03 07 05 81 03 40 00 04 03 99 01",
    "association": "08 0b 00 01 0e 03 00 00 09 04 00 00 00 ff 00 00 00",
    "superspeed": "09 04 00 00 02 ff 00 00 00"
    "07 05 81 02 00 04 00 06 30 0f 04 00 00 07 05 82 01 00 04 01 06 30 00 02 00 04",
}


def _configured(body: bytes) -> DeviceSpec:
    """A device with one configuration."""
    head = bytes.fromhex("09 02") + (9 + len(body)).to_bytes(2, "little") + bytes.fromhex("01 01 00 e0 32")
    return DeviceSpec("test", _BOOT_MOUSE.device, (head + body,))


def _with_lengths(*bodies: str) -> str:
    """Descriptors in a row, from what stands behind their bLength."""
    return "".join(f"{len(bytes.fromhex(body)) + 1:02x}{body}" for body in bodies)


_GUID = "33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff"
_RATES = "80 02 e0 01 00 00 ff 00 ff ff ff ff"
#: Every unit and terminal, and those lsusb does not know; {bits} are one byte of a mask.
_VIDEO_CONTROL = (
    *("24 01 50 01 80 00 00 6c dc 02 02 01 02", "24 01 00 01 0d 00 ff ff ff ff 00"),
    "24 02 01 01 02 00 00 01 00 02 00 03 00 03 {bits} {bits} {bits}",
    *("24 02 01 01 02 00 00 01 00 02 00 03 00 04 01 02 {bits} 08", "24 02 01 01 02 00 00 01 00 02 00 03 00 00"),
    *("24 02 02 01 04 01 00 aa", "24 02 03 34 12 00 00", "24 02 04 02 02 00 00 01 {bits} 01 {bits}"),
    *("24 03 05 01 01 00 01 00", "24 03 06 34 12 00 01 00 bb", "24 03 07 02 03 00 01 00 01 {bits} 01 {bits}"),
    *("24 04 08 00 00", "24 04 09 02 01 02 00"),
    *("24 05 0a 01 00 40 02 {bits} {bits} 00", "24 05 0b 01 02 01 03 {bits} {bits} {bits} 00 {bits}"),
    "24 05 11 01 00 40 02 {bits} {bits} 00",  # UVC 1.0: lsusb shows a byte of the next one too
    *("24 05 0c 01 00 40 00 00 00", "24 05 0d 01 00 40 04 01 02 {bits} 08 00 00"),
    *(f"24 06 0e {_GUID} 03 00 00 00", f"24 06 0f {_GUID} 03 02 05 06 02 {{bits}} 01 00 aa bb"),
    *("24 07 10 01 00 03 {bits} {bits} {bits} {bits} {bits} 0f", "24 99 01 02", "24 00"),
    *("05 83 03 10 00 08", "25 03 10 00", "25 77 10 00"),
)
#: Every header, format and frame, and those lsusb does not know.
_VIDEO_STREAMING = (
    *("24 01 02 00 01 81 {bits} 02 03 04 05 01 {bits} 00", "24 01 02 00 01 01 01 02 03 04 05 02 01 02 03 04 aa"),
    *("24 02 02 00 01 01 02 01 {bits} 0b", "24 02 01 00 01 82 02 02 0a 0b cc", "24 02 00 00 01 82 02"),
    *("24 02 01 00 01 82 02", "24 01 02 00 01 81 01 02 03 04 05 00"),  # UVC 1.0, and masks without bytes
    *("24 03 83 02 40 01 f0 00 80 02 e0 01 01 {bits}", "24 03 00 00 00 aa"),
    *(f"24 04 01 01 {_GUID} 10 01 10 09 {{bits}} 02", f"24 04 01 01 {_GUID} 10 01 10 09 10 02 aa"),
    f"24 05 01 {{bits}} {_RATES} 01 02 03 04 15 16 05 00 02 ff ff ff ff 15 16 05 00",
    f"24 05 02 00 {_RATES} 01 02 03 ff 15 16 05 00 00 15 16 05 00 01 00 00 00 02 00 00 00 aa",
    *("24 06 01 01 {bits} 01 02 03 {bits} 01", "24 06 01 01 01 01 02 03 20 01 aa"),
    f"24 07 01 {{bits}} {_RATES} 01 02 03 04 15 16 05 00 01 15 16 05 00",
    f"24 07 02 01 {_RATES} 01 02 03 ff 15 16 05 00 00 15 16 05 00 01 00 00 00 02 00 00 00",
    *("24 0a 01 02 03 04", f"24 0a 01 02 03 04 {_GUID}", "24 0a 01 02 03 04 aa bb", "24 0c 01 00 00 01 00 {bits}"),
    *("24 0d 00 00 00", "24 0d 05 07 05", "24 0d 06 08 06", "24 0d {bits} {bits} {bits} aa"),
    *(f"24 10 01 01 {_GUID} 10 01 10 09 {{bits}} 02 01", f"24 10 01 01 {_GUID} 10 01 10 09 37 02 01 aa"),
    f"24 11 01 {{bits}} {_RATES} 15 16 05 00 01 01 00 00 00 15 16 05 00",
    f"24 11 02 02 {_RATES} 15 16 05 00 00 ff ff ff ff 15 16 05 00 01 00 00 00 02 00 00 00",
    *(f"24 12 01 {_GUID} {{bits}} 22 33 44", f"24 12 01 {_GUID} 11 22 33 44 55"),
    *("24 13" + " 01" * 49, "24 16" + " 02" * 10, "24 99 01 02", "24 00"),
    *("05 81 02 00 02 00", "25 01 10 00"),
)


@pytest.mark.parametrize("bits", ["00", "ff"])
@pytest.mark.parametrize("protocol", ["00", "01"], ids=["uvc11", "uvc15"])
@pytest.mark.parametrize(("subclass", "kinds"), [("01", _VIDEO_CONTROL), ("02", _VIDEO_STREAMING)], ids=["vc", "vs"])
def test_video_descriptors_look_as_the_real_lsusb_shows_them(
    subclass: str, kinds: tuple[str, ...], protocol: str, bits: str, lsusb: Lsusb
) -> None:
    bodies = (f"04 00 00 01 0e {subclass} {protocol} 00", *(kind.format(bits=bits) for kind in kinds))
    spec = _configured(bytes.fromhex(_with_lengths(*bodies)))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


#: Behind bLength and bDescriptorType, with and without everything that can be said.
_READERS = {
    "nothing": "00 01 00 00 00000000 00000000 00000000 00 00000000 00000000 00 00000000"
    "00000000 00000000 00000000 00000000 00 00 0000 00 00",
    "everything": "10 01 ff ff ffffffff ffffffff ffffffff ff ffffffff ffffffff ff ffffffff"
    "ffffffff ffffffff ffffffff ffffffff ff ff ffff ff ff aabb",
    "pps": "10 02 01 07 03000000 a00f0000 401f0000 01 00c20100 80969800 02 fe000000"
    "00000000 00000000 80000200 0f010000 12 34 1002 01 01",
    "extended": "00 01 01 02 01000000 a00f0000 401f0000 01 00c20100 80969800 02 fe000000"
    "02000000 04000000 00010400 0f010000 34 ff 0002 02 01",
}


@pytest.mark.parametrize("name", sorted(_READERS))
def test_a_smart_card_reader_looks_as_the_real_lsusb_shows_it(name: str, lsusb: Lsusb) -> None:
    reader = f"21 {_READERS[name]}"
    bodies = ("04 00 00 01 0b 00 00 00", reader, "05 81 02 00 02 00", reader)
    spec = _configured(bytes.fromhex(_with_lengths(*bodies)))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


_SHORT = ("0e 01", "24 05 0a 01 00 40 03 ff"), ("0e 02", "24 05 01 00 80 02"), ("0b 00", "21 00 01 00 07")


@pytest.mark.parametrize(("codes", "body"), _SHORT)
def test_of_a_descriptor_that_is_cut_short_the_bytes_are_there(codes: str, body: str) -> None:
    raw = bytes.fromhex(_with_lengths(f"04 00 00 00 {codes} 00 00", body))
    assert render_lsusb(_configured(raw)).endswith(f"      ** UNRECOGNIZED:  {raw[9:].hex(' ')}\n")


@given(st.sampled_from([(0x0E, 1), (0x0E, 2), (0x0B, 0)]), st.lists(st.binary(min_size=2, max_size=60)))
def test_any_bytes_of_a_video_or_smart_card_interface_are_shown(codes: tuple[int, int], tails: list[bytes]) -> None:
    kinds = (DescriptorType.CS_INTERFACE, DescriptorType.FUNCTIONAL, DescriptorType.CS_ENDPOINT)
    raw = b"".join(bytes((len(tail) + 2, kinds[tail[0] % 3], tail[1] % 0x18)) + tail[1:] for tail in tails)
    text = render_lsusb(_configured(bytes((9, 4, 0, 0, 0, *codes, 0, 0)) + raw), Names())
    assert all(line.isprintable() for line in text.splitlines())
    assert text.count(" Interface Descriptor:") + text.count("UNRECOGNIZED") == 1 + len(tails)


@pytest.mark.parametrize("name", sorted(_INTERFACES))
def test_descriptors_of_a_class_look_as_the_real_lsusb_shows_them(name: str, lsusb: Lsusb) -> None:
    spec = _configured(bytes.fromhex(_INTERFACES[name]))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


_ITEMS = (
    "05 01 09 02 a1 01 55 0d 65 11 66 14 f0 67 01 00 00 e1 75 08 95 03 81 06 b1 82 91 02 a1 80 c0 0b 01 00 09 00 c0"
)


def test_report_items_look_as_the_real_lsusb_shows_them(lsusb: Lsusb) -> None:
    report = bytes.fromhex(_ITEMS)
    (raw,) = _BOOT_MOUSE.configurations
    at = raw.index(b"\x22", 18)
    raw = raw[: at + 1] + len(report).to_bytes(2, "little") + raw[at + 3 :]
    spec = DeviceSpec("items", _BOOT_MOUSE.device, (raw,), reports=((0, report),))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


@given(st.binary(max_size=200), st.binary(max_size=30), st.binary(max_size=60), st.binary(max_size=40))
def test_any_bytes_are_shown_without_an_error(tail: bytes, device: bytes, bos: bytes, report: bytes) -> None:
    (configuration,) = _BOOT_MOUSE.configurations
    spec = DeviceSpec(
        "any", device, (tail, configuration + tail), Speed.SUPER, bos=bos, qualifier=device, reports=((0, report),)
    )
    text = render_lsusb(spec, Names())
    assert text.startswith("Device Descriptor:\n")
    assert all(line.isprintable() for line in text.splitlines())


#: Two pins of three channels each, mixed to three: 18 bits, of which lsusb counts 6; and as many as it counts.
_MIXERS = {
    "uac1": ("00", "24 04 01 02 05 06 03 07 00 00 11 22 33 00"),
    "uac1, no more": ("00", "24 04 01 02 05 06 03 07 00 00 11 00"),
    "uac2": ("20", "24 04 01 02 05 06 03 07 00 00 00 00 11 22 33 01 00"),
    "uac2, and junk": ("20", "24 04 01 02 05 06 03 07 00 00 00 00 11 22 33 01 00 aa bb"),
    "uac3": ("30", "24 05 01 02 05 06 07 00 11 22 33 01 00 00 00 00 00"),
}


@pytest.mark.parametrize("name", _MIXERS)
def test_a_mixer_looks_as_the_real_lsusb_shows_it(name: str, lsusb: Lsusb) -> None:
    protocol, body = _MIXERS[name]
    spec = _configured(bytes.fromhex(_with_lengths(f"04 00 00 00 01 01 {protocol} 00", body)))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


@pytest.mark.parametrize("codes", ["01 01", "01 02", "01 03", "fe 01"])
@pytest.mark.parametrize("body", ["25 01 00 00 00 00", "06 01 01 00 00 00 00 00", "29 01 01 00 00 00 00 00"])
def test_a_descriptor_of_another_kind_looks_as_the_real_lsusb_shows_it(codes: str, body: str, lsusb: Lsusb) -> None:
    spec = _configured(bytes.fromhex(_with_lengths(f"04 00 00 00 {codes} 00 00", body)))
    assert render_lsusb(spec).splitlines() == lsusb(spec).splitlines()


_CLASSES = [(code, subclass) for code in (1, 2, 3, 8, 0x0A, 0x0B, 0x0E, 0xFE) for subclass in (0, 1, 2, 3)]


@pytest.mark.parametrize(("code", "subclass"), _CLASSES)
def test_a_descriptor_of_any_type_and_length_is_shown_behind_an_interface_of_any_class(
    code: int, subclass: int
) -> None:
    interface = bytes((9, 4, 0, 0, 1, code, subclass, 0, 0))
    for length in (2, 3, 4, 6, 9):
        row = b"".join(bytes((length, kind)) + bytes(range(1, length - 1)) for kind in range(256) if kind not in (2, 4))
        text = render_lsusb(_configured(interface + row + b"\x07\x05\x81\x03\x08\x00\x0a" + row), Names())
        assert text.count("\n") > 2 * 200


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: raw[0] < 2 or raw[0] > len(raw)))
def test_bytes_that_are_no_descriptor_are_there_in_hex(tail: bytes) -> None:
    (configuration,) = _BOOT_MOUSE.configurations
    text = render_lsusb(DeviceSpec("broken", _BOOT_MOUSE.device, (configuration + tail,)), Names())
    assert text.endswith(f"** UNRECOGNIZED:  {tail.hex(' ')}\n")


def test_without_a_list_of_names_numbers_stand_alone() -> None:
    assert "bInterfaceClass         3 \n" in render_lsusb(_BOOT_MOUSE, Names())


def test_names_are_read_from_the_lists_of_usb_ids() -> None:
    text = "# a comment\n1234  Maker\n\tabcd  Thing\n\nC 03  Device\n\t01  Boot\n\t\t02  Mouse\nnonsense\n"
    text += "HUT 01  Desktop\n\t030  X\n"
    names = Names.parse(text)
    assert (names.vendor(0x1234), names.product(0x1234, 0xABCD)) == ("Maker", "Thing")
    assert (names.code(3), names.code(3, 1), names.code(3, 1, 2), names.code(4)) == ("Device", "Boot", "Mouse", "")
    assert names.usage(1, 0x30) == "X"
