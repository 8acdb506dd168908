"""A lane around its rounds, on a pretended guest: what was found outlives a guest that cannot be restored."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from attrs import define, field

from harness.lane.lane import Lane
from harness.lane.outcome import Verdict
from harness.lane.shared import SharedAgent
from usbfuzz.case import DeviceSpec
from usbfuzz.case.model import Action, Case, Event
from usbfuzz.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.guest.agent_client import Agent
    from harness.lane.guest import LaneGuest

CASE = Case((DeviceSpec("mouse", b""),), (Event(Action.PLUG, device=0),))
OOPS = "BUG: scheduling while atomic: swapper/0/0/0x00000100\nCall Trace:\n <IRQ>\n vub300_disconnect+0x3b/0x4d0\n"


@define
class Pretended:
    """A guest that crashes in each round, with its configuration, its agent and its stage in one."""

    disk_full: bool = False  #: it cannot be restored
    agent: None = None
    pid: int = 1
    restores: int = 0
    console_full: bool = False
    warped: bool = False
    plugs: int = 0
    requests: int = 0
    worst_reply: float = 0.0
    ports: tuple[()] = ()
    surveying: bool = False
    metering: bool = False
    altered: bool = False
    hitches: tuple[()] = ()
    used: tuple[()] = ()
    eyes: None = None
    drivers: frozenset[str] = frozenset()
    userspace: None = None
    played: tuple[()] = ()
    shared: SharedAgent = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.shared = SharedAgent(cast("Agent", self))

    @property
    def config(self) -> PretendedConfig:
        return PretendedConfig(self)

    def stage(self) -> Pretended:
        return self

    async def play(self, case: Case, place: Mapping[int, int]) -> None:
        assert self.pid, "no guest runs"

    @property
    def users(self) -> Pretended:
        return self

    def count_rest(self) -> None:
        pass

    def read_console(self) -> str:
        return OOPS

    async def read_leaks(self, events: object) -> str:
        return ""

    async def take_turns(self, turn_us: int) -> None:
        """There is one processor."""

    async def restore(self) -> None:
        self.pid = 0
        if self.disk_full:
            raise StorageError("the snapshot cannot be opened")
        self.pid = 1
        self.restores += 1


@define
class PretendedConfig:
    """The settings of the pretended guest."""

    timing: Pretended
    ports: int = 8
    hang_after: float = 5.0
    validate_every: int = 0


def test_a_crash_is_told_also_when_the_guest_cannot_be_restored_after_it() -> None:
    async def two_rounds() -> None:
        guest = Pretended(disk_full=True)
        lane = Lane(cast("LaneGuest", guest))
        outcome = await lane.run(CASE)
        assert (outcome.verdict, outcome.restored) == (Verdict.CRASH, True)
        with pytest.raises(StorageError, match="the snapshot cannot be opened"):
            await lane.run(CASE)
        guest.disk_full = False
        assert (await lane.run(CASE)).verdict is Verdict.CRASH
        assert guest.restores == 2, "before the round, and after it"

    asyncio.run(two_rounds())
