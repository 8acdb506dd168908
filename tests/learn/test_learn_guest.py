"""A real driver of a stock kernel says what it wants to hear, and then gets it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.probe.probing import Probing
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from strategies.learning.learned import load_all
from usbfuzz.case.model import Case
from usbfuzz.errors import InfraError, InputError
from usbfuzz.jobs.learn import Limits, Wanted, learn

pytestmark = pytest.mark.guest

KERNEL = "debian:5.10.223"
DRIVER = "redrat3"  #: checks its endpoints, an answer's first byte, the headers of packets


def test_a_driver_that_nobody_described_binds_after_it_was_learned(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    config = evolve(guest(KERNEL), probing=Probing(compare=True))
    (learned,) = asyncio.run(
        learn(config, Wanted((DRIVER,), tmp_path, crashes=tmp_path / "crashes", limits=Limits(runs=120)), print)
    )
    assert learned.reached > learned.before + 20
    (kept,) = load_all(tmp_path, []).values()
    best = kept.devices[0]
    assert best.bound
    assert any(text.startswith("redrat3_") for text in best.because)
    drivers = asyncio.run(_drivers(evolve(config, probing=Probing()), best.draft.case(77)))
    assert DRIVER in drivers


async def _drivers(config: LaneConfig, case: Case) -> set[str]:
    lane = await Lane.open(config)
    try:
        return {binding.driver for binding in (await lane.run(case)).bindings}
    finally:
        await lane.close()


def test_what_cannot_be_learned_is_said(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    config = guest(KERNEL)
    with pytest.raises(InputError, match=r"nonsense: debian:5\.10\.223-1 has no such USB or HID driver"):
        asyncio.run(learn(evolve(config, probing=Probing(compare=True)), Wanted(("nonsense",), tmp_path), print))
    with pytest.raises(InfraError, match="does not show what drivers compare"):
        asyncio.run(learn(config, Wanted((DRIVER,), tmp_path), print))
