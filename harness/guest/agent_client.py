"""asyncio client of the guest agent, over the unix socket of QEMU's virtio-serial port.

The peer is a kernel under attack: what it sends is bounded, checked and never trusted. Malformed lines end
the connection with GuestError; a connection that drops fails every pending call with QemuError.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
from collections import deque
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from attrs import frozen

from usbfuzz.errors import GuestError, QemuError

from .survey import Seen, seen_in
from .uevent import UEvent
from .uses import Ended, ends_in

__all__ = ["PROTOCOL_VERSION", "Agent", "Ran", "UEvent"]

PROTOCOL_VERSION = 5

_LINE_BYTES = 4096  #: the longest line in either direction, newline included (LINE_BYTES in agent.h)
_DATA_BYTES = 32 << 20  #: the agent's own limit
_EVENTS = 50_000  #: between two settles; more than the kernel's queue can hold
_CHUNK = 1 << 18  #: bytes that are read ahead at most
_NUMBER_DIGITS = 9  #: of a count in a reply
_STDIN_BYTES = 1 << 20  #: of a program's input (INPUT_BYTES in run.c)
_PIECE = 1900  #: bytes sent in one line, as twice as many hex digits
_REPLY = re.compile(rb"([0-9]{1,20}) (ok|error|data)(?: (.*))?")
#: Wall seconds after which a connection on which the agent does not answer is made anew.
_ANSWER_S = 5.0
_STATUS = re.compile(rb"(-?[0-9]{1,3})\n")
_READY = re.compile(rb"\* ready ([0-9]{1,9}) (\S{1,128})")


@frozen
class Ran:
    """How a program of the guest ended."""

    status: int  #: its exit status; -N when signal N ended it, -9 also when its time was over
    output: bytes  #: what it wrote to stdout and stderr, in order, at most 1 MiB: the rest is dropped


class Agent:
    """A connection to one agent. Calls may overlap; each waits for its own reply.

    Every call raises GuestError when the agent answers ``error`` or sends nonsense, QemuError when the connection is
    gone. None has a time limit of its own: the guest's clock is not the wall's, so the caller decides
    (``asyncio.timeout``).
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.release = ""  #: the guest kernel's release, once the agent said it
        self._reader = reader
        self._writer = writer
        self._pending: dict[int, asyncio.Future[bytes]] = {}
        self._events: deque[UEvent] = deque()
        # Replies of an earlier connection to the same (restored) guest must not look like ours.
        self._next_id = secrets.randbelow(1 << 40) << 20
        self._first_id = self._next_id + 1
        self._failure: GuestError | QemuError | None = None
        self._reading = asyncio.create_task(self._read_all(), name="agent reader")

    @classmethod
    async def connect(cls, path: Path) -> Agent:
        """Connect to QEMU's listening socket and wait until the agent answers, also while the guest still boots.

        Raises QemuError when QEMU does not listen on it.
        """
        while True:
            agent = await cls._open(path)
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await agent.ping()
            except TimeoutError:
                # A virtio port whose last reader left in the middle of an answer can stay throttled until the next
                # one leaves (QEMU 7.2, virtio_serial_close).
                await agent.close()
            except BaseException:
                await agent.close()
                raise
            else:
                return agent

    @classmethod
    async def _open(cls, path: Path) -> Agent:
        try:
            reader, writer = await asyncio.open_unix_connection(path, limit=_CHUNK)
        except OSError as error:
            raise QemuError(
                f"{path}: cannot connect to the agent's port ({error.strerror}); is QEMU running?"
            ) from error
        writer.write(b"\n")  # ends what an earlier connection may have left half sent
        return cls(reader, writer)

    async def close(self) -> None:
        """Drop the connection; the guest goes on. Pending calls fail with QemuError."""
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading
        self._fail(QemuError("the connection to the guest agent was closed"))
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def ping(self, text: str = "") -> str:
        """The text, from the guest and back."""
        return (await self._call("ping", text)).decode("ascii", "replace")

    async def sleep(self, ms: int) -> None:
        """Return after ``ms`` milliseconds of guest time."""
        await self._call("sleep", str(ms))

    async def settle(self, ms: int, buses: Iterable[int] = ()) -> list[UEvent]:
        """Wait ``ms`` guest milliseconds, then until no USB device is being probed or removed on ``buses`` (none: all).

        Returns what happened since the last settle, wherever, in order.
        """
        await self._call("settle", str(ms), *map(str, buses))
        events, self._events = list(self._events), deque()
        return events

    async def exercise(self, ms: int, buses: Iterable[int] = ()) -> int:
        """Use what appeared on ``buses``, or on all, since it was used last, for ``ms`` guest milliseconds.

        How many things were opened.
        """
        return _number(await self._call("exercise", str(ms), *map(str, buses)))

    def new_key(self) -> int:
        """A number for something that is fed."""
        self._next_id += 1
        return self._next_id

    async def use(self, key: int, program: bytes, ms: int, patience: int, buses: Iterable[int]) -> None:
        """Play a program (:func:`usbfuzz.uses.compiled`) on what there is on ``buses``; :meth:`used` tells its end.

        Returns once it has ended or only waits for the unplug, or after ``ms`` of guest time. It waits for a node that
        is not there yet for at most ``patience`` of them.
        """
        play = self._call("use", *map(str, (key, ms, patience, *buses)))
        await asyncio.gather(*self._feeding(key, program), play)

    async def used(self, key: int, ms: int) -> tuple[str, tuple[Ended, ...]]:
        """How a program ended, within ``ms`` of guest time or by being killed then, and each of its steps."""
        return ends_in(await self._call("used", str(key), str(ms), data=True))

    async def validate(self) -> int:
        """Make the kernel check its kmalloc slabs (it reports to the console); how many caches were checked."""
        return _number(await self._call("validate"))

    async def load(self, *names: str) -> None:
        """Load modules of the image with their dependencies."""
        await self._call("load", *names)

    async def unload(self, name: str) -> None:
        """Remove a module; one that somebody uses stays, which is an error."""
        await self._call("unload", name)

    async def reset(self, buspath: str) -> None:
        """Reset the USB device with this sysfs name (``3-1``)."""
        await self._call("reset", buspath)

    async def read(self, path: str) -> bytes:
        """A file below /proc, /sys or /lib/modules, at most 32 MiB."""
        return await self._call("read", path, data=True)

    async def write(self, path: str, text: str) -> None:
        """Write to a file below /proc/sys or /sys."""
        await self._call("write", path, text)

    async def kmsg(self) -> str:
        """The kernel's whole log buffer."""
        return (await self._call("kmsg", data=True)).decode("utf-8", "replace")

    async def lsusb(self) -> dict[str, bytes]:
        """Raw descriptors (device, then configurations) of each USB device, by sysfs name."""
        listing = (await self._call("lsusb", data=True)).decode("ascii", "replace")
        try:
            return {
                name: bytes.fromhex(text) for name, _, text in (line.partition(" ") for line in listing.splitlines())
            }
        except ValueError as error:
            raise GuestError("the guest agent listed USB devices that are not hex; the guest is corrupted") from error

    async def survey(self, buses: Iterable[int] = ()) -> tuple[Seen, ...]:
        """What user space sees of the USB devices on ``buses``, or on all: nodes and classes, asked as a program would.

        Waits first until 2 guest seconds have passed without a uevent of these buses.
        """
        return seen_in(await self._call("survey", *map(str, buses), data=True))

    async def mark(self, text: str) -> None:
        """Print ``usbfuzz: TEXT`` on the guest's console."""
        await self._call("mark", text)

    async def run(self, argv: Sequence[str], seconds: float, stdin: bytes = b"") -> Ran:
        """Run a program of the image for at most ``seconds`` of guest time, then kill its process group.

        ``argv[0]`` is a name below ``/bin`` or a path; 127 is the status of one that does not exist. There is no shell
        but the one asked for (``("sh", "-c", …)``). At most 1900 bytes of arguments and 1 MiB of ``stdin``, else
        ValueError.
        """
        packed = "".join(f"{argument}\0" for argument in argv).encode()
        if not argv or packed.count(0) != len(argv) or len(packed) > _PIECE:
            raise ValueError(f"not a program and at most {_PIECE} bytes of arguments without NUL: {argv!r:.80}")
        if len(stdin) > _STDIN_BYTES:
            raise ValueError(f"{len(stdin)} bytes are more than a program's input may have ({_STDIN_BYTES})")
        key = self.new_key()
        await asyncio.gather(*self._feeding(key, stdin))
        told = str(key) if stdin else "-"
        answer = await self._call("run", str(round(seconds * 1000)), told, packed.hex(), data=True)
        head = _STATUS.match(answer)
        if head is None:
            raise GuestError("the guest agent did not say how a program ended; the guest is corrupted")
        return Ran(int(head[1]), answer[head.end() :])

    def _feeding(self, key: int, raw: bytes) -> Iterator[Coroutine[None, None, bytes]]:
        return (self._call("feed", str(key), raw[at : at + _PIECE].hex()) for at in range(0, len(raw), _PIECE))

    async def _call(self, verb: str, *words: str, data: bool = False) -> bytes:
        line = " ".join((verb, *words)).rstrip(" ")
        if not line.isascii() or "\n" in line or len(line) > _LINE_BYTES - 32:
            raise ValueError(f"not one short line of ASCII: {line[:80]!r}")
        if self._failure is not None:
            raise self._failure
        self._next_id += 1
        number = self._next_id
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            self._writer.write(f"{number} {line}\n".encode())
            kind, _, body = (await future).partition(b" ")
        finally:
            self._pending.pop(number, None)
        if kind == b"error":
            raise GuestError(f"guest agent, {line[:80]}: {body.decode('ascii', 'replace')}")
        if (kind == b"data") != data:
            raise GuestError(f"guest agent, {line[:80]}: the answer has the wrong form; the guest is corrupted")
        return body

    async def _read_all(self) -> None:
        try:
            await self._skip_leftovers()
            while True:
                line = await self._reader.readuntil(b"\n")
                if len(line) > _LINE_BYTES:
                    self._nonsense(line)
                await self._take(line[:-1])
        except GuestError as error:
            self._fail(error)
        except asyncio.LimitOverrunError:
            self._fail(GuestError("the guest agent sent an endless line; the guest is corrupted"))
        except (asyncio.IncompleteReadError, OSError):
            self._fail(QemuError("QEMU closed the connection to the guest agent"))

    async def _skip_leftovers(self) -> None:
        """Read on to the answer of the first call: QEMU and the guest may still hold an answer to an earlier host."""
        first = b"%d ok" % self._first_id
        while True:
            try:
                line = (await self._reader.readuntil(b"\n"))[:-1]
            except asyncio.LimitOverrunError as error:
                await self._reader.readexactly(error.consumed)
                continue
            if ready := _READY.search(line):
                self._take_event(ready[0])
            elif line.rstrip(b" ").endswith(first):
                await self._take(first)
                return

    async def _take(self, line: bytes) -> None:
        if line.startswith(b"* "):
            self._take_event(line)
            return
        reply = _REPLY.fullmatch(line)
        if reply is None:
            self._nonsense(line)
        number, kind, text = int(reply[1]), reply[2], reply[3] or b""
        if kind == b"data":
            text = await self._take_data(line, text)
        future = self._pending.get(number)
        # An unknown number is an answer to a call that was given up, or to one from before a snapshot was restored.
        if future is not None and not future.done():
            future.set_result(kind + b" " + text)

    async def _take_data(self, line: bytes, text: bytes) -> bytes:
        if not text.isdigit() or len(text) > len(str(_DATA_BYTES)) or int(text) > _DATA_BYTES:
            self._nonsense(line)
        body = await self._reader.readexactly(int(text) + 1)
        if body[-1:] != b"\n":
            self._nonsense(body[-80:])
        return body[:-1]

    def _take_event(self, line: bytes) -> None:
        ready = _READY.fullmatch(line)
        if ready is not None:
            if int(ready[1]) != PROTOCOL_VERSION:
                raise GuestError(
                    f"the guest agent speaks protocol {int(ready[1])}, not {PROTOCOL_VERSION}; rebuild the image"
                )
            self.release = ready[2].decode("ascii", "replace")
            return
        event = UEvent.parse(line[2:].decode("ascii", "replace"))
        if event is None or len(self._events) >= _EVENTS:
            self._nonsense(line)
        self._events.append(event)

    def _nonsense(self, line: bytes) -> NoReturn:
        raise GuestError(f"the guest agent sent nonsense ({line[:80]!r}); the guest is corrupted")

    def _fail(self, failure: GuestError | QemuError) -> None:
        if self._failure is None:
            self._failure = failure
        for future in self._pending.values():
            if not future.done():
                future.set_exception(self._failure)
        self._pending.clear()


def _number(text: bytes) -> int:
    if not text.isdigit() or len(text) > _NUMBER_DIGITS:
        raise GuestError(f"the guest agent answered {text[:40]!r} where a number belongs; the guest is corrupted")
    return int(text)
