"""The processors of a guest but the first, which are started when it has booted, and what they have to do."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from usbfuzz.errors import GuestError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .agent_client import Agent

__all__ = ["dealt", "start_processors"]

#: A line of /proc/interrupts, of a device on the PCI bus: the interrupt, and which device that is. Before 6.2 its
#: bus, device and function are in the upper bits of a number (pci_msi_domain_calc_hwirq).
_INTERRUPT = re.compile(r"^ *([0-9]{1,4}):.* PCI-MSI(?:X?-([0-9a-f:.]{1,16}) | *([0-9]{1,9})-edge)")
_FUNCTION_SHIFT = 11  #: bits of that number that tell a device's own interrupts apart
_LINES = 2000  #: of /proc/interrupts that are looked at
_SETTLED_MS = 500  #: guest milliseconds for what a new processor sets in motion
_RUN_S = 60.0  #: guest seconds for a shell to write some files


def dealt(table: str, processors: int) -> list[tuple[int, int]]:
    """Each interrupt of a PCI device in /proc/interrupts, and the processor for all interrupts of that device."""
    owners: dict[str, int] = {}
    number = count()
    found = []
    for line in table.split("\n")[:_LINES]:
        if match := _INTERRUPT.match(line):
            interrupt, name, raw = match.groups()
            device = name or str(int(raw) >> _FUNCTION_SHIFT)
            if device not in owners:
                owners[device] = next(number) % processors
            found.append((int(interrupt), owners[device]))
    return found


async def start_processors(agent: Agent, processors: int) -> None:
    """Start all of ``processors``, and deal the devices' interrupts out to them.

    What a driver's interrupt sets in motion mostly runs on the same processor, so that each has its share. Raises
    GuestError when the kernel has not so many, QemuError.
    """
    if processors == 1:
        return
    for number in range(1, processors):
        await agent.write(f"/sys/devices/system/cpu/cpu{number}/online", "1")
    table = (await agent.read("/proc/interrupts")).decode("ascii", "replace")
    await _set(agent, dealt(table, processors))
    await agent.settle(_SETTLED_MS)


async def _set(agent: Agent, pairs: Iterable[tuple[int, int]]) -> None:
    lines = [f"echo {processor} > /proc/irq/{interrupt}/smp_affinity_list" for interrupt, processor in pairs]
    ran = await agent.run(("sh", "-e"), _RUN_S, "\n".join([*lines, ":"]).encode())
    if ran.status:
        raise GuestError(f"the devices' interrupts cannot be dealt out: {ran.output[:200].decode('ascii', 'replace')}")
