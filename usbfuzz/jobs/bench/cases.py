"""The cases that the benchmark runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import cycle

from harness.lane.config import LaneConfig
from strategies import Identities, generate
from usbfuzz.case import spec_of
from usbfuzz.case.limits import BLOCK_CASES
from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.jobs.campaign.case_queue import CaseQueue
from usbfuzz.jobs.campaign.messages import Block
from usbfuzz.models.hid.pointers import BootMouse

__all__ = ["SEED", "endless", "from_queue", "made_beforehand", "mouse_case"]

SEED = 1  #: of the campaign whose cases are measured
_BEFOREHAND = 1500  #: cases made before the clock starts; they are run again when they are used up


def mouse_case() -> Case:
    """A HID boot mouse, plugged once and unplugged when its drivers have bound."""
    events = (Event(Action.PLUG, device=0),)
    return Case(devices=(spec_of(BootMouse()),), events=events, guest=GuestNeeds(exercise=False))


def made_beforehand(config: LaneConfig) -> list[list[Case]]:
    """The first cases of the campaign, in rounds that fill the ports."""
    identities = Identities.parse(config.image.aliases.read_text())
    rounds: list[list[Case]] = [[]]
    for case in generate(SEED, 0, _BEFOREHAND, identities):
        if sum(running.ports for running in rounds[-1]) + case.ports > config.ports:
            rounds.append([])
        rounds[-1].append(case)
    return rounds


async def endless(rounds: Iterable[Sequence[Case]]) -> AsyncIterator[Sequence[Case]]:
    """The same rounds again and again."""
    for cases in cycle(rounds):
        yield cases


async def from_queue(queue: CaseQueue) -> AsyncIterator[Sequence[Case]]:
    """The campaign's rounds, one block of cases ahead."""
    ahead = first = 0
    while True:
        if ahead < BLOCK_CASES:
            queue.add(Block(tuple(range(first, first + BLOCK_CASES)), ()))
            first, ahead = first + BLOCK_CASES, ahead + BLOCK_CASES
        round_ = await queue.round()
        ahead -= len(round_)
        yield [made.case for made in round_]
