"""Campaigns on a real kernel."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from attrs import define, field

from harness.guest.kernels import DEFAULT_KERNEL
from harness.lane.config import LaneConfig
from usbfuzz.case import load
from usbfuzz.crashes.layout import CAPTURE_FILE
from usbfuzz.crashes.minimized import load_result
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign

pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]

Guest = Callable[..., LaneConfig]


@define
class Watcher:
    """A view that remembers, and acts when the campaign is under way."""

    said: list[str] = field(factory=list)
    act: Callable[[Progress], None] = lambda _: None

    def update(self, progress: Progress) -> None:
        self.act(progress)

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None:
        pass


def _qemus(root: int | None = None) -> list[psutil.Process]:
    """QEMUs below process ``root`` (this one by default)."""
    found = []
    for process in psutil.Process(root).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("qemu-system"):
                found.append(process)
    return found


def _run(
    config: LaneConfig, out: Path, watcher: Watcher, *, seed: int = 3, finish: bool = False, **options: Any
) -> Campaign:
    """A campaign by numbers; with ``finish`` it minimizes and confirms what it finds."""
    wanted = CampaignOptions(out=out, seed=seed, guided=False, minimize=finish, confirm=finish, **options)
    return asyncio.run(run_campaign(wanted, config, ("usbhid",), watcher))


def test_a_campaign_on_an_old_kernel_finds_crashes_it_can_repeat(guest: Guest, tmp_path: Path) -> None:
    campaign = _run(guest(DEFAULT_KERNEL), tmp_path / "out", Watcher(), seed=_FINDS, cases=64, lanes=2)
    assert campaign.progress.session.cases == 64
    assert campaign.progress.session.enumerated >= 32
    assert campaign.progress.drivers
    repeated = [crash for crash in campaign.store.crashes.values() if crash.reproduced]
    assert repeated
    for crash in repeated:
        directory = tmp_path / "out" / crash.slug
        assert load(directory / "case.toml").expect[0].title == crash.title
        assert tomllib.loads((directory / "crash.toml").read_text())["reproduced"] == crash.reproduced
        assert (directory / "console.log").read_text()
    assert not _qemus()


def test_what_is_found_is_minimized_confirmed_in_real_time_and_reported(guest: Guest, tmp_path: Path) -> None:
    watcher = Watcher()
    campaign = _run(guest(DEFAULT_KERNEL), tmp_path / "out", watcher, seed=_FINDS, finish=True, cases=64, lanes=2)
    small = [crash for crash in campaign.store.crashes.values() if (tmp_path / "out" / crash.slug / _SMALL).exists()]
    assert small, watcher.said
    for crash in small:
        directory = tmp_path / "out" / crash.slug
        found = load_result(directory)
        assert found is not None
        assert found.after <= found.before
        assert {"original.toml", "case.toml", "report.txt", "lsusb.txt", "repro.py", "repro.c"} <= {
            path.name for path in directory.iterdir()
        }
    # Not for all of them: a race may not show again while its conversation is recorded.
    assert any((tmp_path / "out" / crash.slug / CAPTURE_FILE).exists() for crash in small), watcher.said
    assert any(crash.confirmations for crash in small), watcher.said


def test_a_killed_qemu_costs_a_restart_and_no_case(guest: Guest, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill_qemu(progress: Progress) -> None:
        if not killed and progress.session.cases:
            for qemu in _qemus():
                killed.append(qemu.pid)
                qemu.kill()

    watcher = Watcher(act=kill_qemu)
    campaign = _run(guest(DEFAULT_KERNEL), tmp_path / "out", watcher, cases=32, lanes=1)
    assert killed
    assert campaign.progress.session.cases == 32
    assert campaign.ledger.skipped == []
    assert not any("died" in crash.title for crash in campaign.store.crashes.values())


_SMALL = "minimized.toml"
#: The seed of a campaign whose first 64 cases find a bug that can be repeated.
_FINDS = 4
_CAMPAIGN = "from usbfuzz.cli import main; main()"


def _start(out: Path) -> subprocess.Popen[bytes]:
    words = ["fuzz", "--mode", "warp", "--lanes", "2", "--seed", "3", "--out", str(out), "--kernel", DEFAULT_KERNEL]
    return subprocess.Popen([sys.executable, "-c", _CAMPAIGN, *words], stdout=subprocess.DEVNULL)


def _until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_whatever_ends_the_supervisor_no_guest_is_left(guest: Guest, tmp_path: Path, number: signal.Signals) -> None:
    guest(DEFAULT_KERNEL)
    with _start(tmp_path / "out") as process:
        _until(lambda: len(_qemus(process.pid)) == 2, 300)
        guests = _qemus(process.pid)
        workers = psutil.Process(process.pid).children(recursive=True)
        time.sleep(2)
        process.send_signal(number)
        process.wait(timeout=60)
    assert process.returncode == (0 if number == signal.SIGINT else -number)
    _until(lambda: not any(_alive(process) for process in (*guests, *workers)), 30)
    left = [path for path in Path("/proc").glob("[0-9]*/cmdline") if os.fsencode(tmp_path) in _read(path)]
    assert left == []


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _read(path: Path) -> bytes:
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""
