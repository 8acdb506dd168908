"""What every worker process does besides its work: keep out of the terminal's reach, say how it ends, end in time."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from usbfuzz.errors import UsbfuzzError

from .messages import Ended, Failed, Order, Reply, Start, WorkerMessages
from .procs import clean_exit_or_die, die_with_parent
from .upstream import PipeUpstream, Upstream, take_stdout

__all__ = ["Work", "run_worker"]

#: The work of one kind of worker process: obeys orders until there will be no more. What it adds to the stack is done
#: afterwards, in little time. An UsbfuzzError is reported to the command and ends the worker.
Work = Callable[[Start, Upstream[Order, Reply], AsyncExitStack], Coroutine[Any, Any, None]]


def run_worker(parent: int, messages: WorkerMessages[Start, Order, Reply], work: Work[Start, Order, Reply]) -> int:
    """Do ``work`` until it ends or the process ``parent`` does; an exit status. Standard output is for messages."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the command, which then ends its workers
    die_with_parent(parent)
    return asyncio.run(_serve(take_stdout(), messages, work))


async def _serve(channel: int, messages: WorkerMessages[Start, Order, Reply], work: Work[Start, Order, Reply]) -> int:
    upstream = await PipeUpstream.open(channel, messages)
    line = await upstream.receive_line()
    if line is None:
        return 0
    gc.freeze()
    gc.disable()  # a collection in the middle of a run would be a late answer
    try:
        async with AsyncExitStack() as cleanup:
            working = asyncio.create_task(work(messages.start.decode(line), upstream, cleanup))
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
            try:
                await working
            finally:
                clean_exit_or_die()  # a thread that waits for a lock or a disk must not keep the process
    except asyncio.CancelledError:
        return 1
    except UsbfuzzError as error:
        upstream.send(Failed(type(error).__name__, str(error)))
        return 1
    upstream.send(Ended())
    return 0
