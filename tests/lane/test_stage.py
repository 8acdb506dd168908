"""Playing a schedule on a pretended guest: what is counted, and that nothing is left behind when the guest dies."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from typing import Any, cast

import pytest
from attrs import define, field

from harness.channel.asked import Asked
from harness.channel.protocol import Channel
from harness.guest.agent_client import Agent, UEvent
from harness.guest.survey import Seen
from harness.lane import waits as waits_module
from harness.lane.shared import SharedAgent
from harness.lane.stage import Stage
from usbfuzz.case import spec_of
from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.errors import QemuError
from usbfuzz.models.hid.pointers import BootMouse

MOUSE = spec_of(BootMouse())
PLUG, UNPLUG = Event(Action.PLUG, device=0), Event(Action.UNPLUG)
HERE = {0: 0}
SEEN = (Seen("1-1", "1.0", "hidraw", "present"),)


@define(eq=False)
class Guest:
    """One port and an agent that answers until the guest dies, which fails everything that waits."""

    rejected: bool = False
    requests: int = 0
    asked: Asked | None = None
    device_errors: tuple[Exception, ...] = ()
    worst_reply: float = 0.002
    refuses_to_unplug: bool = False
    goes_on_asking: int = 0  #: short sleeps in which the driver asks something
    naps: list[int] = field(factory=list)  #: milliseconds of short sleeps
    plugged: bool = False
    failing: bool = False
    settles_in: float = 0.001  #: wall seconds
    speed: float = 1.0  #: CPU seconds that QEMU gets in a wall second
    asleep: asyncio.Event = field(factory=asyncio.Event)
    settles: list[tuple[int, ...]] = field(factory=list)  #: the buses of each
    settled_plugged: list[bool] = field(factory=list)  #: whether the device was still there when each ended
    surveys: list[tuple[int, ...]] = field(factory=list)  #: the same
    _waiting: list[asyncio.Future[Any]] = field(factory=list)

    def die(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(QemuError("the guest died"))

    async def _forever(self) -> Any:
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        return await future

    # the agent

    async def sleep(self, ms: int) -> None:
        if ms < waits_module.QUIET_MS:  # else it is a limit, which is never reached
            self.requests += self.goes_on_asking > 0
            self.goes_on_asking -= 1
            self.naps.append(ms)
            return
        self.asleep.set()
        await self._forever()

    async def settle(self, ms: int, buses: Sequence[int]) -> list[UEvent]:
        self.settles.append(tuple(buses))
        await asyncio.sleep(self.settles_in)
        self.settled_plugged.append(self.plugged)
        return []

    async def survey(self, buses: Sequence[int]) -> tuple[Seen, ...]:
        assert self.plugged
        self.surveys.append(tuple(buses))
        return SEEN

    # the port

    async def plug(self, device: object) -> None:
        assert not self.plugged
        self.plugged = True

    def fail(self) -> None:
        assert self.plugged
        self.failing = True

    async def unplug(self) -> None:
        assert self.plugged
        self.plugged = False
        if self.refuses_to_unplug:
            raise QemuError("did not confirm that the device is gone")

    async def wait_requests(self, count: int) -> None:
        if self.requests < count:
            await self._forever()


def _stage(guest: Guest) -> Stage:
    return Stage(cast("Agent", guest), [cast("Channel", guest)])


async def _die_under_two_waits(guest: Guest, complaints: list[str]) -> None:
    """Kill the guest while a round waits for requests that never come, and for a nap to end."""
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(str(context)))
    playing = asyncio.create_task(_stage(guest).play(Case((MOUSE,), (PLUG,)), HERE))
    await guest.asleep.wait()
    guest.die()
    with pytest.raises(QemuError, match="the guest died"):
        await playing


def test_a_guest_that_dies_under_two_waits_leaves_no_unseen_failure() -> None:
    complaints: list[str] = []
    asyncio.run(_die_under_two_waits(Guest(), complaints))
    gc.collect()  # a failure that nobody looked at is told when it is dropped
    assert complaints == []


def test_no_task_outlives_a_round_that_was_cancelled() -> None:
    async def cancel_in_the_middle() -> set[asyncio.Task[Any]]:
        guest = Guest()
        playing = asyncio.create_task(_stage(guest).play(Case((MOUSE,), (PLUG,)), HERE))
        await guest.asleep.wait()
        playing.cancel()
        await asyncio.wait({playing})
        await asyncio.sleep(0.01)
        return asyncio.all_tasks() - {cast("asyncio.Task[Any]", asyncio.current_task())}

    assert asyncio.run(cancel_in_the_middle(), debug=True) == set()


def _surveyed(case: Case, *, surveying: bool = True) -> tuple[Guest, tuple[Seen, ...] | None]:
    guest = Guest(requests=7)
    stage = _stage(guest)
    stage.surveying = surveying
    asyncio.run(stage.play(case, HERE))
    return guest, stage.userspace


def test_user_space_looks_at_what_is_still_plugged_in_before_it_is_unplugged() -> None:
    guest, seen = _surveyed(Case((MOUSE,), (PLUG,)))
    assert (guest.surveys, seen) == ([(1, 2)], SEEN)
    assert not guest.plugged


def test_of_a_device_that_its_case_has_unplugged_user_space_sees_nothing() -> None:
    guest, seen = _surveyed(Case((MOUSE,), (PLUG, UNPLUG)))
    assert (guest.surveys, seen) == ([], ())


def test_nobody_looks_who_is_not_told_to_or_whose_case_leaves_the_nodes_alone() -> None:
    assert _surveyed(Case((MOUSE,), (PLUG,)), surveying=False)[1] is None
    assert _surveyed(Case((MOUSE,), (PLUG,), guest=GuestNeeds(exercise=False)))[1] is None


def _played(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the device was there when the hubs had settled: first with it, then without."""
    monkeypatch.setattr(waits_module, "PROBE_CPU_S", 0.02)
    stage = _stage(guest)
    stage.cpu = lambda: time.monotonic() * guest.speed
    asyncio.run(stage.play(Case((MOUSE,), (PLUG,)), HERE))
    return guest.settled_plugged


