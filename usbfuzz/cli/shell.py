"""``usbfuzz shell``: a guest with a prompt."""

from __future__ import annotations

import asyncio
import readline
import sys
from typing import TYPE_CHECKING, TextIO, cast

import click
from rich.console import Console

from harness.guest.kernels import DEFAULT_KERNEL
from harness.guest.probe.probing import Heap
from harness.guest.qemu import Mode
from harness.workbench import Workbench

from .guest import GuestOptions, guest_options
from .interrupt import waking_interrupts
from .live import Screen
from .options import progress
from .prompt import Prompt
from .terminal import Terminal, remembered
from .watched import Watched

if TYPE_CHECKING:
    from harness.lane.config import LaneConfig

__all__ = ["shell_command"]

_SCRIPT_WIDTH = 160


@click.command("shell")
@guest_options("Kernel to boot.", default=DEFAULT_KERNEL, mode=Mode.REALTIME, heap=Heap.WARN, firmware=False)
def shell_command(guest: GuestOptions) -> int:
    """Boot a guest and take commands: plug, unplug, drivers, …; help lists them.

    Commands may also come from a pipe: the exit status is 1 then if one of them failed or the guest crashed.
    """
    config = asyncio.run(guest.prepare())
    return _talk(config) if sys.stdin.isatty() and sys.stdout.isatty() else _script(config)


def _talk(config: LaneConfig) -> int:
    """Take commands from a terminal."""
    terminal = Terminal()
    console = Console(file=cast("TextIO", terminal), highlight=False, force_terminal=True)
    with Workbench(config, progress) as guest, Watched(guest, Screen(console, transfers=False)) as watched:
        console.print(f"{config.kernel.release} runs; type help for what can be done", markup=False)
        readline.set_completer_delims(" \t\n")
        prompt = Prompt(watched, console, terminal)
        with remembered("shell_history"), waking_interrupts():
            while True:
                try:
                    _take_commands(prompt, terminal, console)
                except KeyboardInterrupt:  # another one, while the first was being shown
                    continue
                return 0


def _take_commands(prompt: Prompt, terminal: Terminal, console: Console) -> None:
    """Take commands until the user leaves; after Ctrl-C with a new prompt."""
    while True:
        try:
            prompt.cmdloop()
        except KeyboardInterrupt:
            terminal.prompting("")
            console.print("^C")
        else:
            return


def _script(config: LaneConfig) -> int:
    """Take commands from a pipe or a file."""
    console = Console(highlight=False, width=_SCRIPT_WIDTH)
    with Workbench(config, progress) as guest, Watched(guest, Screen(console, transfers=False)) as watched:
        prompt = Prompt(watched, console, None)
        prompt.cmdloop()
        watched.show()
        if watched.lost:
            watched.last_words()
        return 1 if prompt.failures or watched.crashes else 0
