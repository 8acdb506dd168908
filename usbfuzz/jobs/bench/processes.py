"""What processes hold, as /proc tells it: memory, open files, threads, children (proc_pid_status(5))."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from harness.guest.saved import SUFFIX

__all__ = ["Held", "Running", "children_of", "descriptors_of", "held_by", "marked", "resident"]

_TICKS = os.sysconf("SC_CLK_TCK")
#: A mapping in smaps and its file (proc_pid_smaps(5)), and a guest's memory among them: how much of that a guest has
#: written to says how long it has run, and not whether its QEMU grows.
_MAPPING = re.compile(rb"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)")
_GUEST = re.compile(rb"/.*" + re.escape(SUFFIX.encode()) + rb"(?: \(deleted\))?")
_GONE = (FileNotFoundError, ProcessLookupError)
_STATE, _PARENT, _THREADS, _STARTED = 0, 1, 17, 19  #: of the fields behind the command's name (proc_pid_stat(5))


@frozen
class Running:
    """A process that has not been waited for."""

    pid: int
    parent: int
    started: float  #: seconds since this machine was booted; with ``pid`` it is this process and no other
    threads: int
    zombie: bool  #: it has ended
    words: tuple[str, ...]  #: of its command line; none of a zombie

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.started

    @property
    def name(self) -> str:
        """Of its program, for people."""
        return " ".join(word for word in self.words[:3]) or "ended"


@frozen
class Held:
    """What a process holds at one moment."""

    memory: int  #: bytes; of what it shares with others its share (PSS); without a guest's
    descriptors: int
    threads: int


def running(pid: int) -> Running | None:
    """The process with this id; None when there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]
    except _GONE:
        return None
    return Running(
        pid=pid,
        parent=int(fields[_PARENT]),
        started=int(fields[_STARTED]) / _TICKS,
        threads=int(fields[_THREADS]),
        zombie=fields[_STATE] in (b"Z", b"X"),
        words=tuple(word.decode(errors="replace") for word in words),
    )


def held_by(process: Running) -> Held | None:
    """What a process holds now; None when it has ended."""
    memory = _memory(process.pid, b"Pss:")
    return Held(memory, descriptors_of(process.pid), process.threads) if memory else None


def marked(name: str, value: str) -> Iterator[Running]:
    """The processes of this user in whose environment NAME was VALUE when they were started, wherever they hang now.

    A zombie has no environment any more; it is found among the children of a process that has.
    """
    mark = f"{name}={value}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in path.read_bytes().split(b"\0") and (found := running(int(path.parent.name))) is not None:
                yield found
                yield from (
                    child for pid in children_of(found.pid) if (child := running(pid)) is not None and child.zombie
                )


def children_of(pid: int) -> frozenset[int]:
    """The processes that a process has started and not waited for."""
    children: set[int] = set()
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            children.update(int(child) for child in path.read_text().split())
    return frozenset(children)


def descriptors_of(pid: int) -> int:
    """How many files a process has open; 0 when it has ended."""
    with contextlib.suppress(OSError):
        return sum(1 for _ in os.scandir(f"/proc/{pid}/fd"))
    return 0


def resident(pid: int) -> int:
    """Bytes of memory that are a process's now, shared ones included, a guest's not; 0 when it has ended."""
    return _memory(pid, b"Rss:")


def _memory(pid: int, row: bytes) -> int:
    """What a row of smaps adds up to, in bytes."""
    kib, counts = 0, False
    with contextlib.suppress(*_GONE, PermissionError):
        for line in Path(f"/proc/{pid}/smaps").read_bytes().splitlines():
            if line.startswith(row):
                kib += int(line.split()[1]) if counts else 0
            elif (mapping := _MAPPING.fullmatch(line)) is not None:
                counts = _GUEST.fullmatch(mapping[1]) is None
    return kib << 10
