"""Work that goes on until the user ends it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

__all__ = ["until_interrupted"]


async def until_interrupted(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work``; Ctrl-C (SIGINT) and SIGTERM cancel it, which is no error. What it raises passes through."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
