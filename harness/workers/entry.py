"""What every worker process does beside its work: begin out of the terminal's reach, end in time."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from .child import take_stdout
from .procs import clean_exit_or_die, die_with_parent

__all__ = ["run_worker", "until_over"]


def run_worker(parent: int, serve: Callable[[int], Coroutine[Any, Any, int]]) -> int:
    """Run ``serve``, given the descriptor for messages, until it ends or ``parent`` does; its exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the command's
    die_with_parent(parent)
    return asyncio.run(serve(take_stdout()))


async def until_over(work: Coroutine[Any, Any, int], close: Callable[[], Awaitable[None]]) -> int:
    """The exit status ``work`` ends with, 1 when SIGTERM ends it; ``close`` has little time then, as always."""
    gc.freeze()
    gc.disable()  # a collection in the middle of a run would be a late answer
    working = asyncio.create_task(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    try:
        return await working
    except asyncio.CancelledError:
        return 1
    finally:
        clean_exit_or_die()
        await close()
