"""A syzkaller program's device, imported, in a real guest: the driver it was written for binds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from usbfuzz.case import Case, DeviceSpec
from usbfuzz.case.model import Action, Event
from usbfuzz.importers.syzkaller.program import import_syz

pytestmark = pytest.mark.guest

KERNEL = "debian:bookworm"
SECONDS = 120

#: The driver asks for a MAC address, which the last call tells: four times "42".
CDC_ECM = """r0 = syz_usb_connect$cdc_ecm(0x0, 0x4d, &(0x7f0000000000)={{0x12, 0x1, 0x200, 0x2, 0x0, 0x0, 0x40, \
0x1209, \
0x4, 0x100, 0x0, 0x0, 0x0, 0x1, [{{0x9, 0x2, 0x3b, 0x1, 0x1, 0x0, 0x80, 0x32, "", [{{0x9, 0x4, 0x0, 0x0, 0x2, 0x2, \
0x6, 0x0, 0x0, {{0x5, 0x24, 0x6, 0x0, 0x0, ""}, {0x5, 0x24, 0x0, 0x110}, {0xd, 0x24, 0xf, 0x1, 0x0, 0x5ea, 0x0, 0x0}, \
[]}, {[], {{0x9, 0x5, 0x82, 0x2, 0x200}}, {{0x9, 0x5, 0x3, 0x2, 0x200}}}}}]}}]}}, 0x0)
syz_usb_control_io$cdc_ecm(r0, 0x0, 0x0)
syz_usb_control_io$cdc_ecm(r0, &(0x7f0000000080)={0x14, 0x0, &(0x7f0000000040)={0x0, 0x3, 0x1a, {0x1a, 0x3, \
{0x3400320034003200, 0x3400320034003200, 0x3400320034003200}}}}, 0x0)
"""


async def play(config: LaneConfig, device: DeviceSpec) -> Outcome:
    lane = await Lane.open(config)
    try:
        return await lane.run_round([Case((device,), (Event(Action.PLUG, device=0), Event(Action.UNPLUG)))])
    finally:
        await lane.close()


def test_the_ethernet_device_of_a_program_binds_its_driver(guest: Callable[..., LaneConfig]) -> None:
    (imported,) = import_syz(CDC_ECM.encode(), "vusb_cdc_ecm")
    outcome = asyncio.run(asyncio.wait_for(play(guest(KERNEL), imported.device), SECONDS))
    assert outcome.verdict is Verdict.CLEAN
    assert {binding.driver for binding in outcome.bindings} == {"cdc_ether"}
