"""Campaigns whose lanes are at the workers of a lab."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.campaign.pretend import COMMANDS, MODULES, VARIABLE, config
from tests.campaign.running import Listener
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign
from usbfuzz.jobs.cluster.program import lanes_at

from .lab import Lab
from .pretend import MODULE


@pytest.fixture
def write_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Say what the pretended guests do: everywhere, or on machines that are given the path it returns."""

    def write(name: str = "script", **script: Any) -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(script))
        return str(path)

    monkeypatch.setenv(VARIABLE, write())
    return write


@pytest.fixture
def lab(tmp_path: Path, write_script: Callable[..., str]) -> Iterator[Lab]:
    """A lab without any process yet."""
    write_script()
    with Lab(tmp_path, dict(os.environ)) as lab:
        yield lab


@pytest.fixture
def run(tmp_path: Path, lab: Lab) -> Callable[..., Campaign]:
    """Run a campaign in tmp_path/out at the lab."""

    def go(view: Listener | None = None, most: int | None = None, **options: Any) -> Campaign:
        view = view or Listener()
        plain = {"out": tmp_path / "out", "lanes": 1, "seed": 7, "minimize": False, "confirm": False}
        options = {**plain, **options}

        async def campaign() -> Campaign:
            async with lanes_at(lab.address, view.say, most, MODULE) as lanes:
                return await run_campaign(
                    CampaignOptions(**options), config(), MODULES, view, COMMANDS, elsewhere=lanes
                )

        return asyncio.run(campaign())

    return go
