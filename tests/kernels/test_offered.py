"""The kernels there are to choose from: those of the archives and of the cache, each version once, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.guest.kernels.cache import KernelStore
from harness.guest.kernels.offered import by_version, kept, offered, series_of

from .signed_archive import FakeArchive, Key, bzimage, module_files
from .test_archive import archive, cache, get, keys

__all__ = ["archive", "cache", "get", "keys"]  # fixtures


def _keep(cache: Path, name: str) -> None:
    """Put a kernel into the cache."""
    store = KernelStore(cache)
    with store.writing(), store.workspace() as workspace:
        built = workspace / "built"
        for path, content in {"vmlinuz": bzimage("6.1.0-1-amd64"), **module_files("lib/modules/6.1.0-1-amd64")}.items():
            (built / path).parent.mkdir(parents=True, exist_ok=True)
            (built / path).write_bytes(content)
        store.add(name, "6.1.0-1-amd64", built)


def test_what_the_archives_offer_and_the_cache_has_is_in_the_order_of_versions(
    archive: FakeArchive, cache: Path
) -> None:
    archive.kernel("bookworm", "6.1.9-1", "6.1.0-0-amd64")
    archive.publish("bookworm")
    _keep(cache, "debian:5.10.223-1")
    assert offered(cache, apt_files=archive.apt_files) == [*("debian:5.10.223-1", "debian:6.1.9-1", "debian:6.1.10-1")]
    assert kept(cache) == ["debian:5.10.223-1"]


def test_a_version_that_was_built_for_several_releases_is_there_once(archive: FakeArchive, cache: Path) -> None:
    archive.kernel("bookworm", "6.1.10-1~deb11u1", "6.1.0-0.deb11.1-amd64")
    archive.publish("bookworm")
    assert offered(cache, apt_files=archive.apt_files) == ["debian:6.1.10-1"]
    _keep(cache, "debian:6.1.10-1~deb11u1")
    assert offered(cache, apt_files=archive.apt_files) == ["debian:6.1.10-1~deb11u1"]


def test_an_archive_that_cannot_be_trusted_is_said_and_left_out(
    archive: FakeArchive, cache: Path, keys: tuple[Key, Key]
) -> None:
    archive.publish("bookworm", keys[1])
    said: list[str] = []
    assert offered(cache, on_progress=said.append, apt_files=archive.apt_files) == []
    assert any(line.startswith("without the kernels of bookworm: ") for line in said)


def test_without_an_archive_there_is_what_the_cache_has(archive: FakeArchive, cache: Path) -> None:
    (archive.apt_files.etc_apt / "sources.list").unlink()
    _keep(cache, "debian:6.1.10-1")
    assert offered(cache, apt_files=archive.apt_files) == ["debian:6.1.10-1"]


def test_kernels_that_were_built_here_are_none_of_the_distribution(cache: Path) -> None:
    _keep(cache, "debian:6.1.10-1+kasan")
    assert kept(cache) == []


@pytest.mark.parametrize(("name", "series"), [("debian:6.1.192-2", "6.1"), ("debian:7.3.4-1~bpo13+1", "7.3")])
def test_a_kernel_belongs_to_a_series(name: str, series: str) -> None:
    assert series_of(name) == series


def test_versions_are_ordered_as_dpkg_does() -> None:
    ordered = ["debian:5.10.223-1", "debian:5.10.262-1", "debian:6.1.9-1", "debian:6.1.10-1~bpo1", "debian:6.1.10-1"]
    assert by_version(reversed(ordered)) == ordered
