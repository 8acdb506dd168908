"""QEMUs that keep little translated code, with real guests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from usbfuzz.jobs.bench.cases import mouse_case
from usbfuzz.jobs.bench.endurance import thrown_away

pytestmark = pytest.mark.guest


def _thrown_away(config: LaneConfig) -> int:
    """How often QEMU threw translated code away while it plugged mice."""

    async def work() -> int:
        lane = await Lane.open(config)
        try:
            before = await thrown_away(lane)
            for _ in range(2):
                outcome = await lane.run_round([mouse_case()] * config.ports)
                assert sum(binding.driver == "hid-generic" for binding in outcome.bindings) == config.ports
            return await thrown_away(lane) - before
        finally:
            await lane.close()

    return asyncio.run(work())


def test_a_guest_goes_on_when_qemu_throws_its_code_away(guest: Callable[..., LaneConfig]) -> None:
    assert _thrown_away(evolve(guest("debian:5.10.223"), code_mib=8)) > 0


def test_a_guest_has_room_for_the_code_it_runs(guest: Callable[..., LaneConfig]) -> None:
    assert _thrown_away(guest("debian:5.10.223")) == 0
