"""Names for copies of the cache's kernels: they change when a kernel is another one, and only then."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import resolve
from harness.guest.kernels.keys import kernels_key
from usbfuzz.errors import KernelError

from .signed_archive import FakeArchive, Key

KeyOf = Callable[..., str]


@pytest.fixture
def archive(tmp_path: Path, archive_key: Key) -> FakeArchive:
    made = FakeArchive(tmp_path / "archive", archive_key)
    made.prepare()
    made.kernel("bookworm", "6.1.10-1", "6.1.0-1-amd64")
    made.publish("bookworm")
    return made


@pytest.fixture
def key_of(archive: FakeArchive, tmp_path: Path) -> KeyOf:
    """The key of these specs on a machine with nothing in its cache; or in ``cache``."""
    asked = 0

    def key_of(*specs: str, cache: Path | None = None) -> str:
        nonlocal asked
        asked += 1
        return kernels_key(specs, cache or tmp_path / f"fresh-{asked}", apt_files=archive.apt_files)

    return key_of


def test_order_and_repetition_do_not_matter_and_a_further_kernel_does(key_of: KeyOf) -> None:
    key = key_of("debian:6.1.10-1", "debian:5.10.223-1")
    assert re.fullmatch(r"kernels-[0-9a-f]{16}", key)
    assert key == key_of("debian:5.10.223-1", "debian:6.1.10-1", "debian:5.10.223-1")
    assert key != key_of("debian:6.1.10-1")


def test_a_version_is_named_without_a_mirror(tmp_path: Path) -> None:
    assert kernels_key(["debian:6.1.10-1"], tmp_path / "cache") == kernels_key(["debian:6.1.10-1"], tmp_path / "other")
    assert not list(tmp_path.iterdir())


def test_a_suite_and_a_series_are_what_the_mirror_has(archive: FakeArchive, key_of: KeyOf) -> None:
    before = key_of("debian:bookworm")
    assert before == key_of("debian:bookworm") == key_of("debian:6.1") == key_of("debian:6.1.10-1")
    archive.kernel("bookworm", "6.1.12-1", "6.1.0-2-amd64")
    (archive.mirror / "dists" / "bookworm" / "InRelease").unlink()
    archive.publish("bookworm")
    after = key_of("debian:bookworm")
    assert after == key_of("debian:6.1.12-1") != before


def test_where_the_cache_knows_the_answer_it_counts(archive: FakeArchive, key_of: KeyOf, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    resolve("debian:bookworm", cache, apt_files=archive.apt_files)
    before = key_of("debian:bookworm", cache=cache)
    archive.kernel("bookworm", "6.1.12-1", "6.1.0-2-amd64")
    (archive.mirror / "dists" / "bookworm" / "InRelease").unlink()
    archive.publish("bookworm")
    assert key_of("debian:bookworm", cache=cache) == before
    resolve("debian:bookworm", cache, refresh=True, apt_files=archive.apt_files)
    assert key_of("debian:bookworm", cache=cache) == key_of("debian:6.1.12-1") != before


def test_kernels_of_this_machine_do_not_count(key_of: KeyOf, tmp_path: Path) -> None:
    assert key_of("debian:6.1.10-1", f"dir:{tmp_path}", "host") == key_of("debian:6.1.10-1")


def test_what_is_no_kernel_and_what_was_not_built_is_said(key_of: KeyOf) -> None:
    with pytest.raises(KernelError, match=r"'6\.1' is not a kernel"):
        key_of("6.1")
    with pytest.raises(KernelError, match="not built here yet"):
        key_of("debian:6.1.10-1+kasan")
