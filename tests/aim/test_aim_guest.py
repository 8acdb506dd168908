"""A campaign on a real kernel that is aimed at one driver."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL, default_cache
from harness.guest.kernels.objects import KernelObjects
from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from tests.campaign.running import Listener
from usbfuzz.jobs.aim import Wanted, aim_at, reach
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]


def test_only_devices_for_the_driver_are_plugged_and_its_functions_are_reached(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    config = evolve(guest(DEFAULT_KERNEL), probing=Probing(heap=Heap.OFF))
    aim = aim_at(config.kernel, Wanted(drivers=("usblp",)), default_cache(), print)
    options = CampaignOptions(out=tmp_path / "out", seed=5, cases=24, lanes=1, minimize=False, confirm=False)
    campaign = asyncio.run(run_campaign(options, config, ("usblp",), Listener(), aim=aim))
    assert "usblp" in campaign.progress.drivers
    assert campaign.progress.drivers <= {"usblp", "usbfs", "hub"}
    assert aim is not None
    assert campaign.progress.reached is not None
    found = reach(aim, campaign.progress.reached, KernelObjects.of(config.kernel, default_cache()))
    reached = {aimed.function.name for aimed in found.functions if aimed.function.covered}
    assert {"usblp_probe", "usblp_disconnect"} <= reached
    assert len(found.functions) > len(found.never)
    assert found.blocks > 50
