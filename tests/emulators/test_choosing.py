"""Which emulator runs a guest, and what the user is told of it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.emulators import (
    SYSTEM,
    Emulator,
    Sight,
    default_emulator,
    emulator_for,
    kept,
    remove,
    resolve,
    use,
)
from harness.guest.emulators.store import EmulatorStore, Settings
from tests.guest.wrapped import script
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import EmulatorError, QemuError, StorageError

from .archive import QemuArchive, qemu_script

OLD = Emulator("/old", version="QEMU emulator version 7.2.22 (Debian)", sees=frozenset({Sight.COVERAGE}))
NEW = Emulator("/new", "debian:10.0.2-1", sees=frozenset(Sight))


@pytest.fixture(autouse=True)
def own_qemu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A QEMU 7.2 on PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.delenv("USBFUZZ_EMULATOR", raising=False)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    return Path(script(directory / "qemu-system-x86_64", qemu_script("7.2.22")))


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A QEMU that the user has built."""
    return script(tmp_path / "mine", qemu_script("11.0.50"))


def test_the_default_is_what_sees_most_and_of_two_alike_the_machines_own() -> None:
    assert default_emulator([OLD, NEW]) is NEW
    assert default_emulator([OLD, evolve(OLD, name="other")]) is OLD


def test_a_guest_runs_on_what_was_decided_until_another_is_asked_for(cache: Path, mine: str, own_qemu: Path) -> None:
    assert emulator_for(DEFAULT, cache).program == str(own_qemu)
    assert use(mine, cache).number == "11.0.50"
    assert emulator_for(DEFAULT, cache).program == mine
    assert emulator_for(DEFAULT, cache, SYSTEM).program == str(own_qemu)
    assert use(SYSTEM, cache).number == "7.2.22"
    assert emulator_for(DEFAULT, cache).name == SYSTEM


def test_the_environment_chooses_for_one_run(cache: Path, mine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USBFUZZ_EMULATOR", mine)
    assert emulator_for(DEFAULT, cache).program == mine
    monkeypatch.setenv("USBFUZZ_EMULATOR", "nothing-like-it")
    with pytest.raises(EmulatorError, match="'nothing-like-it' is not an emulator; give one of system"):
        emulator_for(DEFAULT, cache)


def test_default_takes_a_decision_back(cache: Path, mine: str) -> None:
    use(mine, cache)
    assert use("default", cache).name == SYSTEM
    assert EmulatorStore(cache).settings == Settings("", (mine,))


def test_a_fetched_emulator_is_used_by_its_suite_or_its_version(mirror: QemuArchive) -> None:
    found = mirror.get("debian:bookworm-backports")
    for name in ("debian:bookworm-backports", "debian:10.0.2-1"):
        assert use(name, mirror.cache) == emulator_for(DEFAULT, mirror.cache) == found


def test_the_list_has_the_machines_own_the_fetched_and_the_users_and_marks_the_used(
    mirror: QemuArchive, mine: str
) -> None:
    mirror.get("debian:bookworm-backports")
    use(mine, mirror.cache)
    listed = [(known.emulator.name, known.used) for known in kept(mirror.cache)]
    assert listed == [(SYSTEM, False), ("debian:10.0.2-1", False), (mine, True)]


def test_a_used_emulator_that_is_removed_is_no_longer_used(mirror: QemuArchive, mine: str) -> None:
    mirror.get("debian:bookworm-backports")
    for name in ("debian:bookworm-backports", mine):
        use(name, mirror.cache)
        remove(name, mirror.cache)
        assert emulator_for(DEFAULT, mirror.cache).name == SYSTEM
    assert [known.emulator.name for known in kept(mirror.cache)] == [SYSTEM]
    assert Path(mine).exists()


def test_removing_what_is_not_kept_says_where_to_look(cache: Path) -> None:
    with pytest.raises(EmulatorError, match="debian:trixie: not kept here; usbfuzz emulator list shows what is"):
        remove("debian:trixie", cache)


def test_a_users_qemu_that_vanished_is_said_to_have_and_the_list_leaves_it_out(cache: Path, mine: str) -> None:
    use(mine, cache)
    Path(mine).unlink()
    with pytest.raises(EmulatorError, match=f"{mine}: no such file or directory"):
        emulator_for(DEFAULT, cache)
    assert [known.emulator.name for known in kept(cache)] == [SYSTEM]


def test_without_any_qemu_the_line_names_the_package(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert kept(cache) == []
    with pytest.raises(QemuError, match="install Debian's qemu-system-x86 package"):
        emulator_for(DEFAULT, cache)


@pytest.mark.parametrize("content", ["", "[]", '{"used": 7, "own": "x"}', '{"used": null, "own": [1]}', "\xff"])
def test_broken_settings_are_forgotten(cache: Path, content: str) -> None:
    (cache / "emulators").mkdir(parents=True)
    (cache / "emulators/settings.json").write_text(content, encoding="latin-1")
    assert EmulatorStore(cache).settings == Settings()
    assert emulator_for(DEFAULT, cache).name == SYSTEM


@pytest.mark.parametrize(
    ("sees", "blindness"),
    [
        (set(), "has no plugin interface: no coverage, no heap checks"),
        ({Sight.COVERAGE}, "has no plugin registers: coverage only, no heap checks"),
        ({Sight.COVERAGE, Sight.REGISTERS}, ""),
    ],
)
def test_what_an_emulator_does_not_see_is_told_in_words(sees: set[Sight], blindness: str) -> None:
    assert evolve(OLD, sees=frozenset(sees)).blindness == blindness
    assert OLD.number == "7.2.22"


def test_a_cache_that_is_a_file_is_one_sentence(tmp_path: Path, mine: str) -> None:
    (tmp_path / "cache").touch()
    with pytest.raises(StorageError, match="set USBFUZZ_CACHE"):
        resolve(mine, tmp_path / "cache")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_cache_is_one_sentence_and_keeps_nothing(mirror: QemuArchive) -> None:
    mirror.cache.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40k", "tmpfs", mirror.cache], check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        with pytest.raises(StorageError, match="no space left; free some, or set USBFUZZ_CACHE"):
            mirror.get("debian:bookworm-backports")
        assert EmulatorStore(mirror.cache).names() == []
    finally:
        subprocess.run(["umount", mirror.cache], check=True)
