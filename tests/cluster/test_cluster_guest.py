"""A campaign and a regression whose guests are real, at dask workers of which one is killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL
from harness.lane.config import LaneConfig
from harness.workers.procs import usable_cores
from strategies import Identities
from tests import DEVICES
from tests.campaign.running import Listener, until
from usbfuzz.coverage import BLOCKS_FILE, COVERAGE, read_blocks
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign
from usbfuzz.jobs.cluster.guests import Guests
from usbfuzz.jobs.cluster.program import lanes_at

from .lab import Lab

pytestmark = [pytest.mark.guest, pytest.mark.timeout(900)]

Guest = Callable[..., LaneConfig]


def _qemus(root: int) -> list[psutil.Process]:
    children = psutil.Process(root).children(recursive=True)
    return [process for process in children if process.name().startswith("qemu-system")]


def test_a_guided_campaign_goes_on_where_a_worker_is_killed(guest: Guest, tmp_path: Path) -> None:
    config = guest(DEFAULT_KERNEL)
    modules = Identities.parse(config.image.aliases.read_text()).modules
    orphans: list[psutil.Process] = []

    def kill(progress: Progress) -> None:
        if not orphans and progress.session.cases >= 8:
            worker = next(worker for worker in lab.workers if _qemus(worker))
            orphans.extend(_qemus(worker))
            lab.kill(worker)
            lab.join()

    async def campaign() -> Campaign:
        options = CampaignOptions(out=tmp_path / "out", cases=48, lanes=1, seed=3, minimize=False, confirm=False)
        view = Listener(on_update=kill)
        async with lanes_at(lab.address, view.say) as lanes:
            return await run_campaign(options, config, modules, view, elsewhere=lanes)

    with Lab(tmp_path, dict(os.environ)) as lab:
        lab.start(max(2, usable_cores()))
        done = asyncio.run(campaign())
        until(lambda: not any(process.is_running() for process in orphans))
    assert orphans
    assert done.progress.totals.cases == 48
    assert done.ledger.skipped == []
    assert done.progress.drivers
    assert done.guide is not None
    assert len(done.guide.corpus) > 0
    blocks = read_blocks(tmp_path / "out" / COVERAGE / BLOCKS_FILE)
    assert len(blocks) > 100
    assert {name for name in blocks.cases if name.startswith("case-")}
    assert (tmp_path / "out" / COVERAGE / "cases").is_dir()


def test_regress_runs_its_cells_at_a_cluster(guest: Guest, tmp_path: Path) -> None:
    guest(DEFAULT_KERNEL)
    case = DEVICES / "boot-mouse.toml"
    with Lab(tmp_path, dict(os.environ)) as lab:
        lab.start(1)
        command = [sys.executable, "-m", "usbfuzz", "regress", str(case), "--kernel", DEFAULT_KERNEL]
        there = subprocess.run(
            [*command, "--cluster", lab.address], capture_output=True, text=True, timeout=400, check=False
        )
    assert there.returncode == 0, there.stderr
    assert "1 case on 1 kernel: 1 new" in there.stdout  # ran, and nothing is recorded for this kernel
    assert "1 places at 1 dask workers on 1 machine" in there.stderr


def test_settings_that_another_machine_prepares_are_those_of_this_one(guest: Guest) -> None:
    config = evolve(guest(DEFAULT_KERNEL), ports=3, kernel_params=("quiet",))
    there = asyncio.run(Guests.of(config).prepare(lambda _: None))
    assert evolve(there, paced=config.paced) == config
