"""What processes need: an end together with their parent, a core, a priority, an answer in time."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from usbfuzz.arch import by_uname
from usbfuzz.errors import InfraError

__all__ = [
    "GRACE",
    "answering_first",
    "clean_exit_or_die",
    "core_of",
    "die_with_parent",
    "kill_group",
    "lower_priority",
    "may_answer_first",
    "pin",
    "usable_cores",
]

_PR_SET_PDEATHSIG = 1  #: linux/prctl.h

#: struct sched_attr (linux/sched/types.h): size, policy, flags, nice, priority, runtime, deadline, period.
_SCHED_ATTR = struct.Struct("=IIQiIQQQ")
#: The shortest time slice the kernel grants (kernel/sched/syscalls.c).
_SLICE_NS = 100_000

#: Seconds a process gets to close what it holds once it is told to end.
GRACE = 10


def die_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send ``number`` to this process when the thread that started it ends (prctl(2)).

    ``parent`` is the process id this one was started by: a parent that ended before the call is noticed too.
    Raises InfraError when the kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
        raise InfraError(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def clean_exit_or_die(seconds: int = GRACE) -> None:
    """From here on the process has ``seconds`` to end by itself: then SIGALRM ends it, stuck or not."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)


def core_of(lane: int) -> int:
    """The core that lane number ``lane`` stays on: the cores this process may use, in turn."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[lane % len(cores)]


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0))


def pin(cpu: int | None) -> None:
    """Keep this process, and what it starts from now on, on one core; ``None`` and an absent core leave it free."""
    if cpu is not None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {cpu})


@contextlib.contextmanager
def answering_first() -> Iterator[None]:
    """Have this thread and what it starts meanwhile share one core, in the shortest of time slices.

    A guest started by its server then stands still while the server works: a thread that wakes up waits for others
    no longer than their slices, if at all (EEVDF, which can be asked for a slice from Linux 6.12 on). Where that does
    not work (see :func:`may_answer_first`) nothing happens.
    """
    free = os.sched_getaffinity(0)
    if not _set_slice(_SLICE_NS):
        yield
        return
    if len(free) > 1:
        pin(ctypes.CDLL(None).sched_getcpu())
    try:
        yield
    finally:
        _set_slice(0)
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, free)


@cache
def may_answer_first() -> bool:
    """Whether :func:`answering_first` works on this machine; tried in a thread that does nothing else."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_set_slice, _SLICE_NS).result()


def _set_slice(ns: int) -> bool:
    """Ask for a time slice of ``ns``, 0 for the kernel's own; whether it was granted."""
    arch = by_uname(platform.machine())
    if arch is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    set_attributes, get_attributes = arch.sched_calls
    libc = ctypes.CDLL(None)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = _SCHED_ATTR.pack(_SCHED_ATTR.size, os.SCHED_OTHER, 0, nice, 0, ns, 0, 0)
    granted = ctypes.create_string_buffer(_SCHED_ATTR.size)
    if libc.syscall(set_attributes, 0, wanted, 0):
        return False
    if libc.syscall(get_attributes, 0, granted, _SCHED_ATTR.size, 0):
        return False
    return bool(_SCHED_ATTR.unpack(granted.raw)[5] == ns)


def lower_priority(niceness: int) -> None:
    """Yield to the processes that answer a guest: a late answer under a warped clock is a wrong answer."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


def kill_group(leader: int) -> None:
    """SIGKILL to a process started as leader of its own group and to all it started there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
