"""Processes beside a command's own: tied to their parent's life, pinned to a core, moved out of the way."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal

from usbfuzz.errors import InfraError

__all__ = ["GRACE", "clean_exit_or_die", "die_with_parent", "kill_group", "lower_priority", "pin"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

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


def pin(cpu: int | None) -> None:
    """Keep this process, and what it starts from now on, on one core; ``None`` and an absent core leave it free."""
    if cpu is not None:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(0, {cpu})


def lower_priority(niceness: int) -> None:
    """Yield to the processes that answer a guest: a late answer under a warped clock is a wrong answer."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, niceness)


def kill_group(leader: int) -> None:
    """SIGKILL to a process started as leader of its own group and to all it started there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
