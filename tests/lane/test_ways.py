"""What is done to a device from the guest's side, told apart from what only began."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from harness.guest.agent_client import Agent, Ran
from harness.lane.ways import Ways
from usbfuzz.case.model import Action, DeviceSpec, Event
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.errors import GuestError

_DEVICE = bytes.fromhex("12 01 0002 00 00 00 40 f9057832 0001 00 00 00 01")
_CONFIGURATION = bytes.fromhex("09 02 1200 01 01 00 80 32  09 04 00 00 00 ff 00 00 00")


class _Guest:
    """An agent of a guest in which one module binds; its removal ends as ``removal`` does."""

    def __init__(self, removal: asyncio.Future[None]) -> None:
        self.removal = removal

    async def run(self, argv: tuple[str, ...], seconds: float) -> Ran:
        return Ran(0, b"camera\n")

    async def read(self, path: str) -> bytes:
        return b"camera 1 0 - Live 0x0\n"

    async def unload(self, module: str) -> None:
        await self.removal


def _configured() -> ScriptedDevice:
    device = ScriptedDevice(DeviceSpec("one", _DEVICE, (_CONFIGURATION,)))
    device.configuration = 1
    return device


async def _unload(ways: Ways) -> None:
    await ways.go(Event(Action.UNLOAD, 0), 0, _configured())


def test_a_removal_that_nobody_waits_for_any_more_has_altered_the_guest() -> None:
    async def cut_short() -> list[str]:
        ways = Ways(cast("Agent", _Guest(asyncio.get_running_loop().create_future())))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_unload(ways), 0.05)
        return ways.unloaded

    assert asyncio.run(cut_short()) == ["camera"]


def test_a_module_that_cannot_be_removed_is_there_still() -> None:
    async def refused() -> list[str]:
        removal = asyncio.get_running_loop().create_future()
        removal.set_exception(GuestError("unload camera: Resource temporarily unavailable"))
        ways = Ways(cast("Agent", _Guest(removal)))
        with pytest.raises(GuestError, match=r"camera cannot be removed \(Resource temporarily unavailable\)"):
            await _unload(ways)
        return ways.unloaded

    assert asyncio.run(refused()) == []
