"""Asking a guest that no longer moves what it is doing."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from usbfuzz.errors import GuestError, QemuError

if TYPE_CHECKING:
    from .agent_client import Agent
    from .process import Qemu

__all__ = ["autopsy"]

_PING_S = 3.0  #: wall seconds for the agent to answer and to make the kernel print
_LAST_PING_S = 0.3  #: the same when the agent has not answered for a while
_PANIC_S = 6.0  #: seconds of QEMU's clock for the panic to be printed, after which it exits


async def autopsy(qemu: Qemu, agent: Agent, *, deaf: bool = False) -> str:
    """Make a hung guest show its stacks on the console, and say in words how it hangs.

    A guest whose agent still answers has a task that never finishes: sysrq ``w`` prints the blocked ones, ``l`` what
    the processor runs. A guest that answers nothing gets an NMI, which the kernel command line's
    ``unknown_nmi_panic`` turns into a panic with the stack of whatever loops. ``deaf``: the agent has not answered for
    a while already, so it is waited for only briefly.
    """
    alive = False
    with contextlib.suppress(TimeoutError, QemuError, GuestError):
        async with asyncio.timeout(_LAST_PING_S if deaf else _PING_S):
            await agent.ping()
            alive = True
            await agent.write("/proc/sys/kernel/printk", "8")  # the stacks are printed as mere information
            for key in ("w", "l"):
                await agent.write("/proc/sysrq-trigger", key)
    with contextlib.suppress(QemuError):
        await qemu.execute("inject-nmi")
    await qemu.exits_within(_PANIC_S)
    return "a probe or hub never returned" if alive else "the whole guest stopped"
