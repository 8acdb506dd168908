"""Campaigns with real worker and generator processes; only the guest is pretended."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from usbfuzz.jobs.aim import Aim
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign

from .pretend import COMMANDS, MODULES, VARIABLE, config
from .running import Listener, Run, pretenders, until


@pytest.fixture
def write_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say what the pretended guests do."""
    path = tmp_path / "script.json"
    monkeypatch.setenv(VARIABLE, str(path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    def write(**script: Any) -> None:
        path.write_text(json.dumps(script))

    write()
    return write


@pytest.fixture
def run(tmp_path: Path, write_script: Callable[..., None]) -> Run:
    """Run a campaign in tmp_path/out."""

    def go(view: Listener | None = None, aim: Aim | None = None, **options: Any) -> Campaign:
        plain = {"out": tmp_path / "out", "lanes": 1, "seed": 7, "minimize": False, "confirm": False}
        options = {**plain, **options}
        coroutine = run_campaign(CampaignOptions(**options), config(), MODULES, view or Listener(), COMMANDS, aim)
        return asyncio.run(coroutine)

    return go


@pytest.fixture
def no_orphans(tmp_path: Path) -> Iterator[None]:
    """Afterwards no process of the campaign is left."""
    yield
    until(lambda: not pretenders(tmp_path))
