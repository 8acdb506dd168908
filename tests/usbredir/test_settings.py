"""Configurations, alternate settings and resets: what the device does, and what QEMU is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.usbredir.announce import ep_info, interface_info
from harness.usbredir.constants import WireStatus
from harness.usbredir.messages import (
    AltSettingStatus,
    ConfigurationStatus,
    GetAltSetting,
    GetConfiguration,
    Reset,
    SetAltSetting,
    SetConfiguration,
)
from harness.usbredir.packets import (
    CancelDataPacket,
)
from usbfuzz.wire import NEVER, STALL, TransferType

from .peer import Dummy, endpoint, in_loop, plugged

if TYPE_CHECKING:
    from pathlib import Path

IN, OUT = 0x81, 0x02
BULK = (endpoint(IN, TransferType.BULK, 512), endpoint(OUT, TransferType.BULK, 512))


@in_loop
async def test_a_new_configuration_is_described_before_its_status(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(SetConfiguration(7, id=1), answers=3) == [
            interface_info(device.announced),
            ep_info(device.announced),
            ConfigurationStatus(0, 7, id=1),
        ]
        assert await qemu.reply(GetConfiguration(id=2)) == [ConfigurationStatus(0, 7, id=2)]


@in_loop
async def test_a_refused_configuration_gives_its_status_alone(tmp_path: Path) -> None:
    device = Dummy()
    device.control = lambda _: STALL
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(SetConfiguration(7, id=1)) == [ConfigurationStatus(WireStatus.STALL, 0, id=1)]


@in_loop
async def test_a_new_setting_is_described_before_its_status(tmp_path: Path) -> None:
    device = Dummy(*BULK)
    async with plugged(tmp_path, device) as (_, qemu):
        assert await qemu.reply(SetAltSetting(3, 2, id=1), answers=3) == [
            interface_info(device.announced),
            ep_info(device.announced),
            AltSettingStatus(0, 3, 2, id=1),
        ]
        assert await qemu.reply(GetAltSetting(3, id=2)) == [AltSettingStatus(0, 3, 2, id=2)]
        assert await qemu.reply(GetAltSetting(4, id=3)) == [AltSettingStatus(0, 4, 0, id=3)]


@in_loop
async def test_a_configuration_that_never_answers_can_be_cancelled(tmp_path: Path) -> None:
    device = Dummy()
    device.control = lambda _: NEVER
    async with plugged(tmp_path, device) as (_, qemu):
        qemu.send(SetConfiguration(7, id=1))
        assert await qemu.silent()
        assert await qemu.reply(CancelDataPacket(id=1)) == [ConfigurationStatus(WireStatus.CANCELLED, 0, id=1)]


@in_loop
async def test_a_reset_reaches_the_device_and_has_no_answer(tmp_path: Path) -> None:
    device = Dummy()
    async with plugged(tmp_path, device) as (port, qemu):
        qemu.send(Reset())
        assert await qemu.silent()
        assert (device.resets, port.requests) == (1, 0)
