"""What drivers of a real guest compare with what a device says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from attrs import evolve

from harness.guest.emulators import Sight
from harness.guest.probe.compares import Comparisons, How
from harness.guest.probe.probing import Probing
from harness.lane.lane import Lane
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.errors import InfraError, InputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.lane.config import LaneConfig

pytestmark = pytest.mark.guest

KERNEL = "debian:5.10.223"
TOTAL = 375  #: wTotalLength of the made-up device, which no driver knows
CONFIGURATION = (
    bytes((9, 2, *TOTAL.to_bytes(2, "little"), 1, 1, 0, 0x80, 50, 9, 4, 0, 0, 0, 1, 1, 0, 0))
    + bytes((178, 0x24)).ljust(178, b"\0")
    + bytes((179, 0x24)).ljust(179, b"\0")
)
#: A Sound Blaster Extigy, whose driver treats two firmwares otherwise, which it tells by wTotalLength.
EXTIGY = Case(
    (DeviceSpec("extigy", bytes.fromhex("12010002000000401e0400300001000000 01"), (CONFIGURATION,)),),
    (Event(Action.PLUG, port=0, device=0), Event(Action.UNPLUG, port=0)),
)


def _work(config: LaneConfig, probing: Probing, work: Callable[[Lane], Awaitable[None]]) -> None:
    async def opened() -> None:
        lane = await Lane.open(evolve(config, probing=probing))
        try:
            await work(lane)
        finally:
            await lane.close()

    asyncio.run(opened())


async def _compared(lane: Lane) -> Comparisons:
    compared = (await lane.run(EXTIGY)).compared
    assert compared is not None
    return compared


def test_what_a_driver_looks_for_stands_beside_what_the_device_said(guest: Callable[..., LaneConfig]) -> None:
    config = guest(KERNEL)
    assert Sight.REGISTERS in config.emulator.sees, "set-up fetches an emulator that sees registers"

    async def rounds(lane: Lane) -> None:
        assert (await lane.run(EXTIGY)).compared is None  # nothing is armed
        lane.arm(["snd-usb-audio"])
        compared = await _compared(lane)
        assert {place.module for pc in compared.pairs["pc"] if (place := compared.place(pc))} == {"snd_usb_audio"}
        found = compared.holding(TOTAL)
        quirk = [each for each in found.pairs if str(found.place(each["pc"])).startswith("snd_usb_apply_boot_quirk+")]
        assert {int(each["right"]) for each in quirk if each["left"] == TOTAL} == {794, 483}
        assert all(each["constant"] and How(each["how"]) is How.CMP for each in quirk)
        assert compared.dropped == 0
        again = await _compared(lane)  # of this round alone
        assert np.array_equal(np.unique(again.pairs["pc"]), np.unique(compared.pairs["pc"]))
        lane.arm(["usbcore", "snd_usb_audio"])
        assert len(await _compared(lane)) > len(compared)
        await lane.restore()
        assert "snd_usb_apply_boot_quirk" in "\n".join((await _compared(lane)).holding(TOTAL).lines())
        lane.arm([])
        assert (await lane.run(EXTIGY)).compared is None
        with pytest.raises(InputError, match="no module nonsense loaded"):
            lane.arm(["usbcore", "nonsense"])

    _work(config, Probing(coverage=False, compare=True), rounds)


def test_a_lane_that_was_not_to_see_comparisons_says_so(guest: Callable[..., LaneConfig]) -> None:
    async def arm(lane: Lane) -> None:
        with pytest.raises(InfraError, match="compare=True"):
            lane.arm(["usbcore"])

    _work(guest(KERNEL), Probing(), arm)
