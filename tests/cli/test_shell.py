"""``usbfuzz shell``: typed into a terminal and through a pipe, with a real guest behind it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workbench import Workbench
from tests import KNOWN_BUGS

pytestmark = pytest.mark.guest

KERNEL = "debian:5.10.223"
SHELL = (sys.executable, "-m", "usbfuzz", "shell", "--kernel", KERNEL, "--mode", "warp")
KNOWN_BUG = KNOWN_BUGS / "quatech2-bulk-null.toml"
TITLE = "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback"
SECONDS = 40.0


@pytest.fixture(autouse=True, scope="module")
def _booted(guest: Callable[..., LaneConfig]) -> None:
    """The guest that the shell takes from its snapshot was booted before anybody waits for a prompt."""
    with Workbench(guest(KERNEL)):
        pass


def _pipe(*lines: str) -> subprocess.CompletedProcess[str]:
    text = "".join(f"{line}\n" for line in lines)
    return subprocess.run(SHELL, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)


def test_commands_from_a_pipe_are_done_in_order() -> None:
    done = _pipe(
        "plug mouse", "plug keyboard 3", "devices", "reset 0", "run ls /dev/input | grep mouse", "unplug", "dmesg 1"
    )
    said = done.stdout
    assert done.returncode == 0, said
    assert "mouse is in port 0; drivers: usbhid (1-1:1.0)" in said
    assert re.search(r"port 3 +keyboard +7-1 +0627:[0-9a-f]{4} +drivers: usbhid \(7-1:1\.0\)", said)
    assert "mouse was reset" in said
    assert re.search(r"usb 1-1: reset .* USB device", said)
    assert re.search(r"^mouse0$", said, re.MULTILINE)
    assert "keyboard is out of port 3" in said
    assert said.count("usb 7-1: USB disconnect") == 2, "live, and from dmesg"


def test_a_crash_is_shown_with_its_title_and_the_shell_goes_on_with_a_fresh_guest() -> None:
    done = _pipe("plug mouse", f"plug {KNOWN_BUG}", "run sleep 5", "devices", "plug mouse", "run echo still here")
    assert f"crash  {TITLE}" in done.stdout
    rest = done.stdout.partition("a fresh guest runs; nothing is plugged in")[2]
    assert "nothing is plugged in" in rest
    assert "mouse is in port 0; drivers: usbhid" in rest
    assert "still here" in rest
    assert done.returncode == 1


def test_what_cannot_be_done_is_said_and_the_next_command_done() -> None:
    wrong = {
        "plgu mouse": "plgu: no such command; did you mean plug?",
        "plug mose": "did you mean mouse",
        "plug mouse 99": "99: is no port; they are 0 to 7",
        "plug 'mouse": "no closing quotation",
        "unplug": "nothing is plugged in",
        "unplug 2": "port 2 is empty",
        "dmesg all": "N is a number of lines",
        "run false": "status 1",
        "transfers": "say which",
    }
    done = _pipe(*wrong, "help")
    for message in wrong.values():
        assert message in done.stdout
    assert "plug DEVICE [PORT]" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert done.returncode == 1


@define
class Typist:
    """Somebody at a terminal."""

    process: subprocess.Popen[bytes]
    terminal: int
    seen: str = ""
    read_to: int = field(default=0)

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait(self, text: str) -> None:
        """For text that was not waited for before."""
        deadline = time.monotonic() + SECONDS
        while (at := self.seen.find(text, self.read_to)) < 0:
            assert time.monotonic() < deadline, self.seen[self.read_to :]
            if select.select([self.terminal], [], [], 0.1)[0]:
                self.seen += os.read(self.terminal, 65536).decode("utf-8", "replace")
        self.read_to = at + len(text)

    def left(self) -> int:
        """The exit status, after reading what is still said."""
        try:
            while select.select([self.terminal], [], [], 10)[0] and (more := os.read(self.terminal, 65536)):
                self.seen += more.decode("utf-8", "replace")
        except OSError:
            pass  # the other side is closed
        return self.process.wait(10)


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    """A shell on a terminal of its own, at its first prompt."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))

    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm"}
    process = subprocess.Popen(
        ("env", "--default-signal=INT", "setsid", "--ctty", *SHELL),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    somebody = Typist(process, ours)
    try:
        somebody.wait("usbfuzz> ")
        yield somebody
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def test_at_a_terminal_words_complete_and_ctrl_c_and_ctrl_d_do_what_they_do(typist: Typist, tmp_path: Path) -> None:
    typist.type("pl\tmou\t\n")
    typist.wait("mouse is in port 0")
    typist.wait("usbfuzz> ")
    typist.type("half a line")
    typist.wait("half a line")
    typist.type("\x03")
    typist.wait("usbfuzz> ")
    typist.type("run sleep 3000\n")
    time.sleep(0.5)
    typist.type("\x03")
    typist.wait("interrupted")
    typist.wait("usbfuzz> ")
    typist.type("devices\n")
    typist.wait("drivers: usbhid (1-1:1.0)")
    typist.wait("usbfuzz> ")
    typist.type("\x04")
    assert typist.left() == 0
    assert "no such command" not in typist.seen
    assert "run sleep 3000" in (tmp_path / "usbfuzz" / "shell_history").read_text()


def test_the_kernels_lines_come_while_one_types_and_leave_the_typing_whole(typist: Typist) -> None:
    typist.type("run setsid sh -c 'sleep 200; echo said by the guest >/dev/kmsg' & sleep 1\n")
    typist.wait("usbfuzz> ")
    typist.type("dev")
    typist.wait("said by the guest")
    typist.wait("usbfuzz> dev")
    typist.type("ices\n")
    typist.wait("nothing is plugged in")


def test_a_guest_that_dies_while_nobody_types_is_replaced(typist: Typist) -> None:
    typist.type("run setsid sh -c 'sleep 200; echo c >/proc/sysrq-trigger' & sleep 1\n")
    typist.wait("Kernel panic - not syncing: sysrq triggered crash")
    typist.wait("a fresh guest runs; nothing is plugged in")
    typist.type("run echo alive\n")
    typist.wait("\nalive")
    typist.wait("usbfuzz> ")


def test_ctrl_c_gives_a_new_prompt_however_soon_after_the_last_one(typist: Typist) -> None:
    for _ in range(30):
        os.kill(typist.process.pid, signal.SIGINT)
        typist.wait("usbfuzz> ")
    typist.type("run echo alive\n")
    typist.wait("\nalive")
