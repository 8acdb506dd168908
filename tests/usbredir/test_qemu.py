"""The real QEMU accepts the announcement of every layout and never dies of one. No kernel is booted."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.usbredir.server import Port
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import Speed

from .peer import Dummy, in_loop
from .strategies import layouts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from usbfuzz.descriptors.layout import Layout
    from usbfuzz.device import Device

pytestmark = pytest.mark.guest

#: A firmware that halts: ``cli; hlt; jmp`` wherever it is entered.
HALT = bytes.fromhex("fa f4 eb fd")
TIMEOUT_S = 20

#: For the timer that attaches a device, 200 ms of a clock that does not wait; QEMU does not tell when it has fired.
ATTACH_S = 0.02


@define(eq=False)
class Qemu:
    """A running QEMU with a usb-redir device on an xHCI, and our port to it."""

    port: Port
    process: asyncio.subprocess.Process
    log: list[str] = field(factory=list)

    async def says(self, text: str) -> None:
        """Read its log until a line has this text."""
        assert self.process.stderr is not None
        async with asyncio.timeout(TIMEOUT_S):
            while text not in (self.log or [""])[-1]:
                line = await self.process.stderr.readline()
                assert line, "QEMU has ended: " + "".join(self.log[-5:])
                self.log.append(line.decode())
        self.log.append("")

    async def attached(self, device: Device) -> None:
        """Plug a device in and wait until the guest's port has it."""
        await self.port.plug(device)
        await self.says("attaching")
        await asyncio.sleep(ATTACH_S)

    async def detached(self) -> None:
        """Unplug it, which QEMU logs only if it was attached."""
        await self.port.unplug()
        await self.says("detaching device")


@asynccontextmanager
async def qemu(*options: str) -> AsyncIterator[Qemu]:
    """Start QEMU, on the halting firmware and with its clock unbound unless told otherwise."""
    with TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "halt").write_bytes(HALT * (65536 // len(HALT)))
        port = await Port.listen(directory / "usb")
        process = await asyncio.create_subprocess_exec(
            *("qemu-system-x86_64", "-nodefaults", "-display", "none", "-accel", "tcg,thread=single", "-m", "64"),
            *("-device", "qemu-xhci", "-chardev", f"socket,id=usb,path={directory}/usb"),
            *("-device", "usb-redir,chardev=usb,debug=4"),
            *(options or ("-icount", "shift=0,sleep=off", "-bios", str(directory / "halt"))),
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            yield Qemu(port, process)
        finally:
            port.close()
            if process.returncode is None:
                process.kill()
            await process.communicate()


@in_loop
async def test_qemu_greets_attaches_and_confirms_the_detach() -> None:
    async with qemu() as machine:
        await machine.attached(Dummy())
        await machine.detached()
        text = "".join(machine.log)
    assert "Peer version: usbfuzz" in text
    assert "using 64-bits ids" in text
    assert "attaching high speed device 1234:5678 version 1.0 class 00" in text
    assert "error" not in text


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(layouts, st.sampled_from(Speed)), min_size=50, max_size=50))
def test_no_layout_is_rejected_or_fatal(devices: list[tuple[Layout, Speed]]) -> None:
    async def run() -> None:
        async with qemu() as machine:
            for layout, speed in devices:
                device = Dummy(speed=speed)
                device.announced = layout
                await machine.attached(device)
                assert not machine.port.rejected
                await machine.detached()
            assert "error" not in "".join(machine.log)

    asyncio.run(run())


@in_loop
async def test_the_firmware_enumerates_a_keyboard() -> None:
    async with qemu("-no-reboot") as machine:
        await machine.port.plug(Keyboard())
        async with asyncio.timeout(TIMEOUT_S):
            await machine.port.wait_requests(4)
        await machine.detached()
        assert machine.port.device_errors == []


@in_loop
async def test_a_killed_qemu_closes_the_port() -> None:
    async with qemu() as machine:
        await machine.attached(Dummy())
        machine.process.kill()
        async with asyncio.timeout(TIMEOUT_S):
            await machine.port.closed.wait()
