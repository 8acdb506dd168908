"""Plugs one device into a guest and reports what happens, until told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from attrs import evolve

from harness.channel.watcher import ChannelWatcher, watch_channel
from harness.guest.agent_client import UEvent
from harness.lane.config import LaneConfig
from harness.lane.lane import LOOKS, Lane
from harness.lane.stage import Stage
from usbfuzz.case.model import Case
from usbfuzz.errors import GuestError, QemuError
from usbfuzz.load import Loaded

__all__ = ["GuestWatcher", "Play", "plug", "watch"]

_LOOK_S = 0.2  #: seconds between two looks at the console
_ASK_S = 0.5  #: seconds between two questions for new bindings
_INFO = 7  #: console log level: messages down to KERN_INFO are printed

#: Does something to a guest that runs; what it plugs in stays plugged.
Play = Callable[[Lane, Stage], Awaitable[None]]


class GuestWatcher(ChannelWatcher, Protocol):
    """Who is told what happens, on the channels and in the guest."""

    def kernel(self, line: str) -> None:
        """A line of the guest's kernel log."""

    def uevent(self, event: UEvent) -> None:
        """A driver bound or unbound, a device node came or went."""


async def plug(
    loaded: Loaded,
    config: LaneConfig,
    watcher: GuestWatcher,
    *,
    seconds: float | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Plug the device in and :func:`watch`; a case's events are played.

    Raises InputError when the user's device cannot be made.
    """
    play = _player(loaded)
    cases = () if loaded.case is None else (loaded.case,)
    if loaded.case is not None:
        config = config.for_case(loaded.case)
    await watch(play, config, watcher, cases=cases, seconds=seconds, on_progress=on_progress)


async def watch(
    play: Play,
    config: LaneConfig,
    watcher: GuestWatcher,
    *,
    cases: Sequence[Case] = (),
    seconds: float | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Boot a guest, ``play``, and watch for ``seconds``, until cancelled or the guest is gone.

    The guest prints kernel messages down to the level info, and finds the firmware of ``cases`` and the user's. What is
    plugged when ``play`` ends stays plugged. A guest that dies while it is watched ends the watching. Raises BootError
    and InfraError from the preparation.
    """
    lane = await Lane.open(evolve(config, loglevel=_INFO, paced=True), on_progress)
    try:
        if config.firmware is not None:
            await _look(lane, play)
        await lane.supply.give(lane.agent, cases)
        for port in lane.ports:
            watch_channel(port, watcher)
        on_progress("the guest runs; plugging")
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            stage = lane.stage()
            events: list[UEvent] = []
            watching = group.create_task(_console(lane, watcher, events))
            group.create_task(_follow(play(lane, stage), stage, watcher, watching, events))
    except TimeoutError:
        pass  # watched for as long as was asked
    finally:
        await lane.close()


async def _look(lane: Lane, play: Play) -> None:
    """Play beforehand, to see which firmware drivers ask for, and restore the guest: they ask once for each device."""
    for _ in range(LOOKS):
        with suppress(QemuError, GuestError):
            stage = lane.stage()
            await play(lane, stage)
            await stage.shared.settle()
        lane.supply.listen(lane.read_console())
        await lane.restore()
        if not lane.supply.news:
            break
        await lane.supply.give(lane.agent, ())


def _player(loaded: Loaded) -> Play:
    """What to do on the stage; a device of the user's own is made now, before a guest boots in vain."""
    if case := loaded.case:
        return lambda _, stage: stage.perform(case, {event.port: event.port for event in case.events})
    loaded.make()
    return lambda _, stage: stage.plug(0, loaded.make())


async def _follow(
    playing: Awaitable[None], stage: Stage, watcher: GuestWatcher, watching: asyncio.Task[None], events: list[UEvent]
) -> None:
    """Play, then keep asking the guest what has bound, until it is gone; ``events`` grows by it."""
    try:
        await playing
        while True:
            await stage.shared.settle()
            news = stage.shared.take()
            events += news
            for event in news:
                watcher.uevent(event)
            await asyncio.sleep(_ASK_S)
    except (QemuError, GuestError) as error:
        await asyncio.sleep(2 * _LOOK_S)
        watcher.kernel(f"-- the guest is gone: {error}")
        watching.cancel()


async def _console(lane: Lane, watcher: GuestWatcher, events: list[UEvent]) -> None:
    rest = ""
    while True:
        *lines, rest = (rest + lane.read_console()).split("\n")
        lines += (await lane.read_leaks(events)).splitlines()
        for line in lines:
            watcher.kernel(line)
        await asyncio.sleep(_LOOK_S)
