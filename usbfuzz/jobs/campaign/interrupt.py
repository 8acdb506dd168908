"""Ctrl-C, and being told to end, while an event loop runs."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

__all__ = ["interrupted_by"]


@contextlib.contextmanager
def interrupted_by(handler: Callable[[], None]) -> Iterator[None]:
    """Have ``handler`` called for each SIGINT and SIGTERM."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, handler)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
