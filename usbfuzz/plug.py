"""Plugs one device into a guest and reports what happens, until told to stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from attrs import evolve

from harness.lane import Lane, LaneConfig
from harness.play import Settler, Stage
from usbfuzz.errors import GuestError, QemuError
from usbfuzz.replay import for_case

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.guest.agent_client import UEvent
    from harness.usbredir.constants import Sender
    from harness.usbredir.message import Message
    from usbfuzz.case.model import Case

__all__ = ["Watcher", "plug"]

_LOOK_S = 0.2  #: between two looks at the console
_SETTLE_S = 0.5  #: between two questions for new bindings
_INFO = 7  #: console log level at which a driver developer reads along


class Watcher(Protocol):
    """Who is told what happens."""

    def kernel(self, line: str) -> None:
        """A line of the guest's kernel log."""

    def uevent(self, event: UEvent) -> None:
        """A driver bound or unbound, a device node came or went."""

    def transfer(self, at: float, sender: Sender, message: Message) -> None:
        """A usbredir message; ``at`` is the event loop's time in seconds."""


async def plug(
    case: Case,
    config: LaneConfig,
    watcher: Watcher,
    *,
    seconds: float | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Boot a guest that talks, play ``case``'s events, and watch for ``seconds``, until cancelled or the guest is gone.

    What is plugged after the last event stays plugged: unlike a campaign, this is for looking. Raises BootError and
    InfraError from the preparation; a guest that dies while it is watched just ends the watching.
    """
    lane = await Lane.open(evolve(for_case(config, case), loglevel=_INFO), on_progress)
    try:
        for port in lane.ports:
            port.trace = watcher.transfer
        on_progress("the guest runs; plugging")
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
            watching = group.create_task(_console(lane, watcher))
            settler = Settler(lane.agent)
            stage = Stage(lane.agent, lane.ports, settler, warped=config.timing.warped)
            group.create_task(_follow(stage, case, watcher, watching))
    except TimeoutError:
        pass  # watched for as long as was asked
    finally:
        await lane.close()


async def _follow(stage: Stage, case: Case, watcher: Watcher, watching: asyncio.Task[None]) -> None:
    """Play the events, then keep asking the guest what has bound, until it is gone."""
    try:
        await stage.perform(case, {event.port: event.port for event in case.events})
        while True:
            await stage.settler.settle()
            for event in stage.settler.take():
                watcher.uevent(event)
            await asyncio.sleep(_SETTLE_S)
    except (QemuError, GuestError) as error:
        await asyncio.sleep(2 * _LOOK_S)
        watcher.kernel(f"-- the guest is gone: {error}")
        watching.cancel()


async def _console(lane: Lane, watcher: Watcher) -> None:
    rest = ""
    while True:
        *lines, rest = (rest + lane.read_console()).split("\n")
        for line in lines:
            watcher.kernel(line)
        await asyncio.sleep(_LOOK_S)
