"""What was learned, read while it grows."""

from __future__ import annotations

import os
from pathlib import Path

from strategies import CLASS_DRIVERS
from strategies.devices import bare_device
from strategies.dice import Dice
from strategies.learning.draft import draft_of
from strategies.learning.learned import Learned, LearnedDevice, dumps
from strategies.learning.shelf import Shelf
from strategies.palette import Palette


def _write(directory: Path, driver: str, reached: int) -> None:
    directory.mkdir(exist_ok=True)
    device = LearnedDevice(draft_of(bare_device(Dice(1), Palette(CLASS_DRIVERS), "printer")), True, reached)
    (directory / f"{driver}.toml").write_text(dumps(Learned(driver, "debian:6.1.1-1", 1, reached, (device,))))


def test_a_later_directory_counts_and_new_files_are_seen(tmp_path: Path) -> None:
    users, own = tmp_path / "users", tmp_path / "own"
    shelf = Shelf([users, own])
    assert dict(shelf.all()) == {}
    _write(users, "usblp", 5)
    assert shelf.all()["usblp"].reached == 5
    _write(own, "usblp", 7)
    _write(own, "usbtmc", 3)
    assert {name: learned.reached for name, learned in shelf.all().items()} == {"usblp": 7, "usbtmc": 3}
    found = shelf.of("usblp")
    assert found is not None
    assert found.reached == 7
    assert shelf.of("redrat3") is None


def test_what_cannot_be_used_is_left_out_until_it_can(tmp_path: Path) -> None:
    shelf = Shelf([tmp_path])
    (tmp_path / "usblp.toml").write_text("format = 99\n")
    assert dict(shelf.all()) == {}
    _write(tmp_path, "usblp", 5)
    os.utime(tmp_path / "usblp.toml", (1, 1))
    assert shelf.all()["usblp"].reached == 5
