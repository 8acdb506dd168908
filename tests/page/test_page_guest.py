"""The page of a campaign on a real kernel, while it runs and afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.kernels import DEFAULT_KERNEL
from harness.lane.config import LaneConfig
from strategies import Identities
from tests.campaign.running import Listener
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.page.live import keeping_page
from usbfuzz.jobs.page.read import read_account

pytestmark = pytest.mark.guest


def test_a_campaign_has_its_course_its_drivers_and_its_page(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    out, file = tmp_path / "out", tmp_path / "page.html"
    config = guest(DEFAULT_KERNEL)
    modules = Identities.parse(config.image.aliases.read_text()).modules
    options = CampaignOptions(out=out, seed=3, minimize=False, confirm=False, cases=96, lanes=1)
    said: list[str] = []

    async def run() -> None:
        async with keeping_page(out, file, said.append):
            await run_campaign(options, config, modules, Listener())

    asyncio.run(run())
    assert said == []
    account = read_account(out).account
    (course,) = account.courses
    assert (account.state, course.modules) == ("ended", len(set(modules) - {"usbcore"}))
    assert course.last is not None
    assert course.last.cases == 96
    assert course.last.guest > course.last.wall > 0
    assert course.last.blocks == account.code["blocks"] > 1000
    assert sum(source.cases for source in course.sources) == 96
    assert {driver.standing for driver in course.drivers} == {"bound", "gave up", "code ran", "never reached"}
    assert any(place.request for driver in course.drivers for place in driver.gave_up)
    assert "The campaign has ended." in file.read_text()
