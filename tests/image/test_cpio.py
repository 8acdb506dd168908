"""The cpio writer, read back by cpio(1)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.guest.image import cpio

NAMES = st.lists(st.text("abcXYZ019._-", min_size=1, max_size=8).filter(lambda part: part.strip(".")), min_size=1).map(
    lambda parts: "/".join(parts[:4])
)


def _list(archive: bytes) -> list[str]:
    done = subprocess.run(["cpio", "-t", "--quiet"], input=archive, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout.decode().splitlines()


def _files(contents: dict[str, bytes]) -> bytes:
    return b"".join(cpio.archive([cpio.file(name, data) for name, data in contents.items()]))


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=8))
def test_cpio_lists_what_was_written_and_the_parents(contents: dict[str, bytes]) -> None:
    contents = {name: data for name, data in contents.items() if not _is_parent(name, contents)}
    listed = _list(_files(contents))
    parents = {str(parent) for name in contents for parent in Path(name).parents} - {"."}
    assert sorted(listed) == sorted({*contents, *parents})


def _is_parent(name: str, contents: dict[str, bytes]) -> bool:
    return any(other.startswith(f"{name}/") for other in contents)


def test_cpio_extracts_the_same_bytes_modes_and_links(tmp_path: Path) -> None:
    entries = [
        cpio.file("init", b"#!/bin/sh\n", 0o755),
        cpio.file("a/b/odd", b"123"),
        cpio.symlink("sbin/modprobe", "/init"),
        cpio.directory("proc"),
    ]
    data = b"".join(cpio.archive(entries))
    subprocess.run(["cpio", "-idm", "--quiet"], input=data, cwd=tmp_path, check=True)
    assert (tmp_path / "init").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "init").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "init").stat().st_mtime == 0
    assert (tmp_path / "a/b/odd").read_bytes() == b"123"
    assert (tmp_path / "sbin/modprobe").readlink() == Path("/init")
    assert (tmp_path / "proc").is_dir()


def test_a_device_node_keeps_its_numbers() -> None:
    done = subprocess.run(
        ["cpio", "-tv", "--quiet"],
        input=b"".join(cpio.archive([cpio.device("dev/console", 5, 1)])),
        capture_output=True,
        check=True,
    )
    console = done.stdout.decode().splitlines()[-1].replace(",", " ").split()
    assert console[0] == "crw-------"
    assert console[4:6] == ["5", "1"]


def test_equal_content_in_any_order_gives_equal_bytes() -> None:
    first = {"b/x": b"1", "a": b"2", "b.c": b"3"}
    assert _files(first) == _files(dict(reversed(first.items())))


def test_a_directory_comes_before_what_is_in_it() -> None:
    assert _list(_files({"a/b": b"", "a-b": b"", "a/b.c": b""})) == ["a", "a/b", "a/b.c", "a-b"]


@pytest.mark.parametrize("name", ["", "/init", "a/../b", ".", "a//b", "a/", "./a", "TRAILER!!!", "a\0b"])
def test_a_name_that_is_not_a_plain_relative_path_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="plain relative path"):
        _files({name: b""})


def test_a_name_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="two entries"):
        list(cpio.archive([cpio.file("a", b""), cpio.directory("a")]))
