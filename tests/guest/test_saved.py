"""The file of a booted guest: memory with holes, and the rest of the state behind it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest.qemu import Memory
from harness.guest.saved import SavedGuest, new_memory, write_guest
from usbfuzz.errors import StorageError

from .test_qemu import MACHINE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MIB = 1 << 20
_SMALL = evolve(MACHINE, memory_mib=8)


@pytest.fixture
def memory() -> Iterator[Memory]:
    made = new_memory()
    os.ftruncate(made.descriptor, 8 * _MIB)
    yield made
    os.close(made.descriptor)


def test_memory_is_in_the_file_as_it_is_and_the_state_behind_it(tmp_path: Path, memory: Memory) -> None:
    os.pwrite(memory.descriptor, b"code", 3 * _MIB + 5)
    path = tmp_path / "saved.guest"
    write_guest(path, memory, 8, b"state")
    content = path.read_bytes()
    assert len(content) == 8 * _MIB + 5
    assert content[3 * _MIB + 5 :][:4] == b"code"
    assert content.count(0) == 8 * _MIB - 4
    assert path.stat().st_blocks * 512 < _MIB  # memory that nobody wrote to takes no room
    saved = SavedGuest.open(path, _SMALL)
    assert saved._state == b"state"
    saved.close()


def test_memory_for_a_guest_is_shared_with_who_saves_it(memory: Memory) -> None:
    assert memory.shared


@pytest.mark.parametrize("size", [0, 4 * _MIB, 8 * _MIB])
def test_a_snapshot_that_is_cut_off_is_named(tmp_path: Path, size: int) -> None:
    path = tmp_path / "saved.guest"
    path.write_bytes(b"")
    os.truncate(path, size)
    with pytest.raises(StorageError, match=r"saved\.guest: the snapshot is cut off; delete it"):
        SavedGuest.open(path, _SMALL)


def test_a_snapshot_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"saved\.guest: the snapshot cannot be opened: No such file"):
        SavedGuest.open(tmp_path / "saved.guest", _SMALL)
