"""A device's sysfs directory, a copy of one or of all of /sys/devices, and archives of these."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case import DeviceSpec, load
from usbfuzz.descriptors import string_descriptor
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes, import_file
from usbfuzz.importers.sysfs.archive import import_archive, looks_archive
from usbfuzz.wire import Speed

from .damage import damaged, survives
from .lsusb_texts import CORPUS

MOUSE = load(CORPUS / "boot-mouse.toml").devices[0]
T5 = load(CORPUS / "storage-uas-samsung-t5.toml").devices[0]


def directory(path: Path, spec: DeviceSpec, **attributes: str) -> Path:
    """What the kernel shows of a device."""
    path.mkdir(parents=True)
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


def test_a_speed_the_kernel_does_not_know_is_guessed_and_listed(tmp_path: Path) -> None:
    (got,) = import_file(directory(tmp_path / "1-2", MOUSE, speed="unknown"))
    (untold,) = import_file(directory(tmp_path / "1-3", MOUSE))
    assert (got.device.speed, got.synthesised) == (untold.device.speed, untold.synthesised)


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


CONTROLLER = "devices/pci0000:00/0000:00:14.0"


def machine(path: Path) -> Path:
    """A copy of /sys/devices: a root hub, a hub with a mouse and a disk below it, and what else a machine has."""
    root = path / CONTROLLER / "usb1"
    directory(root, MOUSE, speed="480")
    directory(root / "1-1", MOUSE, speed="480", product="Hub")
    mouse = directory(root / "1-1" / "1-1.2", MOUSE, speed="1.5", product="Boot mouse")
    directory(root / "1-1" / "1-1.3", T5, speed="5000", product="Disk")
    hid = mouse / "1-1.2:1.0" / "0003:0627:0001.0007"
    hid.mkdir(parents=True)
    (hid / "report_descriptor").write_bytes(dict(MOUSE.reports)[0])
    (mouse / "subsystem").symlink_to("../../../../../..")
    card = path / CONTROLLER / "net" / "eth0"
    card.mkdir(parents=True)
    (card / "speed").write_text("1000\n")
    return path


ALL = ["usb1", "1-1", "1-1.2", "1-1.3"]


def test_a_copy_of_all_of_sysfs_gives_every_device_by_its_name(tmp_path: Path) -> None:
    found = import_file(machine(tmp_path / "sys"))
    assert [device.origin for device in found] == ALL
    mouse = found[2]
    assert (mouse.device.speed, mouse.device.reports) == (Speed.LOW, MOUSE.reports)
    assert dict(mouse.device.strings)[2] == string_descriptor("Boot mouse")


def test_a_hub_given_by_itself_is_that_hub_alone(tmp_path: Path) -> None:
    (hub,) = import_file(machine(tmp_path / "sys") / CONTROLLER / "usb1" / "1-1")
    assert hub.origin == "1-1"


def test_a_directory_of_links_gives_each_device_once(tmp_path: Path) -> None:
    home = machine(tmp_path / "sys")
    for name in ("1-1", "1-1/1-1.2", "1-1/1-1.2/1-1.2:1.0"):
        (home / name.rpartition("/")[2]).symlink_to(home / CONTROLLER / "usb1" / name)
    assert sorted(device.origin for device in import_file(home)) == sorted(ALL)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_an_archive_gives_the_same_devices_as_the_directory(tmp_path: Path, mode: str) -> None:
    home = machine(tmp_path / "sys")
    assert import_bytes(packed(home, mode), "sys.tar") == import_file(home)


def packed(home: Path, mode: str = "w", padding: int = 4096) -> bytes:
    """What tar makes of it, which believes the sizes that sysfs states."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]  # a mode of several
        for path in sorted(home.rglob("*")):
            if path.is_file() and not path.is_symlink():
                member = tarfile.TarInfo(str(path.relative_to(home)))
                member.size = padding
                archive.addfile(member, io.BytesIO(path.read_bytes().ljust(padding, b"\0")))
            else:
                archive.add(path, str(path.relative_to(home)), recursive=False)
    return file.getvalue()


def test_an_archive_without_devices_or_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme").write_text("nothing")
    with pytest.raises(InputError, match=r"sys\.tar: holds no USB device; give"):
        import_archive(packed(tmp_path), "sys.tar")
    with pytest.raises(InputError, match=r"sys\.tar: cannot be unpacked"):
        import_archive(small_archive()[:520], "sys.tar")
    with pytest.raises(InputError, match=r"sys\.tar\.gz: is damaged gzip data"):
        import_bytes(packed(tmp_path, "w:gz")[:-20], "sys.tar.gz")


def test_an_archive_that_is_cut_off_behind_a_device_says_so(tmp_path: Path) -> None:
    first, *_ = import_archive(packed(machine(tmp_path / "sys"))[:-24_000], "sys.tar")
    assert "the archive is damaged (unexpected end of data); devices behind that are missing" in map(
        str, first.problems
    )


def small_archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        member = tarfile.TarInfo("sys/1-1/descriptors")
        raw = MOUSE.device + MOUSE.configurations[0]
        member.size = len(raw)
        archive.addfile(member, io.BytesIO(raw))
    return file.getvalue()


@settings(deadline=None)
@given(damaged(small_archive(), st.integers(0, 255)))
def test_damaged_archives_raise_nothing_but_input_errors(content: bytes) -> None:
    looks_archive(content)
    survives(import_archive, content)


def test_an_archive_with_a_member_of_absurd_size_is_damaged() -> None:
    """A size that does not fit into octal digits is a number of base 256 behind 0x80, or 0xff if it is negative."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("sys/devices/1-1"))
    content = bytearray(file.getvalue())
    content[124:136] = b"\x80" + (1 << 63).to_bytes(11, "big")
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    with pytest.raises(InputError, match=r"^x: cannot be unpacked: .*; pack it again$"):
        import_bytes(bytes(content), "x")
