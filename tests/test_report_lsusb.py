"""lsusb.txt is what the real lsusb says of the same device, line for line; malformed bytes are shown, never lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case import load
from usbfuzz.case.model import DeviceSpec
from usbfuzz.case.play import spec_of
from usbfuzz.descriptors import split, string_text
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.standard import InterfaceDescriptor
from usbfuzz.models import MODELS, find_model
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.report.lsusb.names import Names
from usbfuzz.report.served import served
from usbfuzz.wire import Speed

_CORPUS = Path(__file__).parent.parent / "corpus"
#: Not what campaigns found: past the end of a descriptor that is too short, lsusb shows the bytes of the next one.
_FILES = sorted(path for folder in ("devices", "known-bugs") for path in (_CORPUS / folder).glob("*.toml"))
#: Classes whose descriptors the renderer names as the specifications do, without lsusb's own words.
_DIFFERENT = {ClassCode.VIDEO, ClassCode.SMART_CARD}
_BOOT_MOUSE = load(_CORPUS / "devices" / "boot-mouse.toml").devices[0]

Lsusb = Callable[[DeviceSpec], str]


@pytest.fixture(scope="session")
def lsusb(tmp_path_factory: pytest.TempPathFactory) -> Lsusb:
    """The real lsusb -v on a device; its words from "Device Descriptor:" on."""
    room = tmp_path_factory.mktemp("lsusb")
    answers = room / "answers.so"
    source = Path(__file__).parent / "lsusb_answers.c"
    flags = ("-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *flags, "-o", str(answers), str(source)], check=True)

    def run(spec: DeviceSpec) -> str:
        (room / "device.umockdev").write_text(_sysfs(spec))
        (room / "answers").write_text(_answers(spec))
        environment = {**os.environ, "LD_PRELOAD": str(answers), "LSUSB_ANSWERS": str(room / "answers")}
        done = subprocess.run(
            ["umockdev-run", "-d", str(room / "device.umockdev"), "--", "lsusb", "-v"],
            env={**environment, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        head, mark, rest = done.stdout.partition("Device Descriptor:\n")
        assert mark, (done.stdout, done.stderr)
        assert head.startswith(("Bus 001", "\nBus 001"))
        return mark + rest

    return run


def _sysfs(spec: DeviceSpec) -> str:
    """The device in umockdev's words."""
    raw = (spec.device + b"".join(spec.configurations)).hex().upper()
    strings = dict(spec.strings)
    kept = zip(("manufacturer", "product", "serial"), spec.device[14:17], strict=True)
    attributes = {name: string_text(strings[index]) for name, index in kept if index in strings}
    return "\n".join(
        [
            "P: /devices/pci0000:00/0000:00:14.0/usb1/1-1",
            f"N: bus/usb/001/002={raw}",
            *("E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", "E: DEVNAME=/dev/bus/usb/001/002"),
            *("E: BUSNUM=001", "E: DEVNUM=002"),
            *("A: busnum=1", "A: devnum=2", "A: speed=480", "A: bConfigurationValue=1"),
            *(f"A: {name}={text}\\n" for name, text in attributes.items()),
            f"H: descriptors={raw}",
            "",
            "",
        ]
    )


def _answers(spec: DeviceSpec) -> str:
    tables = served(spec)
    rows = [f"80 6 {wValue:x} ffff {raw.hex()}" for wValue, raw in tables.device.items()]
    rows += [f"81 6 {kind << 8:x} {number:x} {raw.hex()}" for (kind, number), raw in tables.interface.items()]
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("path", _FILES, ids=lambda path: path.stem)
def test_every_device_of_the_corpus_looks_as_the_real_lsusb_shows_it(path: Path, lsusb: Lsusb) -> None:
    for spec in load(path).devices:
        _look_alike(spec, lsusb)


def _classes(spec: DeviceSpec) -> set[int]:
    descriptors = [one for raw in spec.configurations for one in split(raw)]
    return {one.bInterfaceClass for one in descriptors if isinstance(one, InterfaceDescriptor)}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_looks_as_the_real_lsusb_shows_it(name: str, lsusb: Lsusb) -> None:
    spec = spec_of(find_model(name)())
    _look_alike(spec, lsusb)


def _look_alike(spec: DeviceSpec, lsusb: Lsusb) -> None:
    """Line for line; of classes we word differently the same descriptors in the same order."""
    ours, real = render_lsusb(spec).splitlines(), lsusb(spec).splitlines()
    if _classes(spec) & _DIFFERENT:
        ours, real = ([line for line in lines if line.endswith("Descriptor:")] for lines in (ours, real))
    assert ours == real


_BOS = bytes.fromhex(
    "05 0f 62 00 06"
    "07 10 02 1e 04 00 00"
    "0a 10 03 02 0e 00 01 0a ff 07"
    "14 10 04 00 00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff"
    "14 10 05 00 df 60 dd d8 89 45 c7 4c 9c d2 65 9d 9e 64 8a 9f"
    "14 10 0a 00 01 00 00 00 01 11 00 00 30 40 0a 00 b0 40 0a 00"
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


@pytest.mark.parametrize("name", sorted(_INTERFACES))
def test_descriptors_of_a_class_look_as_the_real_lsusb_shows_them(name: str, lsusb: Lsusb) -> None:
    body = bytes.fromhex(_INTERFACES[name])
    head = bytes.fromhex("09 02") + (9 + len(body)).to_bytes(2, "little") + bytes.fromhex("01 01 00 e0 32")
    spec = DeviceSpec(name, _BOOT_MOUSE.device, (head + body,))
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
