"""One pinned lane of the benchmark: a JSON order on standard input, a JSON result on standard output."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from enum import Enum
from itertools import cycle

from attrs import evolve, frozen
from cattrs.preconf.json import make_converter

from harness.guest.qemu import Mode
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from harness.lane.prepare import prepare
from harness.workers.procs import die_with_parent, pin
from strategies import Identities, generate
from usbfuzz.case import spec_of
from usbfuzz.case.limits import BLOCK_CASES
from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.errors import UsbfuzzError
from usbfuzz.jobs.campaign.case_queue import GENERATOR, CaseQueue
from usbfuzz.jobs.campaign.messages import Block, WorkerStart
from usbfuzz.jobs.campaign.options import SLUB_DEBUG
from usbfuzz.models.hid.pointers import BootMouse

__all__ = ["Devices", "Order", "Result", "mouse_case"]

_SEED = 1
_READY = 1500  #: cases made beforehand; they are run again when they are used up
_converter = make_converter()


class Devices(Enum):
    """What a lane plugs."""

    MICE = "mice"
    READY = "ready"  #: a campaign's cases, made before the clock starts
    FRESH = "fresh"  #: the same, made meanwhile by a campaign's generator process on the lane's core


@frozen
class Order:
    """What one lane is to measure."""

    kernel: str
    mode: Mode
    ports: int
    seconds: float
    cpu: int | None
    parent: int
    devices: Devices = Devices.MICE
    checked: bool = False  #: the heap is, as in a campaign

    def to_json(self) -> str:
        """One line."""
        return _converter.dumps(self)


@frozen
class Result:
    """What it measured."""

    devices: int  #: mice enumerated, bound and unplugged; or devices plugged, whatever became of them
    seconds: float
    dilated: int  #: rounds that we answered too late for
    worst_reply_ms: float

    @classmethod
    def from_json(cls, text: str) -> Result:
        """Parse one line."""
        return _converter.loads(text, cls)


def mouse_case() -> Case:
    """A HID boot mouse, plugged once and unplugged when its drivers have bound."""
    events = (Event(Action.PLUG, device=0),)
    return Case(devices=(spec_of(BootMouse()),), events=events, guest=GuestNeeds(exercise=False))


async def measure(order: Order) -> Result:
    """Plug devices into every port, over and over, for ``order.seconds``.

    Mice count when their HID driver has bound. A campaign's cases cost what crashes and restores cost; what
    attributing a crash seen for the first time takes is left out.
    """
    config = await prepare(order.kernel, mode=order.mode)
    params = (SLUB_DEBUG,) if order.checked else ()
    lane = await Lane.open(evolve(config, ports=order.ports, kernel_params=params, validate_every=int(order.checked)))
    try:
        await lane.run(mouse_case())
        gc.collect()
        gc.freeze()
        gc.disable()
        match order.devices:
            case Devices.MICE:
                return await _timed(lane, order, _again([[mouse_case()] * order.ports]), _bound)
            case Devices.READY:
                return await _timed(lane, order, _again(_made_beforehand(lane)), _plugged)
            case Devices.FRESH:
                return await _generated(lane, order)
    finally:
        await lane.close()


async def _timed(
    lane: Lane, order: Order, rounds: AsyncIterator[Sequence[Case]], count: Callable[[Outcome], int]
) -> Result:
    devices = dilated = 0
    worst = started = 0.0
    async for cases in rounds:
        started = started or time.monotonic()  # a generator's start, like a guest's, is not what is measured
        outcome = await lane.run_round(cases)
        lane.known += outcome.reports  # as a campaign, once it has attributed them
        devices += count(outcome)
        dilated += outcome.dilated
        worst = max(worst, outcome.worst_reply_ms)
        if time.monotonic() - started >= order.seconds:
            break
    return Result(devices, time.monotonic() - started, dilated, worst)


async def _again(rounds: Iterable[Sequence[Case]]) -> AsyncIterator[Sequence[Case]]:
    for cases in cycle(rounds):
        yield cases


def _made_beforehand(lane: Lane) -> list[list[Case]]:
    """The first cases of the campaign, in rounds that fill the ports."""
    identities = Identities.parse(lane.config.image.aliases.read_text())
    rounds: list[list[Case]] = [[]]
    for case in generate(_SEED, 0, _READY, identities):
        if sum(running.ports for running in rounds[-1]) + case.ports > lane.config.ports:
            rounds.append([])
        rounds[-1].append(case)
    return rounds


def _plugged(outcome: Outcome) -> int:
    return outcome.plugs


def _bound(outcome: Outcome) -> int:
    return sum(binding.driver == "hid-generic" for binding in outcome.bindings)


async def _generated(lane: Lane, order: Order) -> Result:
    start = WorkerStart(lane=0, seed=_SEED, cpu=order.cpu, generator=GENERATOR, config=lane.config)
    queue = await CaseQueue.start(start)
    try:
        return await _timed(lane, order, _cases(queue), _plugged)
    finally:
        await queue.close()


async def _cases(queue: CaseQueue) -> AsyncIterator[Sequence[Case]]:
    """The campaign's rounds, one block of cases ahead."""
    ahead = first = 0
    while True:
        if ahead < BLOCK_CASES:
            queue.add(Block(tuple(range(first, first + BLOCK_CASES)), ()))
            first, ahead = first + BLOCK_CASES, ahead + BLOCK_CASES
        made = await queue.round()
        ahead -= len(made)
        yield [one.case for one in made]


def main() -> int:
    """Entry point of the child process."""
    order = _converter.loads(sys.stdin.readline(), Order)
    die_with_parent(order.parent)
    pin(order.cpu)
    try:
        result = asyncio.run(measure(order))
    except UsbfuzzError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.write(_converter.dumps(result) + os.linesep)
    return 0
