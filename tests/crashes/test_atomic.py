"""A file or a directory that is replaced is the old one or the whole new one; nothing else is left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from usbfuzz.atomic import (
    UNFINISHED,
    append_lines,
    discard,
    replace_file,
    write_atomically,
    write_directory,
    write_tree,
)


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _full(descriptor: int) -> None:
    del descriptor
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_file_is_replaced_and_has_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for raw in (b"one", b"another"):
        write_atomically(path, raw)
        assert path.read_bytes() == raw
    assert path.stat().st_mode & 0o777 == 0o644
    replace_file(path, lambda unfinished: unfinished.write_bytes(b"tool"), 0o755)
    assert path.stat().st_mode & 0o777 == 0o755
    assert _names(tmp_path) == ["file"]


def test_two_writers_at_once_do_not_meet_in_one_file(tmp_path: Path) -> None:
    path = tmp_path / "file"

    def fill(unfinished: Path) -> None:
        unfinished.write_bytes(b"last")
        write_atomically(path, b"first")

    replace_file(path, fill)
    assert path.read_bytes() == b"last"
    assert _names(tmp_path) == ["file"]


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(unfinished: Path) -> None:
        unfinished.write_bytes(b"half")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        replace_file(path, fail)
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    with pytest.raises(OSError, match="No space left"):
        write_directory(tmp_path / "directory", {"a": b"1"})
    assert path.read_bytes() == b"old"
    assert _names(tmp_path) == ["file"]


def test_a_directory_appears_with_all_its_files_over_what_a_killed_writer_left(tmp_path: Path) -> None:
    left = tmp_path / f"{UNFINISHED}directory"
    left.mkdir()
    (left / "old").write_text("")
    write_directory(tmp_path / "directory", {"a": b"1", "b": b"2"})
    assert _names(tmp_path) == ["directory"]
    assert _names(tmp_path / "directory") == ["a", "b"]


def test_a_tree_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        yield "a/b/c", b"1"
        assert _names(tmp_path) == [f"{UNFINISHED}tree"]
        yield "a/d", b"2"

    write_tree(tmp_path / "tree", files())
    assert _names(tmp_path / "tree" / "a") == ["b", "d"]
    with pytest.raises(IsADirectoryError):
        write_tree(tmp_path / "other", iter([("a/b", b""), ("a", b"")]))
    assert _names(tmp_path) == ["tree"]


def test_discarding_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    discard(tmp_path / "link")
    assert _names(tmp_path) == ["there"]
    discard(tmp_path / "there")
    discard(tmp_path / "not there")
    assert _names(tmp_path) == []


def test_lines_are_put_behind_the_whole_lines_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for there in (b"", b"a\n", b"a\nbc", b"a" * 10_000, b"a\n" + b"b" * 10_000):
        path.write_bytes(there)
        append_lines(path, b"new\n")
        assert path.read_bytes() == there[: there.rfind(b"\n") + 1] + b"new\n"


def test_a_file_has_its_lines_when_there_is_no_room_for_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"a\nbc")
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space left"):
        append_lines(path, b"new\n")
    assert path.read_bytes() == b"a\n"


def test_lines_are_not_put_into_a_file_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"a\n")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic links"):
        append_lines(tmp_path / "link", b"new\n")
    assert (tmp_path / "file").read_bytes() == b"a\n"
