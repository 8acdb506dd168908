"""What a campaign on a real kernel keeps of the code that its cases reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from usbfuzz.case import load
from usbfuzz.coverage import COVERAGE, blocks_file, case_path, read_blocks
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.reach import LANE_FILES
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]


class Silent:
    """A view that only remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def update(self, progress: Progress) -> None:
        pass

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None:
        pass


def _run(config: LaneConfig, out: Path, cases: int) -> tuple[Campaign, list[str]]:
    view = Silent()
    options = CampaignOptions(out=out, seed=5, guided=False, cases=cases, lanes=1, minimize=False, confirm=False)
    campaign = asyncio.run(run_campaign(options, evolve(config, probing=Probing(heap=Heap.OFF)), ("usbhid",), view))
    return campaign, view.said


def test_each_block_leads_to_a_case_that_can_be_run_and_a_second_campaign_adds_to_them(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    campaign, _ = _run(guest(DEFAULT_KERNEL), out, cases=16)
    file = blocks_file(out)
    first = read_blocks(file)
    assert first.kernel == guest(DEFAULT_KERNEL).kernel.name
    assert {"usbcore", "xhci_hcd"} <= set(first.modules)
    assert len(first) > 2000
    assert campaign.progress.reached == first
    owned = [block for block in first if block.case]
    assert len(owned) > len(first) / 4
    assert {load(case_path(file, name)).provenance.index for name in first.cases} <= set(range(16))
    assert list(file.parent.glob(LANE_FILES)) == []
    by_itself = [block for block in first if block.module == "virtio_console"]
    assert sum(not block.case for block in by_itself) > len(by_itself) / 2 > 50

    _run(guest(DEFAULT_KERNEL), out, cases=32)
    second = read_blocks(file)
    assert {(block.module, block.section, block.offset) for block in first} <= {
        (block.module, block.section, block.offset) for block in second
    }
    assert second.rows["hits"].sum() > first.rows["hits"].sum()


def test_coverage_of_another_kernel_is_left_alone(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / COVERAGE).mkdir(parents=True)
    foreign = "# usbfuzz coverage 1\n# kernel debian:9.9\n# release 9.9\n"
    (out / COVERAGE / "blocks.tsv").write_text(foreign)
    campaign, said = _run(guest(DEFAULT_KERNEL), out, cases=2)
    assert campaign.progress.session.cases == 2
    assert (out / COVERAGE / "blocks.tsv").read_text() == foreign
    assert any("coverage is not kept" in line and "debian:9.9" in line for line in said)
