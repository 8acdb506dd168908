"""The examples that need a guest, run as their README says."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.guest.qemu import Mode
from harness.lane.config import LaneConfig
from tests import ROOT

pytestmark = pytest.mark.guest


@pytest.fixture(autouse=True)
def prepared(guest: Callable[..., LaneConfig]) -> None:
    """Kernels and snapshots are there before the clock of an example starts."""
    guest("debian:5.10.223")
    guest("debian:bookworm")
    guest("debian:bookworm", Mode.REALTIME)


def _run(*words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_my_mouse_is_plugged_in() -> None:
    shown = _run("-m", "usbfuzz", "plug", "examples/my_mouse.py", "--kernel", "debian:bookworm", "--for", "8")
    assert "Product: My mouse" in shown
    assert "usbhid bound to 1-1:1.0" in shown


def test_the_pytest_example_passes_on_two_kernels() -> None:
    shown = _run("-m", "pytest", "examples/test_my_mouse.py", "--usb-mode", "warp", "-v", "-p", "no:cacheprovider")
    assert "[debian:5.10.223] PASSED" in shown
    assert "[debian:bookworm] PASSED" in shown
    assert "3 passed" in shown


def test_the_boofuzz_example_finds_the_modem_s_bug() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shown = _run("examples/fuzz_with_boofuzz.py", "--cases", "4", "--web-port", str(port))
    assert "WARNING in cxacru_cm/usb_submit_urb" in shown


def test_the_facedancer_example_types() -> None:
    shown = _run("-m", "usbfuzz", "facedancer", "--kernel", "debian:bookworm", "examples/facedancer_typist.py", "hello")
    assert "Product: Non-suspicious Keyboard" in shown
    assert "typed hello" in shown
