"""``usbfuzz plug``: plug one device into a guest and show what happens."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from harness.channel.conversation import Recorder
from harness.guest.probe.probing import Heap
from harness.guest.qemu import Mode
from usbfuzz.jobs.plug import plug
from usbfuzz.load import load_device
from usbfuzz.report.capture import save_capture

from .guest import GuestOptions, guest_options
from .interrupt import until_interrupted
from .live import Screen
from .options import pcap_option, progress

if TYPE_CHECKING:
    from harness.channel.said import Said
    from usbfuzz.load import Loaded

__all__ = ["plug_command"]


@click.command("plug")
@click.argument("device")
@guest_options(
    "Kernel to plug it into; by default the one named in the file, else debian:5.10.223.",
    mode=Mode.REALTIME,
    heap=Heap.WARN,
)
@click.option("--transfers/--no-transfers", default=True, show_default=True, help="Show each transfer.")
@click.option("--for", "seconds", type=float, metavar="SECONDS", help="Stop by itself after this long.")
@pcap_option
def plug_command(device: str, guest: GuestOptions, transfers: bool, seconds: float | None, pcap: Path | None) -> int:
    """Plug DEVICE into a guest and show kernel log, drivers and transfers until Ctrl-C.

    DEVICE is a device or case file, a crash directory, your own mine.py (or mine.py:Class), or a known name (mouse).
    """
    loaded = load_device(device)
    watcher = _RecordingScreen(Console(highlight=False), transfers)
    asyncio.run(_run(loaded, guest, watcher, seconds))
    if pcap is not None:
        save_capture(pcap, watcher.heard.conversation())
    return 0


class _RecordingScreen(Screen):
    """A screen that also records the transfers, up to the recorder's limit."""

    def __init__(self, console: Console, transfers: bool) -> None:
        super().__init__(console, transfers)
        self.heard = Recorder()

    def transfer(self, at: float, said: Said) -> None:
        self.heard.note(0, at, said)
        super().transfer(at, said)


async def _run(loaded: Loaded, guest: GuestOptions, watcher: Screen, seconds: float | None) -> None:
    config = await guest.prepare(loaded.case.recorded_kernel if loaded.case else None)
    await until_interrupted(plug(loaded, config, watcher, seconds=seconds, on_progress=progress))
    watcher.summary()
