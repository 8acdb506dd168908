"""Which kind of channel a lane's guest has: this is the only module to change for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.usbredir.server import Port

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.channel.protocol import Channel
    from harness.channel.scheduler import Clock
    from harness.guest.qemu import Machine

__all__ = ["open_channels"]


async def open_channels(machine: Machine, clock: Clock) -> Sequence[Channel]:
    """The channels of a machine that runs, one for each port; raises QemuError. ``clock`` waits in guest time."""
    return [await Port.connect(machine.redir(port), clock) for port in range(machine.ports)]
