"""Answers that other tools recorded: a driver asks for them, gets them, and binds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Verdict
from usbfuzz.case import Case, DeviceSpec, ScriptedDevice
from usbfuzz.case.model import Action, Event
from usbfuzz.importers import import_bytes
from usbfuzz.importers.capture.devices import import_capture
from usbfuzz.importers.umockdev.ioctl import with_ioctls
from usbfuzz.report.capture import render_capture
from usbfuzz.wire import Setup, data

from .fwupd_files import control_event, emulation, fields, loaded
from .test_captures_guest import KERNEL, SECONDS, serial_adapter
from .test_ioctl import asked
from .test_umockdev import recording

pytestmark = pytest.mark.guest

ADAPTER = evolve(serial_adapter(), control=())
VERSION, STATUS = Setup(0xC0, 0x5F, 0, 0, 2), Setup(0xC0, 0x95, 0x0706, 0, 2)  # what ch341_configure asks for
ANSWERS = {VERSION: b"\x31\0", STATUS: b"\xff\xee"}
WRITTEN = (Setup(0x40, 0xA1, 0, 0, 0), Setup(0x40, 0x9A, 0x1312, 0, 0), Setup(0x40, 0xA4, 0xFF9F, 0, 0))


def of_fwupd() -> DeviceSpec:
    """The adapter as fwupd recorded it."""
    said = [control_event(setup, raw) for setup, raw in ANSWERS.items()]
    written = [control_event(setup) for setup in WRITTEN]
    device = fields(ADAPTER) | {"Events": [*loaded(ADAPTER), *said, *written]}
    (imported,) = import_bytes(emulation(device), "setup.json")
    return imported.device


def of_umockdev() -> DeviceSpec:
    """The adapter as umockdev recorded it."""
    said = "".join(asked(setup, raw) for setup, raw in ANSWERS.items())
    written = "".join(asked(setup) for setup in WRITTEN)
    devices = import_bytes(recording(ADAPTER).encode(), "dev.umockdev")
    (imported,) = with_ioctls(devices, (said + written).encode(), "dev.ioctl")
    return imported.device


@pytest.mark.parametrize("imported", [of_fwupd, of_umockdev])
def test_recorded_answers_reach_the_driver(
    guest: Callable[..., LaneConfig], imported: Callable[[], DeviceSpec]
) -> None:
    config = guest(KERNEL)

    async def plug() -> None:
        lane = await Lane.open(config)
        lane.recording = True
        try:
            played = await lane.run_round([Case((imported(),), (Event(Action.PLUG, device=0), Event(Action.UNPLUG)))])
            assert played.verdict is Verdict.CLEAN
            assert {binding.driver for binding in played.bindings} == {"ch341"}
            (heard,) = import_capture(render_capture(played.conversation), "usb.pcapng")
            assert ScriptedDevice(heard.device).on_control(VERSION, b"") == data(ANSWERS[VERSION])
        finally:
            await lane.close()

    asyncio.run(asyncio.wait_for(plug(), SECONDS))
