"""A Facedancer script, as its author would run it, at a real guest."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.qemu import Mode
from harness.lane.config import LaneConfig

pytestmark = pytest.mark.guest

_TYPIST = """
import asyncio, sys
from facedancer import main
from facedancer.devices.keyboard import USBKeyboardDevice
from facedancer.errors import EndEmulation

words = sys.argv.pop()
device = USBKeyboardDevice()


async def type_words():
    while device.configuration is None:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    await device.type_string(words)
    await asyncio.sleep(1)
    raise EndEmulation("typed " + words)


main(device, type_words())
"""


def _facedancer(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "usbfuzz", "facedancer", "--kernel", "debian:bookworm", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=280, check=False)


def test_a_script_runs_unmodified_and_its_keyboard_binds(
    guest: Callable[[str, Mode], LaneConfig], tmp_path: Path
) -> None:
    guest("debian:bookworm", Mode.REALTIME)
    script = tmp_path / "typist.py"
    script.write_text(_TYPIST)
    done = _facedancer(str(script), "hello")
    assert done.returncode == 0, done.stderr
    assert "Product: Non-suspicious Keyboard" in done.stdout
    assert "usbhid bound to 1-1:1.0" in done.stdout
    assert "typed hello" in done.stdout + done.stderr


def test_a_script_that_fails_is_told_with_its_status(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit(7)\n")
    done = _facedancer(str(script))
    assert done.returncode == 2
    assert f"{script}: ended with status 7" in done.stderr