def test_a_device_stays_plugged_in_until_its_probe_had_time_on_a_busy_machine_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _played(Guest(requests=7, settles_in=0.1, speed=0.01), monkeypatch) == [True, False]
    assert _played(Guest(requests=7, settles_in=0.1, speed=1.0), monkeypatch)[-2:] == [False, False]


def test_what_a_driver_asks_while_it_still_probes_fails_before_its_device_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow, fast = (Guest(requests=7, settles_in=settles_in, speed=1.0) for settles_in in (0.1, 0.001))
    _played(slow, monkeypatch)
    _played(fast, monkeypatch)
    assert (slow.failing, fast.failing) == (True, False)
    assert not slow.plugged


def test_a_device_that_is_pulled_answers_with_errors_until_it_is_asked_nothing_more() -> None:
    for asks, naps in ((0, [2]), (2, [2, 4, 8]), (100, [2, 4, 8, 16, 32, 64, 128])):
        guest = Guest(requests=7, goes_on_asking=asks)
        asyncio.run(_stage(guest).play(Case((MOUSE,), (PLUG, UNPLUG)), HERE))
        assert (guest.failing, guest.plugged, guest.naps) == (True, False, naps)


def test_what_a_device_was_asked_counts_once_it_is_unplugged() -> None:
    guest = Guest(requests=7)
    stage = _stage(guest)
    asyncio.run(stage.play(Case((MOUSE,), (PLUG, UNPLUG)), HERE))
    stage.count_rest()
    assert (stage.plugs, stage.requests, stage.worst_reply) == (1, 7, 0.002)
    assert not guest.plugged


def test_what_is_left_plugged_is_unplugged_and_settled_at_the_end() -> None:
    guest = Guest(requests=7)
    asyncio.run(_stage(guest).play(Case((MOUSE,), (PLUG,)), HERE))
    assert not guest.plugged
    assert guest.settles == [(1, 2)] * 2


def test_a_device_that_was_plugged_when_the_guest_died_still_counts() -> None:
    guest = Guest(requests=7)
    stage = _stage(guest)
    asyncio.run(stage.perform(Case((MOUSE,), (PLUG,)), HERE))
    assert stage.requests == 0
    stage.count_rest()
    assert (stage.plugs, stage.requests, stage.worst_reply) == (1, 7, 0.002)


def test_a_device_whose_unplug_failed_still_counts_and_only_once() -> None:
    stage = _stage(Guest(requests=7, refuses_to_unplug=True))
    with pytest.raises(QemuError, match="did not confirm"):
        asyncio.run(stage.play(Case((MOUSE,), (PLUG, UNPLUG)), HERE))
    stage.count_rest()
    assert (stage.plugs, stage.requests) == (1, 7)


def test_waits_that_begin_together_share_one_barrier_that_began_after_them() -> None:
    async def wait_together() -> int:
        guest = Guest()
        shared = SharedAgent(cast("Agent", guest))
        first = asyncio.create_task(shared.settle())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(guest.settles) == 1
        await asyncio.gather(first, *(shared.settle() for _ in range(9)))
        return len(guest.settles)

    assert asyncio.run(wait_together()) == 2


def test_a_wait_for_one_port_is_not_held_up_by_another_s() -> None:
    async def wait_apart() -> list[tuple[int, ...]]:
        guest = Guest()
        shared = SharedAgent(cast("Agent", guest))
        await asyncio.gather(shared.settle([2]), shared.settle([0, 3]), shared.settle())
        return guest.settles

    assert asyncio.run(wait_apart()) == [(5, 6), (1, 2, 7, 8), ()]


def test_events_of_a_wait_that_ends_after_the_list_was_taken_are_in_the_next_list() -> None:
    class Eventful:
        """Each settle ends when it is told to, with one event of its bus."""

        def __init__(self) -> None:
            self.ends = {bus: asyncio.Event() for bus in (1, 3)}

        async def settle(self, ms: int, buses: Sequence[int]) -> list[UEvent]:
            await self.ends[buses[0]].wait()
            return [UEvent("bind", "usb", f"{buses[0]}-1:1.0", "usbhid")]

    async def overlapping() -> list[list[str]]:
        guest = Eventful()
        shared = SharedAgent(cast("Agent", guest))
        lists = []
        slow = asyncio.create_task(shared.settle([0]))
        await asyncio.sleep(0.001)
        lists.append(shared.take())
        quick = asyncio.create_task(shared.settle([1]))
        await asyncio.sleep(0.001)
        for bus, wait in ((1, slow), (3, quick)):
            guest.ends[bus].set()
            await wait
        lists.append(shared.take())
        return [[event.name for event in events] for events in lists]

    assert asyncio.run(overlapping()) == [[], ["1-1:1.0", "3-1:1.0"]]
