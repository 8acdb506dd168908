"""A real conversation, recorded, written as a capture and imported: the guest cannot tell the difference."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from tests import DEVICES
from usbfuzz.case import Case, DeviceSpec, load
from usbfuzz.case.model import Action, ControlScript, EndpointScript, Event, Step
from usbfuzz.device import build
from usbfuzz.importers.capture.devices import import_capture
from usbfuzz.report.capture import render_capture
from usbfuzz.wire import Answer, Speed, TransferType, data

pytestmark = pytest.mark.guest

KERNEL = "debian:bookworm"
SECONDS = 120
TYPED = tuple(Step(data(bytes((0, 0, usage, 0, 0, 0, 0, 0)))) for usage in (4, 0, 5, 0, 6, 0))
FOR_EVER = 0


def keyboard() -> DeviceSpec:
    """Types a, b and c as soon as somebody listens."""
    case = load(DEVICES / "boot-keyboard.toml")
    return evolve(case.devices[0], endpoints=(EndpointScript(0x81, TYPED),))


def serial_adapter() -> DeviceSpec:
    """CH340: drivers/usb/serial/ch341.c asks for its version and a register, and writes many."""
    return DeviceSpec(
        name="ch340",
        speed=Speed.FULL,
        device=build.device(idVendor=0x1A86, idProduct=0x7523, bMaxPacketSize0=8, bDeviceClass=255, bcdUSB=0x0110),
        configurations=(
            build.configuration(
                build.interface(bInterfaceClass=255, bNumEndpoints=3),
                build.endpoint(0x82, TransferType.BULK, wMaxPacketSize=32),
                build.endpoint(0x02, TransferType.BULK, wMaxPacketSize=32),
                build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=8, bInterval=1),
            ),
        ),
        control=(
            ControlScript((Step(data(b"\x31\x00"), FOR_EVER),), 0xC0, 0x5F),
            ControlScript((Step(data(b"\xff\xee"), FOR_EVER),), 0xC0, 0x95),
            ControlScript((Step(Answer(), FOR_EVER),), 0x40),
        ),
    )


async def capture_and_repeat(config: LaneConfig, device: DeviceSpec) -> tuple[Outcome, DeviceSpec, Outcome]:
    """What the guest made of a device, the device as its capture shows it, and what the guest made of that."""
    lane = await Lane.open(config)
    lane.recording = True
    try:
        first = await play(lane, device)
        (imported,) = import_capture(render_capture(first.conversation), "usb.pcapng")
        return first, imported.device, await play(lane, imported.device)
    finally:
        await lane.close()


async def play(lane: Lane, device: DeviceSpec) -> Outcome:
    return await lane.run_round([Case((device,), (Event(Action.PLUG, device=0), Event(Action.UNPLUG)))])


@pytest.mark.parametrize(
    ("device", "drivers"),
    [(keyboard(), {"usbhid", "hid-generic"}), (serial_adapter(), {"ch341"})],
    ids=["keyboard", "serial"],
)
def test_a_captured_device_comes_back_and_binds_again(
    guest: Callable[..., LaneConfig], device: DeviceSpec, drivers: set[str]
) -> None:
    first, again, second = asyncio.run(asyncio.wait_for(capture_and_repeat(guest(KERNEL), device), SECONDS))
    assert (first.verdict, second.verdict) == (Verdict.CLEAN, Verdict.CLEAN)
    assert again.device == device.device
    assert again.configurations == device.configurations
    assert again.reports == device.reports
    assert [pair for pair in again.strings if pair[0]] == list(device.strings)
    assert {binding.driver for binding in first.bindings} == drivers
    assert {binding.driver for binding in second.bindings} == drivers
    for endpoint in device.endpoints:
        (heard,) = (script for script in again.endpoints if script.bEndpointAddress == endpoint.bEndpointAddress)
        assert [step.answer for step in heard.steps if step.answer.data] == [step.answer for step in endpoint.steps]
