"""The cache on disk: incomplete entries are never used, and processes do not disturb each other."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import subprocess
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from harness.guest.kernels import Kernel, default_cache, installed, resolve
from harness.guest.kernels.cache import KernelStore
from harness.guest.kernels.command import CommandError, run
from usbfuzz.errors import KernelError, StorageError

from .signed_archive import bzimage

SPAWN = multiprocessing.get_context("spawn")


def add(store: KernelStore, name: str, release: str = "6.1.0-1-amd64") -> Kernel:
    with store.writing(), store.workspace() as workspace:
        built = workspace / "built"
        modules = built / "lib/modules" / release
        modules.mkdir(parents=True)
        (modules / "modules.dep").touch()
        (built / "vmlinuz").write_bytes(bzimage(release))
        return store.add(name, release, built)


@pytest.fixture
def store(tmp_path: Path) -> KernelStore:
    return KernelStore(tmp_path)


@pytest.mark.parametrize("name", ["debian:6.1.192-2", "debian:6.12.43-1~bpo12+1", "tree:/home/é x/linux,2", "host"])
def test_a_kernel_is_found_under_its_name_in_a_directory_qemu_can_take(store: KernelStore, name: str) -> None:
    kernel = add(store, name)
    assert store.load(name) == kernel
    assert not set(":,") & set(kernel.vmlinuz.relative_to(store.cache).as_posix())


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"name": "debian:1"}', '{"name": 1, "release": 2, "sha256": 3, "fingerprint": 4}']
)
def test_a_broken_record_makes_the_entry_not_there(store: KernelStore, content: str) -> None:
    kernel = add(store, "debian:1")
    (kernel.vmlinuz.parent / "kernel.json").write_text(content)
    assert store.load("debian:1") is None
    assert store.records() == []
    assert store.holds("debian:1")


def test_an_entry_moved_to_another_name_is_not_believed(store: KernelStore) -> None:
    kernel = add(store, "debian:1")
    kernel.vmlinuz.parent.rename(store.directory / "debian_2")
    assert store.load("debian:2") is None


def test_a_new_entry_replaces_the_old_one_of_its_name(store: KernelStore) -> None:
    add(store, "debian:1", "1.0")
    kernel = add(store, "debian:1", "2.0")
    assert store.load("debian:1") == kernel
    assert [path.name for path in store.directory.glob("*/")] == ["debian_1"]


@pytest.mark.parametrize("content", ["", "[]", "null", "{"])
def test_broken_answers_are_forgotten(store: KernelStore, content: str) -> None:
    with store.writing():
        store.remember("debian:sid", "debian:1")
    assert store.answer("debian:sid") == "debian:1"
    (store.directory / "answers.json").write_text(content)
    assert store.answer("debian:sid") is None


def test_dropping_a_kernel_forgets_the_answers_that_named_it(store: KernelStore) -> None:
    add(store, "debian:1")
    with store.writing():
        store.remember("debian:sid", "debian:1")
        store.remember("debian:trixie", "debian:2")
        assert store.drop("debian:1")
        assert not store.drop("debian:1")
    assert json.loads((store.directory / "answers.json").read_text()) == {"debian:trixie": "debian:2"}


def hold(directory: Path, half_made: Event) -> None:
    """Take the lock, build half an entry, and hang."""
    store = KernelStore(directory)
    with store.writing(), store.workspace() as workspace:
        (workspace / "built").mkdir()
        (workspace / "built" / "vmlinuz").write_bytes(b"half")
        half_made.set()
        signal.pause()


def test_a_maker_killed_half_way_leaves_nothing_and_blocks_nobody(store: KernelStore) -> None:
    half_made = SPAWN.Event()
    maker = SPAWN.Process(target=hold, args=(store.cache, half_made))
    maker.start()
    assert half_made.wait(60)
    assert installed(store.cache) == []
    assert list(store.directory.glob("tmp-*/"))
    maker.kill()
    maker.join()
    with store.writing():
        assert list(store.directory.glob("tmp-*/")) == []


def write_when_free(directory: Path, waiting: Event) -> None:
    with KernelStore(directory).writing(waiting.set):
        (directory / "written").touch()


def test_writers_wait_for_each_other_and_say_so(store: KernelStore) -> None:
    waiting = SPAWN.Event()
    other = SPAWN.Process(target=write_when_free, args=(store.cache, waiting))
    with store.writing():
        other.start()
        assert waiting.wait(60)
        other.join(0.3)
        assert other.is_alive()
        assert not (store.cache / "written").exists()
    other.join(60)
    assert other.exitcode == 0
    assert (store.cache / "written").exists()


def test_a_tool_that_outlives_its_maker_keeps_the_lock(store: KernelStore) -> None:
    waiting = SPAWN.Event()
    other = SPAWN.Process(target=write_when_free, args=(store.cache, waiting))
    with store.writing():
        (descriptor,) = (int(path.name) for path in Path("/proc/self/fd").iterdir() if path.resolve().name == "lock")
        assert os.get_inheritable(descriptor)
        tool = subprocess.Popen(["sleep", "60"], close_fds=False)
    other.start()
    assert waiting.wait(60)
    other.join(0.3)
    assert other.is_alive()
    tool.kill()
    tool.wait()
    other.join(60)
    assert (store.cache / "written").exists()


def test_the_default_cache_is_private_and_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("USBFUZZ_CACHE", raising=False)
    assert default_cache() == tmp_path / "xdg/usbfuzz"
    assert stat.S_IMODE(default_cache().stat().st_mode) == 0o700
    monkeypatch.setenv("USBFUZZ_CACHE", str(tmp_path / "own"))
    assert default_cache() == tmp_path / "own"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file")
    with pytest.raises(StorageError, match=rf"{blocked}/kernels: .*set USBFUZZ_CACHE"):
        resolve("debian:bookworm", blocked)


def test_a_full_disk_is_our_failure_and_names_the_directory(tmp_path: Path) -> None:
    argv = ["dd", "if=/dev/zero", "of=/dev/full", "count=1"]
    with pytest.raises(StorageError, match="no space left; free some, or set USBFUZZ_CACHE"):
        run(argv, package="coreutils", storage=tmp_path)


def test_a_missing_tool_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(KernelError, match="no-such-tool is not installed; install the package some-package"):
        run(["no-such-tool"], package="some-package", storage=tmp_path)


def test_a_failing_tool_is_one_sentence_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"ls failed: .*No such file or directory"):
        run(["ls", os.fspath(tmp_path / "nothing")], package="coreutils", storage=tmp_path)
