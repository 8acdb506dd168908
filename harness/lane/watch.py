"""Ends a round of a warped guest that hangs, or that goes on after a crash.

Wall time says nothing there: on a busy machine a round may take long and be fine. What counts is how long QEMU has
computed, since a guest that only waits costs next to nothing: in all, and since the agent last answered. A QEMU that
computes nothing at all is stuck. A crash that is on the console while the round still goes on ends it as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from usbfuzz.errors import GuestError, QemuError

from .verdicts import may_run_on, shown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from usbfuzz.triage import Report

__all__ = ["Watch", "WatchedGuest"]

#: Seconds of QEMU's CPU time after which a round counts as hung. The kernel's own detectors report earlier: a lockup
#: (8 s of busy guest time) takes about 1.5 s of CPU time, a hung task (120 s of idle guest time) a tenth of one.
_HANG_CPU_S = 6.0
#: The same without an answer of the agent: a processor that loops with interrupts off runs no detector either.
_DEAF_CPU_S = 3.0
#: Wall seconds between two looks, and how often what the guest says is taken meanwhile: a kernel that says the same
#: over and over has overwritten the first of it after a fifth of a second.
_LOOK_S = 1.0
_TAKEN = 20
#: Seconds that QEMU computes until a round has ended by itself after the guest has reported a crash and runs on; to a
#: guest that idles these are minutes.
_GRACE_CPU_S = 1.0
#: Wall seconds in which QEMU computes nothing, which no guest under a warped clock lets it do: it jumps, or is served.
_STUCK_S = 60.0


class WatchedGuest(Protocol):
    """What can be seen of a guest from outside while a round is played."""

    @property
    def cpu_seconds(self) -> float:
        """CPU time of its QEMU so far."""

    def peek_console(self) -> str:
        """What it printed since the round began."""

    def keep_up(self) -> None:
        """Take what it has said before it is lost."""

    async def ping(self) -> None:
        """Return once its agent has answered; raises QemuError, GuestError."""


@define
class Watch:
    """Watches ``guest`` for one round."""

    guest: WatchedGuest
    known: Sequence[Report]  #: bugs whose warnings do not end a round
    warped: bool  #: the guest's clock jumps over idle time; in real time the round's own limit is enough
    reported: bool = False  #: the round was ended because the guest had reported a crash, not because it hangs
    deaf: bool = False  #: it was ended because the agent did not answer
    _computed: float = field(default=0.0, init=False)  #: CPU seconds at the last look
    _moved: float = field(factory=time.monotonic, init=False)  #: when they had last become more

    @contextlib.asynccontextmanager
    async def over(self, limit: asyncio.Timeout) -> AsyncIterator[None]:
        """Watch while the block runs; to end it, ``limit`` is set to now, so that it raises TimeoutError."""
        if not self.warped:
            yield
            return
        watching = asyncio.create_task(self._watch(limit))
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self, limit: asyncio.Timeout) -> None:
        guest = self.guest
        begun = heard = guest.cpu_seconds
        async with asyncio.TaskGroup() as group:
            ping: asyncio.Task[bool] | None = None  # short rounds are not worth one
            while guest.cpu_seconds < min(begun + _HANG_CPU_S, heard + _DEAF_CPU_S) and not self._stuck():
                for _ in range(_TAKEN):
                    await asyncio.sleep(_LOOK_S / _TAKEN)
                    guest.keep_up()
                console = guest.peek_console()
                if (reports := shown(console)) and not may_run_on(console, reports, self.known):
                    await self._grace()
                    self.reported = True
                    break
                if ping is None or (ping.done() and ping.result()):
                    heard = guest.cpu_seconds
                    ping = group.create_task(_answers(guest))
            self.deaf = not self.reported and guest.cpu_seconds >= heard + _DEAF_CPU_S
            if ping is not None:
                ping.cancel()
        limit.reschedule(asyncio.get_running_loop().time())

    async def _grace(self) -> None:
        """Give the guest time to get its words out."""
        until = self.guest.cpu_seconds + _GRACE_CPU_S
        while self.guest.cpu_seconds < until and not self._stuck():
            await asyncio.sleep(_LOOK_S / 4)

    def _stuck(self) -> bool:
        """Whether QEMU has computed nothing for long."""
        now, computed = time.monotonic(), self.guest.cpu_seconds
        if computed != self._computed:
            self._computed, self._moved = computed, now
        return now >= self._moved + _STUCK_S


async def _answers(guest: WatchedGuest) -> bool:
    with contextlib.suppress(GuestError, QemuError):
        await guest.ping()
        return True
    return False
