"""QEMUs from a signed archive, through the real apt and dpkg-deb: what is fetched, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from harness.guest.emulators import kept
from usbfuzz.errors import EmulatorError, QemuError

from .archive import LIBRARIES, QemuArchive

BACKPORTS = "debian:bookworm-backports"


def test_a_suites_qemu_comes_with_its_firmware_its_modules_and_the_libraries_this_machine_lacks(
    mirror: QemuArchive,
) -> None:
    found = mirror.get(BACKPORTS)
    tree = Path(found.program).parents[2]
    assert (found.name, found.number) == ("debian:10.0.2-1", "10.0.2")
    assert found.firmware == (tree / "usr/share/qemu", tree / "usr/share/seabios")
    assert found.modules == tree / LIBRARIES / "qemu"
    assert found.libraries == (tree / LIBRARIES,)
    assert found.loader is None
    assert (found.modules / "hw-usb-redirect.so").read_text() == "10.0.2"
    assert (tree / LIBRARIES / "libfdt1.so").read_text() == "1.6.1-4"
    assert [path.name for path in (tree / "usr/bin").iterdir()] == ["qemu-system-x86_64"]
    assert not set(":,") & set(str(tree.relative_to(mirror.cache)))


def test_a_library_that_the_machine_has_is_not_fetched_but_all_of_qemu_is(mirror: QemuArchive) -> None:
    mirror.installed("libfdt1 1.6.1-1", "qemu-system-common 1:10.0.2-1", "qemu-system-data 1:10.0.2-1", "seabios 2-1")
    found = mirror.get(BACKPORTS)
    assert found.libraries == ()
    assert found.modules is not None
    assert len(found.firmware) == 2


def test_a_library_that_is_too_old_on_the_machine_is_fetched(mirror: QemuArchive) -> None:
    mirror.installed("libfdt1 1.5.9-1")
    assert mirror.get(BACKPORTS).libraries


def test_a_library_that_another_one_stands_for_is_fetched_because_its_file_may_have_another_name(
    mirror: QemuArchive,
) -> None:
    mirror.installed("libfdt1t64 9-1, libfdt1 (= 9-1)")
    assert mirror.get(BACKPORTS).libraries


def test_a_newer_c_library_brings_its_own_loader(mirror: QemuArchive) -> None:
    """A script stands for the loader, and does what it does: start the program."""
    loader = f"{LIBRARIES}/ld-linux-x86-64.so.2"
    mirror.qemu("trixie", "1:10.1-1", depends="libc6 (>= 2.41)")
    libc = {f"{LIBRARIES}/libc.so.6": "", loader: '#!/bin/sh\nshift 2\nexec "$@"\n'}
    mirror.package("trixie", "libc6", "2.41-1", libc, source="glibc")
    mirror.archive.publish("trixie")
    mirror.installed("libc6 2.36-9")
    found = mirror.get("debian:trixie")
    tree = Path(found.program).parents[2]
    assert found.number == "10.1"
    assert found.launcher[-3:] == (str(tree / loader), "--library-path", str(tree / LIBRARIES))
    assert not any(word.startswith("LD_LIBRARY_PATH") for word in found.launcher)


def test_what_neither_machine_nor_suite_has_is_named_with_who_needs_it(mirror: QemuArchive) -> None:
    mirror.qemu("trixie", "1:10.1-1", depends="libgone | libgone2 (>= 2)")
    mirror.archive.publish("trixie")
    with pytest.raises(EmulatorError, match="qemu-system-x86 needs libgone or libgone2, which neither this machine"):
        mirror.get("debian:trixie")


def test_a_suite_that_was_asked_before_needs_no_mirror_and_keeps_its_answer_until_refreshed(
    mirror: QemuArchive,
) -> None:
    first = mirror.get(BACKPORTS)
    mirror.qemu("bookworm-backports", "1:10.0.3-1")
    mirror.archive.publish("bookworm-backports")
    assert mirror.get(BACKPORTS) == mirror.get(first.name) == first
    newer = mirror.get(BACKPORTS, refresh=True)
    assert (newer.number, mirror.get(BACKPORTS)) == ("10.0.3", newer)
    shutil.rmtree(mirror.archive.mirror)
    assert mirror.get(BACKPORTS) == newer


def test_an_add_on_suite_without_a_qemu_is_not_taken_for_the_suite_it_goes_with(mirror: QemuArchive) -> None:
    mirror.library("trixie-backports", "libfdt1", "2-1")
    mirror.archive.publish("trixie-backports")
    with pytest.raises(EmulatorError, match="debian:trixie-backports: the suite has no qemu-system-x86"):
        mirror.get("debian:trixie-backports")


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("debian:nowhere", "has no suite nowhere; it may have left the mirrors, or never existed"),
        ("debian:9.9.9", "not kept here; an emulator is fetched by its suite, such as debian:bookworm-backports"),
        ("debian:../..", "not kept here; an emulator is fetched by its suite"),
        ("debian:", "'debian:' is not an emulator; give one of system"),
        ("qemu7", "'qemu7' is not an emulator; give one of system"),
        ("/nowhere/qemu", "/nowhere/qemu: no such file or directory; name a QEMU program or its build tree"),
        ("ubuntu:noble", "no ubuntu archive keys to verify packages with; install the package ubuntu-keyring"),
    ],
)
def test_a_spec_that_means_nothing_is_one_sentence(mirror: QemuArchive, spec: str, why: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        mirror.get(spec)
    assert why in str(raised.value)
    assert "\n" not in str(raised.value)


def test_without_a_mirror_the_line_says_where_to_add_one(mirror: QemuArchive) -> None:
    (mirror.archive.apt_files.etc_apt / "sources.list").write_text("")
    with pytest.raises(EmulatorError, match=r"no debian mirror for bookworm-backports among this machine's package"):
        mirror.get(BACKPORTS)


def test_a_mirror_that_is_gone_is_one_sentence(mirror: QemuArchive) -> None:
    shutil.rmtree(mirror.archive.mirror)
    with pytest.raises(EmulatorError, match="debian:bookworm-backports: "):
        mirror.get(BACKPORTS)


def test_a_package_changed_on_the_mirror_is_refused_and_nothing_is_kept(mirror: QemuArchive) -> None:
    deb = next((mirror.archive.mirror / "pool").glob("qemu-system-common_1%3a10.0.2*"))
    deb.write_bytes(deb.read_bytes()[:-1] + b"!")
    with pytest.raises(EmulatorError, match=r"debian:10\.0\.2-1: apt-get failed: "):
        mirror.get(BACKPORTS)
    _nothing_is_kept(mirror)


def test_a_qemu_built_without_usb_redir_is_refused_and_not_kept(mirror: QemuArchive) -> None:
    mirror.qemu("trixie", "1:10.1-1", lacks="usb-redir")
    mirror.archive.publish("trixie")
    with pytest.raises(QemuError, match="built without usb-redir"):
        mirror.get("debian:trixie")
    _nothing_is_kept(mirror)


def test_an_emulator_that_lost_a_file_is_not_used_and_fetched_again_when_it_is_asked_for(mirror: QemuArchive) -> None:
    first = mirror.get(BACKPORTS)
    assert first.modules is not None
    (first.modules / "hw-usb-redirect.so").write_text("")
    assert first.name not in {known.emulator.name for known in kept(mirror.cache)}
    assert mirror.get(BACKPORTS) == first
    assert (first.modules / "hw-usb-redirect.so").read_text() == "10.0.2"


def test_what_a_killed_fetch_left_is_swept_by_the_next(mirror: QemuArchive) -> None:
    half = mirror.cache / "emulators/tmp-killed/tree/usr/bin"
    half.mkdir(parents=True)
    (half / "qemu-system-x86_64").touch()
    assert {known.emulator.name for known in kept(mirror.cache)} <= {"system"}
    mirror.get(BACKPORTS)
    assert not half.exists()


def _nothing_is_kept(mirror: QemuArchive) -> None:
    left = subprocess.run(["ls", mirror.cache / "emulators"], capture_output=True, text=True, check=True).stdout
    assert set(left.split()) == {"lock"}
