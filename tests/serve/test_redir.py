"""Who comes to the socket of ``serve``, without a QEMU: one at a time, and a device of the user's that fails."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from attrs import define, field

from harness.channel.said import Said
from usbfuzz.device import Device
from usbfuzz.errors import InputError
from usbfuzz.jobs.serve import serve_connecting, serve_listening
from usbfuzz.load import Loaded
from usbfuzz.models.hid.pointers import BootMouse

HELLO = 68  #: bytes of ours: a header of 12 without 64-bit ids, version, capabilities


@define
class Watcher:
    notes: list[str] = field(factory=list)
    device_errors: list[Exception] = field(factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def device_error(self, error: Exception) -> None:
        self.device_errors.append(error)

    def transfer(self, at: float, said: Said) -> None:
        pass


@pytest.fixture
def path() -> Iterator[Path]:
    """With a name short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="serve") as name:
        yield Path(name) / "s"


def _gone(watcher: Watcher, times: int) -> bool:
    return sum("QEMU is gone" in note for note in watcher.notes) == times


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _serving(work: Awaitable[None]) -> AsyncIterator[None]:
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _come(path: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    await _until(path.exists)
    return await asyncio.open_unix_connection(path)


def test_the_second_who_comes_is_refused_and_the_next_after_the_first_is_served(path: Path) -> None:
    async def run() -> None:
        watcher = Watcher()
        async with _serving(serve_listening(Loaded("mouse", "mouse", BootMouse), path, watcher)):
            first, gone = await _come(path)
            assert len(await first.readexactly(HELLO)) == HELLO
            second, other = await _come(path)
            assert await second.read() == b""
            other.close()
            assert sum("another QEMU was refused" in note for note in watcher.notes) == 1
            gone.close()
            await _until(lambda: any("QEMU is gone" in note for note in watcher.notes))
            third, last = await _come(path)
            await third.readexactly(HELLO)
            last.close()
        assert not path.exists()

    asyncio.run(run())


def test_a_device_that_cannot_be_made_is_told_and_the_next_try_is_served(path: Path) -> None:
    disks = iter((False, True))

    def make() -> Device:
        if not next(disks):
            raise InputError("mine.py:4: no disk")
        return BootMouse()

    async def run() -> None:
        watcher = Watcher()
        async with _serving(serve_listening(Loaded("mine", "mine.py", make), path, watcher)):
            for times in (1, 2):
                reader, writer = await _come(path)
                await reader.readexactly(HELLO)
                writer.close()
                await _until(partial(_gone, watcher, times))
        assert [str(error) for error in watcher.device_errors] == ["mine.py:4: no disk"]

    asyncio.run(run())


def test_where_qemu_listens_it_is_waited_for_and_found_again_after_a_restart(path: Path) -> None:
    async def run() -> None:
        watcher, greeted = Watcher(), 0

        async def qemu(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal greeted
            await reader.readexactly(HELLO)
            greeted += 1
            writer.close()

        def greeted_times(times: int) -> bool:
            return greeted >= times

        async with _serving(serve_connecting(Loaded("mouse", "mouse", BootMouse), path, watcher)):
            await _until(lambda: watcher.notes == [f"nobody listens at {path}; waiting for QEMU"])
            for times in (1, 2):
                async with await asyncio.start_unix_server(qemu, path):
                    await _until(partial(greeted_times, times))
                path.unlink(missing_ok=True)

    asyncio.run(run())
