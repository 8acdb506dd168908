"""use.c on a real kernel: it waits for the device's node, and the device gets what the program writes."""

from __future__ import annotations

import gzip
import subprocess
import time
from pathlib import Path

import pytest

from harness.workbench import Workbench
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Use
from usbfuzz.device import Reply
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.report.use import render_use
from usbfuzz.wire import Setup

pytestmark = pytest.mark.guest

#: The first thread lights what no driver lights, the second is woken by the unplug, the third outlives it.
PROGRAM = """\
fd = open("/dev/hidraw*", O_RDWR)
write(fd, "00 0a")
thread
read(fd, 64)
thread
hold until unplugged
write(fd, "00 01")
close(fd)"""
_CASE = Case(
    (DeviceSpec("keyboard", b"", model="keyboard"),),
    (Event(Action.PLUG, device=0), Event(Action.USE, use=0, after_requests=3)),
    uses=(Use(tuple(PROGRAM.split("\n"))),),
)
_SECONDS = 30  #: for it to begin, and to end


class _Lamps(Keyboard):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[bytes] = []

    def set_report(self, setup: Setup, payload: bytes) -> Reply:
        self.told.append(payload)
        return super().set_report(setup, payload)


def _until(workbench: Workbench, words: str) -> str:
    """The log of use.c once it has these words."""
    end = time.monotonic() + _SECONDS
    while words not in (log := workbench.sh("cat /log 2>/dev/null || true")) and time.monotonic() < end:
        time.sleep(0.1)
    assert words in log, log
    return log


def test_the_device_gets_what_its_program_writes(workbench_in_real_time: Workbench, tmp_path: Path) -> None:
    workbench, source, program = workbench_in_real_time, tmp_path / "use.c", tmp_path / "use"
    source.write_text(render_use(_CASE, title="a title"))
    subprocess.run(["cc", "-static", "-s", "-O2", "-pthread", "-o", str(program), str(source)], check=True)
    packed = gzip.compress(program.read_bytes())
    assert workbench.run(("sh", "-c", "gunzip -c > /use && chmod 755 /use"), stdin=packed).status == 0
    workbench.start(("sh", "-c", "/use -v > /log 2>&1; echo status $? >> /log"), seconds=100)
    _until(workbench, "listening")
    keyboard = _Lamps()
    workbench.plug(0, keyboard)
    end = time.monotonic() + _SECONDS
    while b"\x0a" not in keyboard.told and time.monotonic() < end:
        time.sleep(0.05)
    assert b"\x0a" in keyboard.told
    workbench.unplug(0)
    lines = _until(workbench, "status").splitlines()
    assert lines[-1] == "status 0", lines
    assert '    write(fd, "00 0a"): 2' in lines
    assert '    write(fd, "00 01"): No such device' in lines
    assert "    read(fd, 64): Input/output error" in lines
    assert "program 0 on port 0: ended: 4 calls worked, 2 failed, 0 passed over" in lines
