"""A device's sysfs directory, or a copy of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from usbfuzz.case import DeviceSpec, load
from usbfuzz.descriptors import string_descriptor
from usbfuzz.errors import InputError
from usbfuzz.importers import import_file
from usbfuzz.wire import Speed

from .lsusb_texts import CORPUS

MOUSE = load(CORPUS / "boot-mouse.toml").devices[0]
T5 = load(CORPUS / "storage-uas-samsung-t5.toml").devices[0]


def directory(path: Path, spec: DeviceSpec, **attributes: str) -> Path:
    """What the kernel shows of a device."""
    path.mkdir()
    (path / "descriptors").write_bytes(spec.device + b"".join(spec.configurations))
    for name, text in attributes.items():
        (path / name).write_text(text + "\n")
    return path


def test_a_directory_gives_descriptors_speed_strings_and_report(tmp_path: Path) -> None:
    path = directory(tmp_path / "1-2", MOUSE, speed="1.5", manufacturer="usbfuzz", product="Boot mouse ")
    hid = path / "1-2:1.0" / "0003:0627:0001.0007"
    hid.mkdir(parents=True)
    (hid / "report_descriptor").write_bytes(dict(MOUSE.reports)[0])
    (path / "1-2:1.0" / "interface").write_text("Pointer\n")
    (got,) = import_file(path)
    assert got.device.device == MOUSE.device
    assert got.device.configurations == MOUSE.configurations
    assert got.device.speed is Speed.LOW
    assert dict(got.device.strings) == {1: string_descriptor("usbfuzz"), 2: string_descriptor("Boot mouse ")}
    assert got.device.reports == MOUSE.reports
    assert (got.origin, got.synthesised, got.problems) == ("1-2", (), ())


def test_what_is_missing_is_synthesised_and_listed(tmp_path: Path) -> None:
    (got,) = import_file(directory(tmp_path / "1-2", MOUSE))
    assert got.synthesised[0] == "speed: guessed from the packet sizes"
    assert any("report descriptor" in note for note in got.synthesised)
    assert any("iManufacturer" in note for note in got.synthesised)


def test_the_bos_and_superspeed_are_read(tmp_path: Path) -> None:
    path = directory(tmp_path / "2-1", T5, speed="10000")
    (path / "bos_descriptors").write_bytes(T5.bos)
    (got,) = import_file(path)
    assert (got.device.bos, got.device.speed) == (T5.bos, Speed.SUPER)


def test_a_directory_of_devices_gives_all_of_them(tmp_path: Path) -> None:
    directory(tmp_path / "1-1", MOUSE)
    directory(tmp_path / "1-2", T5)
    (tmp_path / "1-3").mkdir()
    assert [device.origin for device in import_file(tmp_path)] == ["1-1", "1-2"]


def test_links_out_of_a_copy_are_not_followed(tmp_path: Path) -> None:
    secret = directory(tmp_path / "elsewhere", MOUSE, product="secret")
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "1-1").symlink_to(secret)
    with pytest.raises(InputError, match="holds no USB device"):
        import_file(copy)
    path = directory(copy / "1-2", MOUSE)
    (path / "product").symlink_to(secret / "product")
    (got,) = import_file(copy)
    assert all(b"s\0e\0c\0r\0e\0t" not in raw for _, raw in got.device.strings)


def test_a_directory_without_devices_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/sys/bus/usb/devices/1-2"):
        import_file(tmp_path)
