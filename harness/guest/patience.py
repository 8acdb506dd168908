"""Waiting for a guest on a machine that is busy with other things.

There the wall's clock says nothing of what the guest had time for. What a warped guest's QEMU has computed does: such a
guest never rests, as its clock jumps over what it would wait.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["within"]


async def within(
    goal: Awaitable[object], seconds: float, clock: Callable[[], float], *, most: float | None = None
) -> bool:
    """Await ``goal`` until ``clock`` has gone on by ``seconds``, and cancel it then; whether it was reached.

    ``most`` wall seconds are waited, as a QEMU that is stuck computes nothing. What ``goal`` raises passes through.
    """
    task = asyncio.ensure_future(goal)
    loop = asyncio.get_running_loop()
    until, over = clock() + seconds, None if most is None else loop.time() + most
    try:
        while not task.done():
            left = until - clock()
            if over is not None:
                left = min(left, over - loop.time())
            if left <= 0:
                return False
            await asyncio.wait({task}, timeout=left)
        task.result()
        return True
    finally:
        if task.cancel():
            await asyncio.wait({task})
