"""Several clients of one server: who gets the device, and who is dropped."""

from __future__ import annotations

import asyncio
import struct
import subprocess

import pytest

from harness.usbip import exporter
from harness.usbip.server import Server
from usbfuzz.device import Device
from usbfuzz.errors import InputError
from usbfuzz.models.hid.pointers import Mouse
from usbfuzz.models.serial.acm import Modem

from .attached import usbip_tool
from .peer import IN, client
from .serving import Watcher, serve


def test_one_client_has_the_device_and_the_next_gets_a_new_one() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        async with client(server.port) as first:
            assert await first.attach() == 0
            async with client(server.port) as second:
                assert await second.attach() == 2, "ST_DEV_BUSY"
            async with client(server.port) as looking:
                assert (await looking.list())[8:] == struct.pack(">I", 0)
        async with asyncio.timeout(5):
            while not any("can be attached again" in note for note in watcher.notes):
                await asyncio.sleep(0.01)
        async with client(server.port) as third:
            assert await third.attach("2-1") == 4, "ST_NODEV"
        async with client(server.port) as fourth:
            assert await fourth.attach() == 0

    serve(Mouse, use)


def test_a_device_that_cannot_be_made_for_a_client_is_an_error_there_and_here() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        made: list[Device] = []

        def fails_the_second_time() -> Device:
            if made:
                raise InputError("mine.py:4: no disk")
            made.append(Mouse())
            return made[0]

        await server.unplug()
        server.offer(fails_the_second_time)
        async with client(server.port) as peer:
            assert await peer.attach() == 3, "ST_DEV_ERR"
        assert [str(error) for error in watcher.device_errors] == ["mine.py:4: no disk"]

    serve(Mouse, use)


@pytest.mark.parametrize("case", ["nonsense", "too many", "a number twice"])
def test_a_client_that_breaks_the_rules_is_dropped_and_the_next_is_served(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter, "MAX_PENDING", 8)

    async def use(server: Server, watcher: Watcher) -> None:
        async with client(server.port) as peer:
            assert await peer.attach() == 0
            if case == "nonsense":
                peer.writer.write(b"GET / HTTP/1.1\r\n".ljust(48, b"\0"))
            for number in range(9 if case == "too many" else 2):
                peer._last = number if case == "too many" else 0
                peer.submit(IN, 9, 8)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await peer.reply(99)
        assert any("was dropped: The USB/IP client" in note for note in watcher.notes)
        async with client(server.port) as peer:
            assert await peer.attach() == 0

    serve(Mouse, use)


def test_an_address_in_use_is_told_with_what_to_do() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        with pytest.raises(Exception, match=rf"127.0.0.1:{server.port}: cannot listen there: .*--usbip HOST:PORT"):
            await Server.start("127.0.0.1", server.port)

    serve(Mouse, use)


def test_the_tool_everybody_uses_lists_the_device() -> None:
    async def use(server: Server, watcher: Watcher) -> None:
        words = [usbip_tool(), "--tcp-port", str(server.port), "list", "--remote=127.0.0.1"]
        listed = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=20, check=True)
        assert "1-1: " in listed.stdout
        assert "(0627:0201)" in listed.stdout
        assert "(02/02/01)" in listed.stdout
        assert "(0a/00/00)" in listed.stdout

    serve(Modem, use)
