"""Finding out what a guest that no longer moves is doing, and giving it a title."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from usbfuzz.errors import GuestError, QemuError

if TYPE_CHECKING:
    from .agent_client import Agent
    from .process import Qemu

__all__ = ["autopsy"]

_PING = 3.0
_LAST_PING = 0.3  #: of an agent that has not answered for a while
_SPEAK = 6.0


async def autopsy(qemu: Qemu, agent: Agent, *, deaf: bool = False) -> str:
    """Make a hung guest show its stacks on the console, and say in words how it hangs.

    A guest whose agent still answers has a task that never finishes: sysrq ``w`` prints the blocked ones, ``l`` what
    the processor runs. A guest that answers nothing gets an NMI, which the kernel command line's
    ``unknown_nmi_panic`` turns into a panic with the stack of whatever loops. ``deaf`` says that it is no use to wait
    for the agent.
    """
    alive = False
    with contextlib.suppress(TimeoutError, QemuError, GuestError):
        async with asyncio.timeout(_LAST_PING if deaf else _PING):
            await agent.ping()
            alive = True
            await agent.write("/proc/sys/kernel/printk", "8")  # the stacks are printed as mere information
            for key in ("w", "l"):
                await agent.write("/proc/sysrq-trigger", key)
    with contextlib.suppress(QemuError):
        await qemu.execute("inject-nmi")
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_SPEAK):
            await qemu.exited()
    return "a probe or hub never returned" if alive else "the whole guest stopped"
