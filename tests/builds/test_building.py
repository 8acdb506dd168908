"""From a spec to a kernel that was built, with a pretended source and the real apt, tar, make and depmod."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.builds import Built, build_kernel
from harness.guest.builds.needs import check_needs, check_place
from harness.guest.kernels import installed, remove, resolve
from harness.guest.kernels.built import build_directory, building, unfinished
from tests.kernels.signed_archive import FakeArchive, Key
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import InfraError, KernelError, StorageError

from .pretended import RELEASE, publish

NAME = "debian:6.1.10-1+kasan"
Build = Callable[..., Built]


@pytest.fixture
def archive(tmp_path: Path, archive_key: Key) -> FakeArchive:
    made = FakeArchive(tmp_path / "archive", archive_key)
    made.prepare()
    return made


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def build(archive: FakeArchive, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    # What compiles a real kernel is not needed for the pretended one, nor is its room.
    monkeypatch.setattr("harness.guest.builds.building.check_needs", lambda arch: check_needs(arch, {"make": "make"}))
    monkeypatch.setattr("harness.guest.builds.needs._ROOM", 1_000_000)

    def build(spec: str = "debian:6.1", *words: str, on_progress: Callable[[str], None] = lambda _: None) -> Built:
        return build_kernel(
            spec, words or ("kasan",), cache, jobs=1, on_progress=on_progress, apt_files=archive.apt_files
        )

    return build


def test_a_built_kernel_is_kept_under_the_name_of_its_version_and_features(
    archive: FakeArchive, build: Build, cache: Path
) -> None:
    publish(archive)
    said: list[str] = []
    built = build(on_progress=said.append)
    assert (built.kernel.name, built.kernel.release) == (NAME, "6.1.10+kasan")
    assert built.left_out == ()
    assert any("compiling: about" in line and "main.o" in line for line in said)
    config = built.kernel.vmlinuz.with_name("config").read_text()
    assert "CONFIG_KASAN=y\n" in config
    assert 'CONFIG_LOCALVERSION="+kasan"\n' in config
    assert "FAT_FS" not in config
    assert [kernel.name for kernel in installed(cache)] == ["debian:6.1.10-1", NAME]
    assert not build_directory(cache, NAME).exists()


def test_a_built_kernel_is_meant_by_its_series_and_built_once(archive: FakeArchive, build: Build, cache: Path) -> None:
    publish(archive)
    built = build()
    shutil.rmtree(archive.mirror)
    for spec in ("debian:6.1+kasan", "debian:6.1.10+kasan", NAME):
        assert resolve(spec, cache) == built.kernel
    assert build() == built
    assert resolve("debian:6.1", cache).release == RELEASE


def test_a_kernel_that_was_not_built_is_answered_with_the_command_that_builds_it(
    archive: FakeArchive, build: Build, cache: Path
) -> None:
    publish(archive)
    with pytest.raises(
        KernelError, match=r"debian:6\.1\+kasan: not built.*usbfuzz kernel build debian:6\.1 --with kasan$"
    ):
        resolve("debian:6.1+kasan", cache)
    build()
    with pytest.raises(KernelError, match=r"--with kasan,kcov \(built so far: debian:6\.1\.10-1\+kasan\)"):
        resolve("debian:6.1+kcov+kasan", cache)


def test_a_build_that_was_stopped_goes_on_and_compiles_nothing_twice(
    archive: FakeArchive, build: Build, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(archive, {"slow-last": b""})
    monkeypatch.setattr("harness.guest.builds.making._EVERY", 0)

    def stop(line: str) -> None:
        if "last.o" in line:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(on_progress=stop)
    assert unfinished(cache) == [NAME]
    assert (cache / "builds/compiled").read_text().split() == ["main"]
    (build_directory(cache, NAME) / "source/slow-last").unlink()
    shutil.rmtree(archive.mirror)  # the source is there already
    build()
    assert (cache / "builds/compiled").read_text().split() == ["main", "last"]
    assert unfinished(cache) == []


def test_a_stopped_build_can_be_given_up(archive: FakeArchive, build: Build, cache: Path) -> None:
    publish(archive, {"last.c": b"error\n"})
    with pytest.raises(KernelError, match=r"make failed: last\.c:1:1: error: it does not compile; .*build\.log"):
        build()
    assert unfinished(cache) == [NAME]
    remove(NAME, cache)
    assert unfinished(cache) == []
    with pytest.raises(KernelError, match="not in"):
        remove(NAME, cache)


def test_two_do_not_build_the_same_kernel(archive: FakeArchive, build: Build, cache: Path) -> None:
    publish(archive)
    with building(build_directory(cache, NAME)):
        with pytest.raises(KernelError, match="another usbfuzz is building there"):
            build()
        with pytest.raises(KernelError, match="another usbfuzz is building there"):
            remove(NAME, cache)


def test_a_feature_that_the_kernel_cannot_have_is_named_with_its_option(archive: FakeArchive, build: Build) -> None:
    publish(archive)
    with pytest.raises(KernelError, match="with fault-injection cannot have CONFIG_FAILSLAB as asked"):
        build("debian:6.1", "fault-injection")


def test_modules_that_the_built_kernel_lacks_are_listed_before_and_after(archive: FakeArchive, build: Build) -> None:
    tuner = "drivers/media/tuners"
    lines = b"obj-$(CONFIG_TUNER) += tuner.o\n"
    publish(archive, {f"{tuner}/Makefile": lines}, (f"kernel/{tuner}/tuner.ko",))
    said: list[str] = []
    assert build(on_progress=said.append).left_out == ("tuner",)
    assert "of the modules that guests have, this kernel leaves out tuner (CONFIG_TUNER)" in said


def test_a_kernel_whose_source_left_the_archive_says_so(archive: FakeArchive, build: Build) -> None:
    archive.kernel("bookworm", "6.1.10-1", RELEASE)
    archive.publish("bookworm")
    with pytest.raises(KernelError, match=r"debian:6\.1\.10-1: bookworm has no linux-source-6\.1 of its version"):
        build()


@pytest.mark.parametrize(
    ("spec", "words", "message"),
    [
        ("debian:6.1", ("kmsan",), "--with kmsan: it can only be built by clang"),
        ("debian:6.1", ("kasan", "asan"), "--with 'asan': no such feature; choose from kasan, kcov, "),
        ("debian:6.1", (" ",), "no such feature"),
        ("ubuntu:noble", ("kasan",), "only Debian's kernels are built here"),
        ("host", ("kasan",), "only Debian's kernels are built here"),
        ("debian:6.1+kasan", ("kasan",), "only Debian's kernels are built here"),
    ],
)
def test_what_cannot_be_built_is_refused_before_anything_is_fetched(
    build: Build, cache: Path, spec: str, words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(KernelError, match=message):
        build(spec, *words)
    assert not cache.exists()


def test_all_missing_packages_are_named_in_one_line_that_installs_them() -> None:
    needs = {"make": "make", "no-such-lexer": "flex", "/no/such/header.h": "libelf-dev"}
    with pytest.raises(InfraError, match=r"needs flex, libelf-dev; install with: apt-get install .* flex libelf-dev$"):
        check_needs(DEFAULT, needs)


def test_a_place_that_make_cannot_take_or_that_is_too_small_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StorageError, match="blank or colon in its name"):
        check_place(tmp_path / "my cache" / "builds", begun=False)
    monkeypatch.setattr("harness.guest.builds.needs._ROOM", 1 << 62)
    with pytest.raises(StorageError, match=r"takes \d+ GB, and .* GB are free"):
        check_place(tmp_path / "builds", begun=False)
    check_place(tmp_path / "builds", begun=True)
