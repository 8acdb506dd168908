"""Reading untrusted case files, and writing them whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from usbfuzz.case.files import MAX_BYTES, load, resolve, save
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.errors import CaseError, StorageError

CASE = Case((DeviceSpec("one", b"\x12\x01"),), (Event(Action.PLUG, device=0),))
TEXT = 'format = 1\n[[device]]\nname = "one"\ndevice = "12 01"\n'


def test_what_is_saved_is_loaded_again(tmp_path: Path) -> None:
    save(tmp_path / "case.toml", CASE)
    assert load(tmp_path / "case.toml") == load(tmp_path) == CASE
    assert [entry.name for entry in tmp_path.iterdir()] == ["case.toml"]


def test_saving_replaces_the_old_case(tmp_path: Path) -> None:
    (tmp_path / "case.toml").write_text("old")
    save(tmp_path / "case.toml", CASE)
    assert load(tmp_path) == CASE


@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    (tmp_path / "case.toml").write_text("old")

    def full(*_: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(StorageError) as caught:
        save(tmp_path / "case.toml", CASE)
    assert str(caught.value) == (
        f"{tmp_path}: cannot write case.toml: No space left on device; make room there or choose another directory"
    )
    assert (tmp_path / "case.toml").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["case.toml"]


def test_a_directory_that_is_not_there_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone: cannot write case\.toml: No such file or directory"):
        save(tmp_path / "gone" / "case.toml", CASE)


def test_a_byte_order_mark_is_not_content(tmp_path: Path) -> None:
    path = tmp_path / "f.toml"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    assert load(path) == CASE


def make_link(path: Path) -> None:
    (path.parent / "real.toml").write_text(TEXT)
    path.symlink_to("real.toml")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "cannot be read: No such file or directory"),
        (make_link, "is a symbolic link; give the file it points to"),
        (lambda path: path.symlink_to(path), "is a symbolic link; give the file it points to"),
        (os.mkfifo, "is not a regular file; give a case file"),
        (lambda path: path.write_bytes(b"format = 1\n# \xff"), "is not UTF-8 text (byte 13); save it as UTF-8"),
        (
            lambda path: path.write_bytes(b"#" * (MAX_BYTES + 1)),
            "is larger than 4 MiB; no case is, so this is some other file",
        ),
    ],
)
def test_a_file_that_cannot_be_a_case_is_refused(tmp_path: Path, make: object, message: str) -> None:
    path = tmp_path / "f.toml"
    assert callable(make)
    make(path)
    with pytest.raises(CaseError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_directory_without_a_case_and_a_file_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"the directory holds no case\.toml; give a case directory or a \.toml file"):
        resolve(tmp_path)
    (tmp_path / "lsusb.txt").touch()
    with pytest.raises(CaseError, match=r"lsusb\.txt: is not a \.toml file"):
        resolve(tmp_path / "lsusb.txt")
