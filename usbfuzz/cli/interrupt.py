"""Ctrl-C: work that goes on until the user ends it, and prompts that it must always end."""

from __future__ import annotations

import asyncio
import contextlib
import select
import signal
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

__all__ = ["until_interrupted", "waking_interrupts"]

_PATIENCE_S = 0.05  #: in which Python acts on a signal, unless it waits for something else


async def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``; Ctrl-C (SIGINT) and SIGTERM cancel it, which is no error. What it raises passes through."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def waking_interrupts() -> Iterator[None]:
    """Within, Ctrl-C ends whatever the main thread waits for, even when it came just before the waiting began.

    Python notes a signal, and raises KeyboardInterrupt when the main thread executes Python again. What waits in C, as
    a prompt does, is woken by a signal that comes meanwhile, but not by one of a moment before, or of another thread.
    So a thread sends it once more when nobody has acted on it.
    """
    noted, written = socket.socketpair()
    noted.setblocking(False)
    written.setblocking(False)

    def interrupted(number: int, frame: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            noted.recv(64)
        signal.default_int_handler(number, frame)

    former = signal.signal(signal.SIGINT, interrupted)
    before = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    insisting = threading.Thread(target=_insist, args=(noted, threading.get_ident()), name="interrupts", daemon=True)
    insisting.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        signal.signal(signal.SIGINT, former)
        written.close()
        insisting.join()
        noted.close()


def _insist(noted: socket.socket, main: int) -> None:
    """Send SIGINT to the thread ``main`` as long as its number, which Python writes when it notes it, is not read."""
    while True:
        select.select([noted], [], [])
        time.sleep(_PATIENCE_S)
        with contextlib.suppress(BlockingIOError):
            numbers = noted.recv(64, socket.MSG_PEEK)
            if not numbers:
                return
            if signal.SIGINT in numbers:
                signal.pthread_kill(main, signal.SIGINT)
            else:
                noted.recv(len(numbers))
