"""A real kernel attaches our devices over TCP with the real ``usbip``, and its drivers move data."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from harness.channel.said import Said
from harness.channel.watcher import watch_channel
from harness.guest.agent_client import Agent
from harness.lane.config import LaneConfig
from harness.usbip.messages import Reply, Request, Submit, Submitted, Unlink
from harness.usbip.said import UsbipSaid
from harness.usbip.server import Server
from usbfuzz.models.audio.uac1 import Headset
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.models.serial.acm import Modem

from .attached import attach, attaching_guest

pytestmark = pytest.mark.guest

READ_KEYS = "cd /sys/bus/hid/devices/*/input/input*; dd if=/dev/input/$(echo event*) bs=24 count=2 | hexdump -C"
ECHO = """
stty -F /dev/ttyACM0 raw -echo
exec 3<>/dev/ttyACM0
printf 'over the wire and back' >&3
timeout 5 dd bs=1 count=22 <&3 2>/dev/null
"""


@define
class Watcher:
    notes: list[str] = field(factory=list)
    messages: list[Request | Reply] = field(factory=list)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def device_error(self, error: Exception) -> None:
        raise error

    def transfer(self, at: float, said: Said) -> None:
        assert isinstance(said, UsbipSaid)
        self.messages.append(said.message)


async def _bound(agent: Agent, driver: str) -> list[str]:
    """The names of what this driver has bound, as soon as it has."""
    found: list[str] = []
    async with asyncio.timeout(10):
        while not found:
            events = await agent.settle(50)
            found = [event.name for event in events if event.kind == "bind" and event.detail == driver]
    return found


async def _use(config: LaneConfig, scratch: Path) -> None:
    keyboard, typist, modem, listener = Keyboard(), Watcher(), Watcher(), Watcher()
    servers = [await Server.start("127.0.0.1", 0, watcher.note) for watcher in (typist, modem, listener)]
    for server, watcher in zip(servers, (typist, modem, listener), strict=True):
        watch_channel(server, watcher)
    await servers[0].plug(keyboard)
    servers[1].offer(Modem)
    servers[2].offer(Headset)
    try:
        async with attaching_guest(config, [server.port for server in servers], scratch) as agent:
            await agent.load("cdc_acm", "evdev", "snd_usb_audio", "snd_pcm_oss")
            await _type(agent, keyboard)
            await _echo(agent)
            await _detach(agent, modem)
            await _listen(agent, listener)
    finally:
        for server in servers:
            server.close()
            await server.wait_closed()


async def _type(agent: Agent, keyboard: Keyboard) -> None:
    """An interrupt endpoint, full speed: a key that is pressed arrives as an input event."""
    await attach(agent, 0)
    await _bound(agent, "usbhid")
    reading = asyncio.create_task(agent.run(("sh", "-c", READ_KEYS), 10))
    await agent.sleep(500)
    keyboard.press(4)
    assert b"01 00 1e 00 01 00 00 00" in (await reading).output, "EV_KEY KEY_A pressed"


async def _echo(agent: Agent) -> None:
    """Bulk both ways, high speed."""
    await attach(agent, 1)
    assert len(await _bound(agent, "cdc_acm")) == 2
    ran = await agent.run(("sh", "-s"), 10, ECHO.encode())
    assert ran.output == b"over the wire and back"


async def _detach(agent: Agent, modem: Watcher) -> None:
    """The kernel takes back what it has submitted, and the server is ready for the next client."""
    ran = await agent.run(("usbip", "detach", "--port=1"), 10)
    assert ran.status == 0, ran.output
    await agent.settle(100)
    submitted = {message.seqnum for message in modem.messages if isinstance(message, Submit)}
    answered = [message.seqnum for message in modem.messages if isinstance(message, Submitted)]
    assert len(answered) == len(set(answered))
    assert set(answered) < submitted
    assert any(isinstance(message, Unlink) for message in modem.messages)


async def _listen(agent: Agent, listener: Watcher) -> None:
    """Isochronous, full speed: a second of sound takes a second, and a packet each millisecond."""
    await attach(agent, 2)
    await _bound(agent, "snd-usb-audio")
    started = time.monotonic()
    ran = await agent.run(("sh", "-c", "dd if=/dev/dsp bs=1000 count=8 2>/dev/null | wc -c"), 10)
    assert ran.output == b"8000\n"
    assert time.monotonic() - started > 0.9
    done = [message for message in listener.messages if isinstance(message, Submitted) and message.packets]
    assert sum(len(message.packets) for message in done) > 900
    assert not any(message.error_count for message in done)


def test_a_keyboard_types_a_modem_echoes_and_a_headset_sounds_through_vhci(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    asyncio.run(_use(guest("debian:bookworm"), tmp_path))
