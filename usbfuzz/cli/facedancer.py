"""``usbfuzz facedancer``: run an unmodified Facedancer script against a guest."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import define, evolve, field
from rich.console import Console

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Heap
from harness.guest.qemu import Mode
from usbfuzz.errors import InputError
from usbfuzz.jobs.bridges import BACKEND, SOCKET
from usbfuzz.jobs.plug import watch

from .guest import GuestOptions, guest_options
from .live import Screen
from .options import progress

if TYPE_CHECKING:
    from harness.lane.lane import Lane
    from harness.lane.stage import Stage

__all__ = ["facedancer_command"]

_END_S = 3.0


@click.command("facedancer", context_settings={"allow_interspersed_args": False})
@click.argument("script", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@guest_options(
    f"Kernel to plug it into; by default {DEFAULT_KERNEL}.", mode=Mode.REALTIME, heap=Heap.WARN, firmware=False
)
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="Stop by itself after this long.")
def facedancer_command(script: Path, arguments: tuple[str, ...], guest: GuestOptions, seconds: float | None) -> int:
    """Run the Facedancer SCRIPT with its ARGUMENTS; the guest is the host that its board would be plugged into.

    The script runs unmodified, as your own code, in a process of its own. Kernel log and drivers are shown until it
    ends, or until Ctrl-C. Options come before SCRIPT.
    """
    if importlib.util.find_spec("facedancer") is None:
        raise InputError("facedancer is not installed; install the extra: pip install 'usbfuzz[facedancer]'")
    screen = Screen(Console(highlight=False), transfers=False)
    asyncio.run(_run(_Script(script, arguments), guest, seconds, screen))
    return 0


@define
class _Script:
    """The script's process."""

    path: Path
    arguments: tuple[str, ...]
    started: asyncio.Event = field(factory=asyncio.Event)
    _process: asyncio.subprocess.Process | None = field(default=None, init=False)

    async def play(self, lane: Lane, _stage: Stage) -> None:
        """Start the script, and let it use the channel of the first port."""
        lane.ports[0].close()
        argv = (sys.executable, "-m", "usbfuzz.jobs.bridges.facedancer_script", str(self.path), *self.arguments)
        environment = {**os.environ, "BACKEND": BACKEND, SOCKET: str(lane.machine.redir(0))}
        self._process = await asyncio.create_subprocess_exec(*argv, env=environment, stdin=asyncio.subprocess.DEVNULL)
        self.started.set()

    async def ended(self) -> None:
        """Return when the script is done; raises InputError when it failed."""
        await self.started.wait()
        assert self._process is not None
        if status := await self._process.wait():
            raise InputError(f"{self.path}: ended with status {status}; what it printed above says why")

    async def stop(self) -> None:
        """End it, by Ctrl-C first: that is how a script is meant to be ended."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _run(script: _Script, guest: GuestOptions, seconds: float | None, screen: Screen) -> None:
    config = await guest.prepare()
    watching = asyncio.ensure_future(
        watch(script.play, evolve(config, ports=1), screen, seconds=seconds, on_progress=progress)
    )
    ending = asyncio.ensure_future(script.ended())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, watching.cancel)
    try:
        await asyncio.wait({watching, ending}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (ending, watching):
            if not task.done():
                task.cancel()
        await asyncio.wait({watching, ending})
        await script.stop()
    screen.summary()
    for task in (watching, ending):
        if not task.cancelled():
            task.result()
