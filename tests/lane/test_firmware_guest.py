"""A driver that is given made-up firmware goes further than without, in a real guest."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest.kernels.firmware import FirmwareNames
from harness.lane.firmware import missed
from harness.lane.lane import Lane
from strategies.dice import Dice
from strategies.firmware import with_firmware
from strategies.identities import Identities
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, Event, Step
from usbfuzz.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.config import LaneConfig
    from harness.lane.outcome import Outcome

pytestmark = pytest.mark.guest

OLD = "debian:5.10.223"
#: AR9271: bulk OUT 1, bulk IN 2, interrupt IN 3, interrupt OUT 4, bulk OUT 5 and 6; it takes every vendor request.
WIFI = DeviceSpec(
    "ath9k_htc 0cf3:9271",
    bytes.fromhex("1201000200000040f30c71920001000000 01"),
    (
        bytes.fromhex(
            "09023c000101008032 0904000006ff000000 07050102000200 07058202000200 0705830340000107050403400001"
            "07050502000200 07050602000200"
        ),
    ),
    control=(ControlScript((Step(Answer(), 0),), bmRequestType=0x40),),
)


def test_a_driver_goes_further_with_made_up_firmware_and_the_next_case_has_none(
    guest: Callable[..., LaneConfig],
) -> None:
    config = guest(OLD)
    identities = evolve(Identities({}), firmware=FirmwareNames(config.kernel.modules))
    without = Case((WIFI,), (Event(Action.PLUG, 0, 0),))
    given = with_firmware(Dice(5), without, identities)
    assert [file.name for file in given.firmware] == ["ath9k_htc/htc_9271-1.4.0.fw", "ath9k_htc/htc_7010-1.4.0.fw"]

    async def rounds() -> list[Outcome]:
        lane = await Lane.open(config)
        try:
            return [await lane.run(case) for case in (without, given, without)]
        finally:
            await lane.close()

    first, second, third = asyncio.run(rounds())
    assert "ath9k_htc/htc_9271-1.4.0.fw" in missed(first.console)
    assert not missed(second.console)
    assert missed(third.console) == missed(first.console)
    assert second.covered is not None
    # How far it goes before the device is pulled is not the same each time.
    new = Counter(block.module for block in second.covered.blocks(new=True))
    assert new["ath9k_htc"] > 10, new


def test_a_driver_finds_what_the_user_has(guest: Callable[..., LaneConfig], tmp_path: Path) -> None:
    (tmp_path / "ath9k_htc").mkdir()
    for name in ("htc_9271-1.4.0.fw", "htc_9271-1.dev.0.fw"):
        (tmp_path / "ath9k_htc" / name).write_bytes(bytes(4096))
    said: list[str] = []
    config = evolve(guest(OLD), firmware=tmp_path)

    async def run() -> Outcome:
        lane = await Lane.open(config, said.append)
        try:
            return await lane.run(Case((WIFI,), (Event(Action.PLUG, 0, 0),)))
        finally:
            await lane.close()

    assert "ath9k_htc/htc_9271-1.4.0.fw" not in missed(asyncio.run(run()).console)
    assert any(line.startswith("firmware ath9k_htc/htc_9271-1.4.0.fw: 4096 bytes, SHA-256") for line in said)
