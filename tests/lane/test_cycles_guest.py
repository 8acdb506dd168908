"""What plug cycles leave behind in real guests: a known leak where it is, and nothing where it is mended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest.emulators import Sight
from harness.guest.probe.probing import Heap, Probing
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from tests import CORPUS, KNOWN_BUGS
from usbfuzz.case import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.lane.config import LaneConfig

pytestmark = pytest.mark.guest

OLD, FIXED = "debian:5.10.223", "debian:5.10.262"
LEAKING = KNOWN_BUGS / "hfcsusb-probe-leak.toml"


def _cycles(config: LaneConfig, heap: Heap, *paths: Path) -> list[Outcome]:
    if heap is not Heap.OFF:
        assert Sight.REGISTERS in config.emulator.sees, "set-up fetches an emulator that sees registers"

    async def rounds() -> list[Outcome]:
        lane = await Lane.open(evolve(config, probing=Probing(heap=heap).counting()))
        try:
            return [await lane.run_cycles(load(path)) for path in paths]
        finally:
            await lane.close()

    return asyncio.run(rounds())


def test_memory_that_a_driver_does_not_give_back_is_told_with_who_allocated_it(
    guest: Callable[..., LaneConfig],
) -> None:
    leaking, keyboard = _cycles(guest(OLD), Heap.REPORT, LEAKING, CORPUS / "models/keyboard.toml")
    assert leaking.title == "memory leak in hfcsusb_probe"
    assert leaking.restored
    assert leaking.reports[0].guilty == "hfcsusb"
    assert "1 of 184 bytes more with each of the last 6 plug cycles" in leaking.reports[0].text
    assert keyboard.verdict is Verdict.CLEAN, keyboard.title


def test_a_kernel_with_the_mended_driver_is_silent(guest: Callable[..., LaneConfig]) -> None:
    outcomes = _cycles(guest(FIXED), Heap.REPORT, LEAKING, CORPUS / "models/disk.toml")
    assert [outcome.verdict for outcome in outcomes] == [Verdict.CLEAN] * 2, [each.title for each in outcomes]


def test_without_a_probe_caches_are_counted_and_a_healthy_device_is_silent(
    guest: Callable[..., LaneConfig],
) -> None:
    (outcome,) = _cycles(guest(FIXED), Heap.OFF, CORPUS / "models/ft232r.toml")
    assert outcome.verdict is Verdict.CLEAN, outcome.title
