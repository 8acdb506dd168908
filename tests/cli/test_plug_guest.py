"""``plug`` on a real kernel: what a driver developer sees of one mouse."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, field

from harness.channel.said import Said, Sender
from harness.guest.agent_client import UEvent
from harness.lane.config import LaneConfig
from harness.usbredir.packets import ControlPacket
from harness.usbredir.said import RedirSaid
from tests import DEVICES
from tests.guest.processes import alive, qemus
from usbfuzz.jobs.plug import plug
from usbfuzz.load import load_device

pytestmark = pytest.mark.guest

MOUSE = load_device(str(DEVICES / "boot-mouse.toml"))
GET_DESCRIPTOR = 6
SECONDS = 3.0


@define
class Recorder:
    """A watcher that remembers, and acts on the first transfer."""

    act: Callable[[], None] = lambda: None
    lines: list[str] = field(factory=list)
    events: list[UEvent] = field(factory=list)
    transfers: list[RedirSaid] = field(factory=list)
    pids: set[int] = field(factory=set)
    said: dict[str, float] = field(factory=dict)

    def kernel(self, line: str) -> None:
        self.lines.append(line)

    def uevent(self, event: UEvent) -> None:
        self.events.append(event)

    def transfer(self, at: float, said: Said) -> None:
        assert isinstance(said, RedirSaid)
        if not self.transfers:
            self.pids.update(qemu.pid for qemu in qemus())
            self.act()
        self.transfers.append(said)

    def device_error(self, error: Exception) -> None:
        raise error

    def progress(self, line: str) -> None:
        self.said[line] = time.monotonic()


def _watch(recorder: Recorder, config: LaneConfig, seconds: float | None) -> float:
    """Plug the mouse; returns how many seconds it was watched."""
    asyncio.run(plug(MOUSE, config, recorder, seconds=seconds, on_progress=recorder.progress))
    return time.monotonic() - recorder.said["the guest runs; plugging"]


@pytest.fixture
def run_dirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's guests keep their files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_plug_shows_log_drivers_and_transfers_and_ends_by_itself(
    guest: Callable[..., LaneConfig], run_dirs: Path
) -> None:
    config, recorder = guest("debian:bookworm"), Recorder()
    assert SECONDS <= _watch(recorder, config, SECONDS) < SECONDS + 5

    assert any("New USB device found, idVendor=0627, idProduct=0001" in line for line in recorder.lines)
    assert any("Product: Boot mouse" in line for line in recorder.lines)
    bound = {(event.name, event.detail) for event in recorder.events if event.kind == "bind"}
    assert ("1-1:1.0", "usbhid") in bound
    assert any(event.kind == "add" and event.detail.startswith("input/") for event in recorder.events)
    asked = [said.message for said in recorder.transfers if said.sender is Sender.GUEST]
    answered = [said.message for said in recorder.transfers if said.sender is Sender.HOST]
    assert any(isinstance(message, ControlPacket) and message.request == GET_DESCRIPTOR for message in asked)
    assert any(isinstance(message, ControlPacket) and message.payload == MOUSE.make().device for message in answered)

    assert recorder.pids
    assert not any(alive(pid) for pid in recorder.pids)
    assert list(run_dirs.glob("usbfuzz-*/m*")) == []


def test_what_was_plugged_stays_plugged_while_it_is_watched(guest: Callable[..., LaneConfig], run_dirs: Path) -> None:
    recorder = Recorder()
    _watch(recorder, guest("debian:bookworm"), SECONDS)
    assert not any(event.kind in {"unbind", "remove"} for event in recorder.events)


def test_a_guest_that_goes_ends_the_watching(guest: Callable[..., LaneConfig], run_dirs: Path) -> None:
    def kill() -> None:
        for qemu in qemus():
            qemu.kill()

    recorder = Recorder(act=kill)
    config = guest("debian:bookworm")
    _watch(recorder, config, None)
    assert any("the guest is gone" in line for line in recorder.lines)
    assert recorder.pids
    assert list(run_dirs.glob("usbfuzz-*/m*")) == []
