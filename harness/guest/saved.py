"""A booted guest in a file: its memory, which every guest restored from it maps, and behind it the rest of its state.

Each maps the memory for itself (MAP_PRIVATE): pages that it does not write are the page cache's, and what it writes
nobody else sees. The rest is what QEMU sends when it migrates with ``x-ignore-shared``, 0.7 MB.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from attrs import define, evolve, field

from usbfuzz.errors import QemuError, StorageError

from .process import Qemu
from .qemu import Machine, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SUFFIX", "SavedGuest", "new_memory", "save_state", "write_guest"]

SUFFIX = ".guest"  #: of the names of such files
_MIB = 1 << 20
#: Memory is copied in pieces of so many bytes; those that are all zeros become holes in the file.
_PIECE = 1 << 16
_LOOK_S = 0.002  #: wall seconds between two looks at how far QEMU is
_STATE_S = 30.0  #: seconds of QEMU's clock that sending or loading the state may take
_UNDER_WAY = frozenset({"none", "setup", "active", "device", "wait-unplug", "pre-switchover"})


@define
class SavedGuest:
    """The open file of a snapshot: guests can be restored from it even if it is deleted meanwhile."""

    path: Path  #: for messages
    _descriptor: int
    _state: bytes = field(repr=False)

    @classmethod
    def open(cls, path: Path, machine: Machine) -> Self:
        """Open the snapshot of a machine; raises StorageError."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise StorageError(f"{path}: the snapshot cannot be opened: {error.strerror}") from error
        memory = machine.memory_mib * _MIB
        state = os.pread(descriptor, max(0, os.fstat(descriptor).st_size - memory), memory)
        if not state:
            os.close(descriptor)
            raise StorageError(f"{path}: the snapshot is cut off; delete it, it is made anew")
        return cls(path, descriptor, state)

    def close(self) -> None:
        """No guest is restored from it any more."""
        os.close(self._descriptor)

    async def start(self, machine: Machine) -> Qemu:
        """A QEMU with the guest, which stands still until QMP's ``cont``; raises QemuError."""
        qemu = await Qemu.start(evolve(machine, load_snapshot=True, memory=Memory(self._descriptor)))
        await qemu.reach(self._load(qemu), _STATE_S, f"{self.path}: not loaded")
        return qemu

    async def _load(self, qemu: Qemu) -> None:
        path = qemu.machine.migration
        path.unlink(missing_ok=True)
        await _ignore_shared(qemu)
        await qemu.execute("migrate-incoming", uri=f"unix:{path}")
        try:
            _, writer = await asyncio.open_unix_connection(path)
            writer.write(self._state)
            writer.close()
            await writer.wait_closed()
        except OSError as error:
            raise QemuError(f"{self.path}: QEMU does not load it: {error}; {qemu.last_words()}") from error
        while (await qemu.execute("query-status"))["status"] == "inmigrate":
            await asyncio.sleep(_LOOK_S)


def new_memory() -> Memory:
    """Memory for a guest that is to be saved, a file without a name: the caller closes it. Raises StorageError."""
    try:
        return Memory(os.memfd_create("usbfuzz-ram", os.MFD_CLOEXEC), shared=True)
    except OSError as error:
        raise StorageError(f"no memory for the guest: {error.strerror}") from error


async def save_state(qemu: Qemu) -> bytes:
    """All of a guest's state but its memory, a :func:`new_memory`; it stands still from now on. Raises QemuError."""
    path = qemu.machine.migration
    pieces: list[bytes] = []
    ended = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_PIECE):
            pieces.append(piece)
        writer.close()
        ended.set()

    await qemu.execute("stop")
    await _ignore_shared(qemu)
    async with await asyncio.start_unix_server(take, path):
        await qemu.execute("migrate", uri=f"unix:{path}")
        while (status := (await qemu.execute("query-migrate")).get("status", "none")) in _UNDER_WAY:
            await asyncio.sleep(_LOOK_S)
        if status != "completed":
            raise QemuError(
                f"{qemu.machine.emulator.program}: cannot save a guest's state: {status}; {qemu.last_words()}"
            )
        await ended.wait()
    return b"".join(pieces)


def write_guest(path: Path, memory: Memory, mib: int, state: bytes) -> None:
    """Write the file of a snapshot and have it on the disk; raises OSError."""
    with path.open("wb") as file:
        for at, piece in _pieces(memory.descriptor, mib * _MIB):
            file.seek(at)
            file.write(piece)
        file.seek(mib * _MIB)
        file.write(state)
        file.flush()
        os.fsync(file.fileno())


def _pieces(descriptor: int, size: int) -> Iterator[tuple[int, bytes]]:
    """The pieces of a file that are not all zeros, each with its place."""
    zeros = bytes(_PIECE)
    for at in range(0, size, _PIECE):
        piece = os.pread(descriptor, _PIECE, at)
        if piece != zeros[: len(piece)]:
            yield at, piece


async def _ignore_shared(qemu: Qemu) -> None:
    """Memory is no part of the state that is sent."""
    wanted = {"capability": "x-ignore-shared", "state": True}
    await qemu.execute("migrate-set-capabilities", capabilities=[wanted])
