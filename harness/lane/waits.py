"""What a stage waits for: requests, moments, a guest that has settled; each at most as long as it may take."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from attrs import define, field

from harness.channel.metered import Mark, Metered
from harness.guest.patience import within
from usbfuzz.errors import QemuError

from .outcome import Hitch
from .shared import SharedAgent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence

    from harness.channel.protocol import Channel
    from harness.guest.agent_client import Agent, UEvent
    from usbfuzz.case.model import Case
    from usbfuzz.device import Device

__all__ = ["PROBE_CPU_S", "PROBE_MS", "QUIET_MS", "Waits"]

#: Guest milliseconds without a request after which a device counts as quiet: longer than the 200 ms QEMU waits
#: between a detach and the next attach, the hub's 100 ms debounce and two resets together.
QUIET_MS = 700
#: Wall seconds in which the first request of a well-behaved device comes under a warped clock.
_AT_ONCE_S = 0.01
#: Milliseconds a probe may keep its device plugged in: drivers that wait for register after register of a device that
#: says nothing take minutes otherwise. Unplugging the device ends their waiting.
PROBE_MS = 20_000
#: The same under a warped clock, where waiting costs next to nothing: the kernel reports a task that has been blocked
#: for 120 s, and looks every 120 s. A probe that waits for a silent device for ever is a bug, and shows itself.
PROBE_WARPED_MS = 250_000
#: And in seconds that QEMU computes: a driver that waits busily (mdelay) skips nothing.
PROBE_CPU_S = 0.5
#: Subsystems whose nodes lead to driver code that only runs while somebody has them open.
_OPENABLE = frozenset({"hidraw", "input", "tty", "net", "sound", "video4linux", "usbmisc", "block", "media", "dvb"})


@define
class Waits:
    """The ports of one guest and what is plugged into them, as far as they are waited for."""

    agent: Agent
    ports: Sequence[Channel]
    cpu: Callable[[], float] | None = None  #: CPU seconds that QEMU has had; None: the guest's time is real
    surveying: bool = False  #: look at the devices of each case as a program would, before they are unplugged
    hitches: list[Hitch] = field(factory=list)  #: what of the schedules could not be done
    shared: SharedAgent = field(init=False)
    _plugged: dict[int, Device] = field(factory=dict, init=False)
    _meters: dict[int, Metered] = field(factory=dict, init=False)  #: of the devices whose packets are counted, by port

    @shared.default
    def _share(self) -> SharedAgent:
        return SharedAgent(self.agent)

    @property
    def _usable(self) -> bool:
        """Something has appeared that can be opened."""
        return any(_opens(event) for event in self.shared.events)

    async def _until_requests(self, port: int, count: int) -> None:
        """Wait until the device on ``port`` was asked ``count`` times, or was asked nothing for QUIET_MS."""
        channel, seen = self.ports[port], -1
        while port in self._plugged and not channel.rejected and seen != channel.requests:
            seen = channel.requests
            try:
                if await self._within(channel.wait_requests(count), QUIET_MS):
                    return
            except QemuError:
                if not channel.rejected:
                    raise

    async def _until_packets(self, case: Case, mark: Mark, port: int) -> None:
        """Wait until the device on ``port`` is at ``mark``, also while it is used, or does nothing more."""
        meter = self._meters.get(port)
        if meter is None:
            return
        reached = asyncio.Event()
        meter.stop_at(mark, reached.set)
        await self._at_mark(reached, meter, port)
        if not reached.is_set() and case.guest.exercise and not case.uses:
            await self._either(reached, self._bounded(self._use({port})))
            await self._at_mark(reached, meter, port)
        if not reached.is_set():
            self.hitches.append(Hitch(port, f"the moment never came: {meter.packets} packets were answered"))

    async def _use(self, ports: Collection[int]) -> None:
        """Use what has appeared, once it has settled."""
        await self.shared.settle(ports)
        if self._usable:
            await self.shared.exercise(ports)

    async def _at_mark(self, reached: asyncio.Event, meter: Metered, port: int) -> None:
        """Wait until ``reached``, or until the device was asked nothing for QUIET_MS."""
        channel, seen = self.ports[port], (-1, -1)
        while port in self._plugged and not channel.rejected and seen != (channel.requests, meter.packets):
            seen = (channel.requests, meter.packets)
            if await self._within(_set(reached), QUIET_MS):
                return

    @staticmethod
    async def _either(reached: asyncio.Event, goal: Coroutine[None, None, object]) -> None:
        """Wait for ``goal``, at most until ``reached``."""
        doing, stopped = asyncio.ensure_future(goal), asyncio.ensure_future(_set(reached))
        try:
            await asyncio.wait({doing, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                doing.result()
        finally:
            doing.cancel()
            stopped.cancel()

    async def _settled(self, ports: Collection[int]) -> bool:
        """Wait until enumeration has begun on every port (a request came, or none does), then for hubs and probes.

        They are waited for at most PROBE_MS or PROBE_WARPED_MS; whether they have ended.
        """
        for port in sorted(ports):
            await self._until_requests(port, 1)
        return await self._bounded(self.shared.settle(ports))

    async def _bounded(self, goal: Coroutine[None, None, None]) -> bool:
        """Wait for something that a driver may delay, but not for ever: the next event may end the delay.

        Whether it was reached. What QEMU computes is no limit where runs are compared: what they show must not depend
        on the machine.
        """
        if self.cpu is None:
            return await self._within(goal, PROBE_MS)
        if self.surveying:
            return await self._within(goal, PROBE_WARPED_MS)
        waiting = asyncio.ensure_future(self._within(goal, PROBE_WARPED_MS))
        return await within(waiting, PROBE_CPU_S, self.cpu) and waiting.result()

    async def _within(self, goal: Awaitable[None], ms: int) -> bool:
        """Wait for ``goal``, at least ``ms`` milliseconds of the guest's clock; whether it was reached."""
        reached = asyncio.ensure_future(goal)
        sleep: asyncio.Future[None] | None = None
        try:
            # Most goals are reached at once: no need to wake the guest for a sleep then.
            await asyncio.wait({reached}, timeout=_AT_ONCE_S)
            if not reached.done():
                sleep = asyncio.ensure_future(self.shared.sleep(ms))
                await asyncio.wait({reached, sleep}, return_when=asyncio.FIRST_COMPLETED)
            if sleep is None or reached.done():
                reached.result()
                return True
            sleep.result()
            return False
        finally:
            for task in filter(None, (reached, sleep)):
                task.cancel()


async def _set(reached: asyncio.Event) -> None:
    await reached.wait()


def _opens(event: UEvent) -> bool:
    return event.kind == "add" and event.subsystem in _OPENABLE
