"""Plays the plug schedules of one round: several cases side by side, each on ports of its own."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from attrs import define, field

from harness.channel.metered import Mark, Metered, Mood, metered
from harness.guest.place import buses_of
from usbfuzz.case.model import Action
from usbfuzz.errors import GuestError, InfraError
from usbfuzz.load import player

from .outcome import Hitch, Played
from .uses import Users
from .waits import Waits
from .ways import Ways

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Mapping, Sequence

    from harness.guest.survey import Seen
    from usbfuzz.case.model import Case, DeviceSpec, Event
    from usbfuzz.device import Device

__all__ = ["HANG_MS", "Stage", "places"]

#: Guest milliseconds after the last unplug in which everything must have ended, or the guest counts as hung. Half an
#: hour, because QEMU's xHCI leaves unanswered what a probe goes on to send to a device that is gone: each request costs
#: its driver 5 s, where a real port would refuse it at once.
HANG_MS = 1_800_000
#: Guest milliseconds for which a device that is being pulled answers with errors: until nothing was asked of it for the
#: first of them, or the next, and so on. A quarter of a second in all, in which a hub has noticed.
_FADING_MS = (2, 4, 8, 16, 32, 64, 128)
#: Guest milliseconds for which a device that stopped at a moment waits for what the guest does to it meanwhile.
_BEGUN_MS = 20
_REASON = 200  #: characters that are kept of why something cannot be done
#: Actions that are done to the device itself, from then on.
_MOODS = {Action.SILENCE: Mood.SILENT, Action.STALL: Mood.STALLS}


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
class Stage(Waits):
    """The ports of one guest, and the devices plugged into them.

    All that waits for the guest raises QemuError or GuestError when the guest is lost.
    """

    metering: bool = False  #: remember the packets of each device
    plugs: int = 0
    requests: int = 0  #: of all devices that were plugged in and are not any more
    worst_reply: float = 0.0  #: seconds, the slowest answer of any of them
    userspace: tuple[Seen, ...] | None = None  #: what was seen then; None when it was not looked at
    played: list[Played] = field(factory=list)  #: the devices that were plugged in and are not any more
    users: Users = field(init=False)  #: the programs of user space that run
    _names: dict[int, str] = field(factory=dict, init=False)  #: of the devices plugged in last, by port
    _ways: Ways = field(init=False)

    @users.default
    def _make_users(self) -> Users:
        return Users(self.agent)

    @_ways.default
    def _make_ways(self) -> Ways:
        return Ways(self.agent)

    @property
    def altered(self) -> bool:
        """The guest is not as it was: modules were removed, and are gone."""
        return bool(self._ways.unloaded)

    async def play(self, case: Case, place: Mapping[int, int]) -> None:
        """Play one case's schedule to its end: settled, used, everything unplugged, settled again.

        Raises TimeoutError when the guest does not settle then, QemuError and GuestError when it is lost before.
        """
        mine = set(place.values())
        await self.perform(case, place)
        settled = await self._settled(mine)
        if case.uses:
            await self.users.last(mine, self._within)
        elif case.guest.exercise and self._usable:
            await self._bounded(self.shared.exercise(mine))
        if case.guest.exercise and self.surveying:
            await self._survey(mine)
        if not settled:
            await self._fail(mine)
        for port in sorted(mine & self._plugged.keys()):
            await self._late(case)
            await (self.leave(port) if self.users.busy(port) else self.unplug(port))
        for port in sorted(mine & self._ways.dark):
            await self._bounded(self._ways.restore(port))
        if not await self._gone(mine):
            raise TimeoutError(
                f"a hub or a probe was still busy {HANG_MS // 1000} s of guest time after the last unplug"
            )

    async def perform(self, case: Case, place: Mapping[int, int]) -> None:
        """Do the events of one case in order, each at its time; what is plugged in at the end stays plugged in."""
        for event in case.events:
            await self._wait(case, event, place)
            await self._do(case, event, place[event.port])

    async def plug(self, port: int, device: Device, name: str = "") -> None:
        """Plug ``device`` in, by what its case calls it; a device that is still in the port leaves first."""
        await self.leave(port)
        await self.ports[port].plug(device)
        self._plugged[port] = device
        self._names[port] = name
        self.plugs += 1

    async def settle(self) -> None:
        """Return once all that is plugged in is enumerated and every probe has returned, or has taken too long."""
        await self._settled(self._plugged.keys())

    async def leave(self, port: int) -> None:
        """Unplug the device in ``port``, if there is one, as from a real port: what is asked of it fails at once.

        QEMU's xHCI answers nothing for a device that is gone, so that each request would cost its driver a timeout of
        seconds. So it answers with errors until it is asked nothing more, or a hub would have noticed, and goes then.
        """
        if port not in self._plugged:
            return
        channel = self.ports[port]
        channel.fail()
        for ms in _FADING_MS:
            asked = channel.requests
            await self._bounded(self.shared.sleep(ms))
            if channel.requests == asked:
                break
        await self.unplug(port)

    async def unplug(self, port: int) -> None:
        """Take the device out of ``port``, if there is one, and answer nothing more for it."""
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
        meter = self._meters.pop(port, None)
        self.played.append(
            Played(
                port,
                self._names.get(port, ""),
                channel.asked,
                configured=bool(device.configuration),
                packets=tuple(meter.said) if meter is not None and self.metering else (),
                errors=tuple(f"{type(error).__name__}: {error}" for error in channel.device_errors),
            )
        )
        self.requests += channel.requests
        self.worst_reply = max(self.worst_reply, channel.worst_reply)

    async def _do(self, case: Case, event: Event, port: int) -> None:
        match event.action:
            case Action.PLUG:
                if event.device is None:
                    raise InfraError(f"event plug on port {event.port} names no device")
                await self._plug(case, case.devices[event.device], port)
            case Action.UNPLUG:
                await self._late(case)
                await self.leave(port)
            case Action.RESET:
                await self._late(case)
                await self._meanwhile(port, self.reset(port))
            case Action.USE:
                await self._meanwhile(port, self._run(case, event, port))
            case Action.SILENCE | Action.STALL:
                if port in self._meters:
                    self._meters[port].go_on(_MOODS[event.action])
            case _:
                await self._meanwhile(port, self._go(event, port))

    async def _late(self, case: Case) -> None:
        for _ in range(case.guest.schedule.late):
            await self.agent.ping()

    async def _run(self, case: Case, event: Event, port: int) -> None:
        if event.use is None:
            raise InfraError(f"event use on port {event.port} names no program")
        settled = (event.after_ms, event.after_requests, event.after_packets) == (None, None, None)
        if event.for_ms is None:
            await self.users.run(case.uses[event.use], port, settled=settled)
        else:
            self.users.begin(case.uses[event.use], port, event.for_ms, settled=settled)

    async def _gone(self, ports: Collection[int]) -> bool:
        """Wait until all of the unplugged devices has ended, as have the programs that used them; whether it did."""
        ending = asyncio.ensure_future(self.users.end(ports))
        try:
            settled = await self._within(self.shared.settle(ports), HANG_MS)
            await ending
        finally:
            ending.cancel()
        return settled

    async def _fail(self, ports: Collection[int]) -> None:
        """Let the drivers that still probe what is on ``ports`` see that it is gone.

        A hub notices an unplug only when the probe has ended. On a real port all that the probe asks until then fails
        at once; QEMU's xHCI answers nothing of it, so that each request would cost the driver its timeout of seconds.
        """
        for port in ports & self._plugged.keys():
            self.ports[port].fail()
        await self._bounded(self.shared.settle(ports))

    async def _plug(self, case: Case, spec: DeviceSpec, port: int) -> None:
        try:
            device = player(spec)
        except Exception as error:  # noqa: BLE001  a model may raise anything
            self.hitches.append(Hitch(port, f"{spec.name} cannot be made: {type(error).__name__}: {error}"))
            return
        meter: Metered | None = None
        if self.metering or any(_needs_meter(event) for event in case.events):
            meter, device = metered(device)
        await self.plug(port, device, spec.name)
        if meter is not None:
            self._meters[port] = meter

    async def _go(self, event: Event, port: int) -> None:
        device = self._plugged.get(port)
        if device is None:
            self.hitches.append(Hitch(port, f"{event.action.value}: no device is plugged in"))
            return
        try:
            await self._ways.go(event, port, device)
        except GuestError as error:
            self.hitches.append(Hitch(port, f"{event.action.value}: {error}"[:_REASON]))

    async def _meanwhile(self, port: int, goal: Coroutine[None, None, None]) -> None:
        """Wait for what the guest does to a device; one that stopped at a moment goes on once that has begun."""
        meter = self._meters.get(port)
        doing = asyncio.ensure_future(self._bounded(goal))
        try:
            if meter is not None and meter.mood is Mood.HOLDS:
                begun = asyncio.ensure_future(self.shared.sleep(_BEGUN_MS))
                await asyncio.wait({doing, begun}, return_when=asyncio.FIRST_COMPLETED)
                begun.cancel()
                meter.go_on()
            await doing
        finally:
            doing.cancel()

    async def _wait(self, case: Case, event: Event, place: Mapping[int, int]) -> None:
        """Wait until the event's time has come; devices of other cases in the round are not waited for."""
        port = place[event.port]
        if event.after_requests is not None:
            await self._until_requests(port, event.after_requests)
        elif event.after_packets is not None:
            await self._until_packets(case, Mark(event.after_packets, event.after_bytes), port)
        elif event.after_ms is not None:
            if event.after_ms or event.action is not Action.USE:  # a program waits by itself for what it needs
                await self.agent.sleep(event.after_ms)
        elif not self._plugged.keys().isdisjoint(mine := set(place.values())):
            await self._settled(mine)

    async def _survey(self, ports: Collection[int]) -> None:
        """Look at what is plugged in; the guest gives up by itself what does not answer."""
        buses = sorted(bus for port in self._plugged.keys() & set(ports) for bus in buses_of(port))
        found = await self.agent.survey(buses) if buses else ()
        self.userspace = (*(self.userspace or ()), *found)


def _needs_meter(event: Event) -> bool:
    return event.after_packets is not None or event.action in _MOODS
