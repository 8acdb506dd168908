"""Which firmware was missed, and what of a directory is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lane.firmware import LARGEST, FirmwareShelf, missed, missed_by
from usbfuzz.case.model import Firmware
from usbfuzz.errors import InputError

MISSED = "[    1.2] usb 1-1: Direct firmware load for {} failed with error -2\n"


def test_names_that_a_kernel_found_nowhere_are_told_once() -> None:
    console = "".join(map(MISSED.format, ("ti_3410.fw", "a/b.bin", "ti_3410.fw"))) + "[ 2.0] firmware: x failed\n"
    assert missed(console) == ("ti_3410.fw", "a/b.bin")


def test_names_are_told_apart_by_the_port_of_who_asked() -> None:
    lines = ("usb 1-1: {} one.fw {}", "ath9k_htc 3-1:1.0: {} two.fw {}", "i2c i2c-0: {} three.fw {}", "{} four.fw {}")
    console = "".join(f"[ 1.0] {each.format('Direct firmware load for', 'failed with error -2')}\n" for each in lines)
    assert missed(console) == ("one.fw", "two.fw", "three.fw", "four.fw")
    assert missed_by(console, {0}) == ("one.fw",)
    assert missed_by(console, {1, 2}) == ("two.fw",)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../b", "\x1b[31m", "x" * 201])
def test_a_name_that_would_lead_elsewhere_is_none(name: str) -> None:
    assert missed(MISSED.format(name)) == ()


def test_a_guest_cannot_have_the_host_read_many_files() -> None:
    assert len(missed("".join(MISSED.format(f"file{number}") for number in range(1000)))) == 16


def test_a_shelf_gives_its_files_and_says_why_it_gives_no_other(tmp_path: Path) -> None:
    root = tmp_path / "firmware"
    (root / "deep").mkdir(parents=True)
    (root / "deep/file.fw").write_bytes(b"magic")
    (root / "link.fw").symlink_to("deep/file.fw")
    (tmp_path / "secret").write_text("key")
    (root / "out.fw").symlink_to("../secret")
    (root / "huge.fw").touch()
    with (root / "huge.fw").open("ab") as file:
        file.truncate(LARGEST + 1)
    names = ("deep/file.fw", "link.fw", "../secret", "out.fw", "huge.fw", "deep", "none.fw")
    assert dict(FirmwareShelf(root).find(names)) == {
        "deep/file.fw": Firmware("deep/file.fw", b"magic"),
        "link.fw": Firmware("link.fw", b"magic"),
        "../secret": "leads out of the directory",
        "out.fw": "leads out of the directory",
        "huge.fw": "has more than 16 MiB",
        "deep": "is not there",
        "none.fw": "is not there",
    }


def test_a_directory_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none: not a directory of firmware files"):
        FirmwareShelf(tmp_path / "none")
