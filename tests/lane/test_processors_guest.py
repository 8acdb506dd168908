"""A guest with two processors under a warped clock: both work, in turns of any length, and the probe sees both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Verdict
from usbfuzz.case.model import Case, Schedule
from usbfuzz.jobs.bench.cases import mouse_case

pytestmark = pytest.mark.guest

KERNEL = "debian:5.10.223"
TURN_US = 500
_XHCI = re.compile(r"^ *\d+: +(\d+) +(\d+) .*xhci_hcd", re.MULTILINE)


def test_both_processors_serve_devices_whatever_the_length_of_their_turns(guest: Callable[..., LaneConfig]) -> None:
    asyncio.run(_plugs_mice(evolve(guest(KERNEL), processors=2)))


def test_what_drivers_compare_is_seen_on_both_processors(guest: Callable[..., LaneConfig]) -> None:
    """A campaign's lane: blocks, the heap, and comparisons, which want memory of each processor."""
    probing = Probing(heap=Heap.REPORT, compare=True)
    asyncio.run(_compares(evolve(guest(KERNEL), processors=2, probing=probing)))


async def _compares(config: LaneConfig) -> None:
    said: list[str] = []
    lane = await Lane.open(config, said.append)
    try:
        assert lane.sees_comparisons, said
        lane.arm(["usbhid", "hid"])
        outcome = await lane.run_round([_mouse(TURN_US)] * config.ports)
        assert outcome.verdict is Verdict.CLEAN
        assert outcome.covered is not None
        assert outcome.compared is not None
        # HID descriptors are parsed for eight devices, whose hubs' work is on both processors.
        assert len(outcome.compared) > 100
    finally:
        await lane.close()


async def _plugs_mice(config: LaneConfig) -> None:
    lane = await Lane.open(config)
    try:
        for turn_us in (0, TURN_US, 0):
            outcome = await lane.run_round([_mouse(turn_us)] * config.ports)
            assert (outcome.verdict, outcome.title) == (Verdict.CLEAN, "")
            assert [binding.driver for binding in outcome.bindings].count("hid-generic") == config.ports
            assert outcome.covered is not None
            assert "usbhid" in outcome.covered.functions()
        first, second = zip(*_XHCI.findall((await lane.agent.read("/proc/interrupts")).decode()), strict=True)
        assert sum(map(int, first)) > 0
        assert sum(map(int, second)) > 0
    finally:
        await lane.close()


def _mouse(turn_us: int) -> Case:
    case = mouse_case()
    return evolve(case, guest=evolve(case.guest, processors=2, schedule=Schedule(turn_us=turn_us)))
