"""``usbfuzz serve`` and a QEMU of the user's own, started with exactly the arguments that were printed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, evolve, field

from harness.guest.emulators import Emulator
from harness.guest.qemu import Timing
from harness.guest.rundir import RunDir
from harness.guest.snapshot import boot
from harness.lane.config import LaneConfig
from tests.guest.processes import until
from tests.guest.wrapped import wrapped

pytestmark = pytest.mark.guest

SECONDS = 20.0
WAIT_FOR_TWO = """
cd /sys/bus/usb/drivers/usbhid
for attempt in $(seq 100); do
    set -- *-*
    [ $# = 2 ] && break
    sleep 0.1
done
echo $*
"""


@define
class Serving:
    """A ``usbfuzz serve`` that runs, and what it has printed."""

    process: subprocess.Popen[str]
    lines: list[str] = field(factory=list)
    reader: threading.Thread = field(init=False)

    @classmethod
    def start(cls, *words: str) -> Serving:
        command = [sys.executable, "-m", "usbfuzz", "serve", *words]
        return cls(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))

    def __attrs_post_init__(self) -> None:
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            self.lines.extend(output)

    def said(self, text: str) -> int:
        return sum(text in line for line in self.lines)

    def wait(self, text: str, times: int = 1) -> None:
        until(lambda: self.said(text) >= times, SECONDS)

    def arguments(self) -> str:
        """The indented lines after the first: what to add to QEMU's command line."""
        self.wait("  -device usb-redir")
        return "".join(line for line in self.lines if line.startswith("  "))

    def stop(self) -> int:
        self.process.terminate()
        self.reader.join(10)
        return self.process.wait(10)


@pytest.fixture
def directory() -> Iterator[Path]:
    """With a name short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="serve") as name:
        yield Path(name)


def _started(emulator: Emulator, path: Path, *arguments: str) -> Emulator:
    """A QEMU that is started with these lines added to its arguments, by a shell, as a user would."""
    return wrapped(emulator, path, "".join(f" \\\n{text.rstrip()}" for text in arguments))


async def _bound(config: LaneConfig) -> set[str]:
    """Boot the guest; the interfaces usbhid has bound when there are two, or after 10 s."""
    with RunDir() as run_dir:
        qemu, agent = await boot(config.machine(run_dir.path))
        try:
            ran = await agent.run(("sh", "-c", WAIT_FOR_TWO), 20)
            return set(ran.output.decode().split())
        finally:
            await agent.close()
            await qemu.kill()


def test_devices_served_both_ways_bind_in_a_qemu_with_the_printed_arguments(
    guest: Callable[..., LaneConfig], directory: Path
) -> None:
    mouse = Serving.start("boot-mouse", "--socket", str(directory / "mouse.sock"))
    keyboard = Serving.start("boot-keyboard", "--socket", str(directory / "keys"), "--connect", "--no-transfers")
    try:
        config = guest("debian:bookworm")
        emulator = _started(config.emulator, directory / "qemu", mouse.arguments(), keyboard.arguments())
        config = evolve(config, timing=Timing.TCG, modules="base", ports=0, emulator=emulator)
        assert asyncio.run(_bound(config)) == {"1-1:1.0", "3-1:1.0"}
        for serving in (mouse, keyboard):
            serving.wait("QEMU is gone")
        assert mouse.said("← control 18 bytes 12 01 00 02 00 00 00 40 27 06 01 00") >= 1
        assert not keyboard.said("← control")
        assert keyboard.said("nobody listens at")
    finally:
        assert (mouse.stop(), keyboard.stop()) == (0, 0)
    assert not (directory / "mouse.sock").exists()


def test_a_qemu_that_starts_again_is_served_again_and_a_second_one_is_refused(
    guest: Callable[..., LaneConfig], directory: Path
) -> None:
    """No kernel: the firmware enumerates the mouse."""
    serving = Serving.start("boot-mouse", "--socket", str(directory / "s"))
    emulator = _started(guest("debian:bookworm").emulator, directory / "qemu", serving.arguments())
    qemu = emulator.command("-nodefaults", "-nographic", "-machine", "q35")
    try:
        for times in (1, 2):
            with subprocess.Popen(qemu) as running:
                serving.wait("set_configuration configuration=1", times)
                if times == 1:
                    with subprocess.Popen(qemu) as second:
                        serving.wait("another QEMU was refused")
                        second.kill()
                running.kill()
            serving.wait("QEMU is gone", times)
        assert serving.said("boot-mouse is plugged in") == 2
    finally:
        assert serving.stop() == 0
