"""With a real guest: repro.py alone makes the kernel crash again, and a recorded run opens in Wireshark."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS
from usbfuzz.case import load
from usbfuzz.jobs.replay import replay
from usbfuzz.report.capture import save_capture
from usbfuzz.report.repro import render_repro

pytestmark = pytest.mark.guest

_CASE = load(KNOWN_BUGS / "pidff-null.toml")
_TITLE = "BUG: unable to handle kernel NULL pointer dereference in pidff_find_fields"


def test_repro_py_crashes_the_kernel_without_any_of_this_project(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    config = guest("debian:5.10.223")
    path = tmp_path / "repro.py"
    report = "BUG: kernel NULL pointer dereference, address: 0000000000000010\n"
    path.write_text(render_repro(_CASE, title=_TITLE, kernel=config.kernel.name, report=report))
    words = ("--kernel", str(config.kernel.vmlinuz), "--initrd", str(config.image.path))
    done = subprocess.run(
        [sys.executable, "-I", str(path), *words, "--boot-quiet", "3", "--calm", "1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert "RIP: 0010:pidff_find_fields" in done.stdout
    assert "=== reproduced" in done.stdout


def test_a_recorded_run_is_a_capture_of_the_device_up_to_the_crash(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    result = asyncio.run(replay(_CASE, guest("debian:5.10.223"), 1, record=True))
    assert result.hits == 1
    path = tmp_path / "usb.pcapng"
    save_capture(path, result.outcomes[0].conversation)
    text = subprocess.run(["tshark", "-r", str(path), "-V"], capture_output=True, text=True, check=True).stdout
    assert "Malformed" not in text
    assert "idVendor: " in text
    assert "bInterfaceClass: HID (0x03)" in text
    assert "SET CONFIGURATION" in text
    assert "HID Report" in text


def test_a_run_that_is_not_recorded_costs_and_keeps_nothing(guest: Callable[..., LaneConfig]) -> None:
    result = asyncio.run(replay(_CASE, guest("debian:5.10.223"), 1))
    assert result.outcomes[0].conversation.utterances == ()
