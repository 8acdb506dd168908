"""Campaigns on a real kernel that are guided by what it executes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Probing
from harness.lane.config import LaneConfig
from strategies import Identities
from usbfuzz.corpus import Corpus, keep, read_case
from usbfuzz.jobs.campaign.guide import Guide
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.engine.plan import Source

from .test_campaign_guest import Watcher

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]


def _run(config: LaneConfig, out: Path, cases: int) -> tuple[Guide, list[str]]:
    modules = Identities.parse(config.image.aliases.read_text()).modules
    options = CampaignOptions(out=out, seed=3, cases=cases, lanes=2, minimize=False, confirm=False)
    watcher = Watcher()
    campaign = asyncio.run(run_campaign(options, config, modules, watcher))
    assert campaign.guide is not None
    return campaign.guide, watcher.said


def test_what_reached_something_is_kept_and_led_further(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    config = evolve(guest(DEFAULT_KERNEL), probing=Probing(compare=True))
    out = tmp_path / "out"
    guide, _ = _run(config, out, 128)
    kept = Corpus.open(out / "corpus", config.kernel.name, config.kernel.release, print)
    assert len(kept.names) > 8
    assert len(kept) > 1000
    assert not kept.unrun
    assert {read_case(kept.directory, name).provenance.source for name in kept.names} == {"campaign"}
    accounts = guide.yields.sources
    assert accounts[Source.FRESH].blocks > 1000
    assert accounts[Source.HAVOC].cases + accounts[Source.SPLICE].cases + accounts[Source.SWEEP].cases > 0
    assert sum(account.blocks for account in accounts.values()) == len(kept)
    again, _ = _run(config, out, 192)
    assert again.yields.sources[Source.FRESH].cases > accounts[Source.FRESH].cases
    assert len(again.corpus) > len(kept)


def test_cases_of_another_campaign_run_first(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    config = evolve(guest(DEFAULT_KERNEL), probing=Probing(compare=True))
    _run(config, tmp_path / "one", 64)
    kept = Corpus.open(tmp_path / "one" / "corpus", config.kernel.name, config.kernel.release, print)
    handed_on = Corpus.open(tmp_path / "two" / "corpus", config.kernel.name, config.kernel.release, print)
    for name in sorted(kept.names)[:5]:
        keep(handed_on.directory, read_case(kept.directory, name))
    guide, _ = _run(config, tmp_path / "two", 8)
    assert guide.yields.sources[Source.CORPUS].cases == 5
    assert guide.yields.sources[Source.CORPUS].blocks > 100
