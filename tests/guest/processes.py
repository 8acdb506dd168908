"""Which QEMUs run, for tests that want none to be left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import psutil

__all__ = ["alive", "qemus", "until"]


def qemus(root: int | None = None) -> list[psutil.Process]:
    """QEMUs below process ``root`` (this one by default) that still run."""
    found = []
    for process in psutil.Process(root).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("qemu-system") and alive(process.pid):
                found.append(process)
    return found


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and was not waited for does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def until(condition: Callable[[], object], seconds: float) -> None:
    """Wait for it, and fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
