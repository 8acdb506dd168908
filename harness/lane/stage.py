"""Plays the plug schedules of one round: several cases side by side, each on ports of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from attrs import define, field

from harness.guest.patience import within
from harness.guest.place import buses_of
from usbfuzz.case.model import Action
from usbfuzz.errors import GuestError, InfraError, QemuError
from usbfuzz.load import player

from .outcome import Played
from .shared import SharedAgent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence

    from harness.channel.protocol import Channel
    from harness.guest.agent_client import Agent, UEvent
    from harness.guest.survey import Seen
    from usbfuzz.case.model import Case, Event
    from usbfuzz.device import Device

__all__ = ["HANG_MS", "PROBE_CPU_S", "PROBE_MS", "QUIET_MS", "Stage", "places"]

#: Guest milliseconds without a request after which a device counts as quiet: longer than the 200 ms QEMU waits
#: between a detach and the next attach, the hub's 100 ms debounce and two resets together.
QUIET_MS = 700
#: Wall seconds in which the first request of a well-behaved device comes under a warped clock.
_AT_ONCE_S = 0.01
#: Guest milliseconds a probe may keep its device plugged in: drivers that wait for register after register of a
#: device that says nothing take minutes otherwise. Unplugging the device ends their waiting.
PROBE_MS = 20_000
#: The same under a warped clock in seconds that QEMU computes: a driver that waits busily (mdelay) skips nothing.
PROBE_CPU_S = 0.5
#: Guest milliseconds after the last unplug in which everything must have ended, or the guest counts as hung. Half an
#: hour, because QEMU's xHCI leaves unanswered what a probe goes on to send to a device that is gone: each request costs
#: its driver 5 s, where a real port would refuse it at once.
HANG_MS = 1_800_000
#: Subsystems whose nodes lead to driver code that only runs while somebody has them open.
_OPENABLE = frozenset({"hidraw", "input", "tty", "net", "sound", "video4linux", "usbmisc", "block", "media", "dvb"})


def places(cases: Sequence[Case], ports: int) -> list[dict[int, int]] | None:
    """Where each case's ports go so that none share one, or None when they do not all fit.

    A case alone keeps its own numbers; several are packed in order.
    """
    used = [sorted({event.port for event in case.events}) for case in cases]
    if len(cases) == 1:
        return [{port: port for port in used[0]}] if max(used[0], default=0) < ports else None
    if sum(map(len, used)) > ports:
        return None
    free = iter(range(ports))
    return [{port: next(free) for port in mine} for mine in used]


@define
class Stage:
    """The ports of one guest, and the devices plugged into them.

    All that waits for the guest raises QemuError or GuestError when the guest is lost.
    """

    agent: Agent
    ports: Sequence[Channel]
    cpu: Callable[[], float] | None = None  #: CPU seconds that QEMU has had; None: the guest's time is real
    surveying: bool = False  #: look at the devices of each case as a program would, before they are unplugged
    plugs: int = 0
    requests: int = 0  #: of all devices that were plugged in and are not any more
    worst_reply: float = 0.0  #: seconds, the slowest answer of any of them
    userspace: tuple[Seen, ...] | None = None  #: what was seen then; None when it was not looked at
    played: list[Played] = field(factory=list)  #: the devices that were plugged in and are not any more
    shared: SharedAgent = field(init=False)
    _plugged: dict[int, Device] = field(factory=dict, init=False)
    _names: dict[int, str] = field(factory=dict, init=False)  #: of the devices plugged in last, by port

    def __attrs_post_init__(self) -> None:
        self.shared = SharedAgent(self.agent)

    async def play(self, case: Case, place: Mapping[int, int]) -> None:
        """Play one case's schedule to its end: settled, exercised, everything unplugged, settled again.

        Raises TimeoutError when the guest does not settle then, QemuError and GuestError when it is lost before.
        """
        mine = set(place.values())
        await self.perform(case, place)
        await self._settled(mine)
        if case.guest.exercise and any(_opens(event) for event in self.shared.events):
            await self._bounded(self.shared.exercise())
        if case.guest.exercise and self.surveying:
            await self._survey(mine)
        for port in sorted(mine & self._plugged.keys()):
            await self.unplug(port)
        if not await self._within(self.shared.settle(mine), HANG_MS):
            raise TimeoutError(
                f"a hub or a probe was still busy {HANG_MS // 1000} s of guest time after the last unplug"
            )

    async def perform(self, case: Case, place: Mapping[int, int]) -> None:
        """Do the events of one case in order, each at its time; what is plugged in at the end stays plugged in."""
        for event in case.events:
            await self._wait(event, place)
            await self._do(case, event, place[event.port])

    async def plug(self, port: int, device: Device, name: str = "") -> None:
        """Plug ``device`` in, by what its case calls it; a device that is still in the port is unplugged first."""
        if port in self._plugged:
            await self.unplug(port)
        await self.ports[port].plug(device)
        self._plugged[port] = device
        self._names[port] = name
        self.plugs += 1

    async def settle(self) -> None:
        """Return once all that is plugged in is enumerated and every probe has returned, or has taken too long."""
        await self._settled(self._plugged.keys())

    async def unplug(self, port: int) -> None:
        """Unplug the device in ``port``, if there is one."""
        device = self._plugged.pop(port, None)
        if device is not None:
            try:
                await self.ports[port].unplug()
            finally:
                self._count(port, device)

    async def reset(self, port: int) -> None:
        """Have the host reset the device on ``port``, whichever of the controller's two buses it is on."""
        for bus in buses_of(port):
            with contextlib.suppress(GuestError):  # no device there, or it cannot be reset: an event without effect
                await self._bounded(self.agent.reset(f"{bus}-1"))

    def count_rest(self) -> None:
        """Count the requests of devices that were not unplugged because the guest died first."""
        while self._plugged:
            self._count(*self._plugged.popitem())

    def _count(self, port: int, device: Device) -> None:
        channel = self.ports[port]
        configured = bool(device.configuration)
        self.played.append(Played(port, self._names.get(port, ""), channel.asked, configured=configured))
        self.requests += channel.requests
        self.worst_reply = max(self.worst_reply, channel.worst_reply)

    async def _do(self, case: Case, event: Event, port: int) -> None:
        match event.action:
            case Action.PLUG:
                if event.device is None:
                    raise InfraError(f"event plug on port {event.port} names no device")
                spec = case.devices[event.device]
                await self.plug(port, player(spec), spec.name)
            case Action.UNPLUG:
                await self.unplug(port)
            case Action.RESET:
                await self.reset(port)

    async def _wait(self, event: Event, place: Mapping[int, int]) -> None:
        """Wait until the event's time has come; devices of other cases in the round are not waited for."""
        if event.after_requests is not None:
            await self._until_requests(place[event.port], event.after_requests)
        elif event.after_ms is not None:
            await self.agent.sleep(event.after_ms)
        elif not self._plugged.keys().isdisjoint(mine := set(place.values())):
            await self._settled(mine)

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

    async def _survey(self, ports: Collection[int]) -> None:
        """Look at what is plugged in; the guest gives up by itself what does not answer."""
        buses = sorted(bus for port in self._plugged.keys() & set(ports) for bus in buses_of(port))
        found = await self.agent.survey(buses) if buses else ()
        self.userspace = (*(self.userspace or ()), *found)

    async def _settled(self, ports: Collection[int]) -> None:
        """Wait until enumeration has begun on every port (a request came, or none does), then for hubs and probes.

        They are waited for at most PROBE_MS: a probe that never ends shows when its device is unplugged.
        """
        for port in sorted(ports):
            await self._until_requests(port, 1)
        await self._bounded(self.shared.settle(ports))

    async def _bounded(self, goal: Coroutine[None, None, None]) -> None:
        """Wait for something that a driver may delay, but not for ever: the next event may end the delay.

        What QEMU computes is no limit where runs are compared: what they show must not depend on the machine.
        """
        if self.cpu is None or self.surveying:
            await self._within(goal, PROBE_MS)
        else:
            await within(self._within(goal, PROBE_MS), PROBE_CPU_S, self.cpu)

    async def _within(self, goal: Coroutine[None, None, None], ms: int) -> bool:
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


def _opens(event: UEvent) -> bool:
    return event.kind == "add" and event.subsystem in _OPENABLE
