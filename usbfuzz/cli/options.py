"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from harness.guest.qemu import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "kernel_option",
    "kernel_param_option",
    "live_mode_option",
    "mode_option",
    "pcap_option",
    "progress",
    "screen",
]

_LOG_WIDTH = 160  #: columns where there is no terminal to fill


def kernel_option(help_: str, default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--kernel K``."""
    return click.option(
        "-k", "--kernel", metavar="KERNEL", default=default, show_default=default is not None, help=help_
    )


def _mode(default: Mode) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--mode",
        type=click.Choice([mode.value for mode in Mode]),
        default=default.value,
        show_default=True,
        callback=lambda _context, _parameter, value: Mode(value),
        help="How time passes: auto is KVM where it is proven to work, else warp (TCG that skips idle time).",
    )


mode_option = _mode(Mode.AUTO)
live_mode_option = _mode(Mode.REALTIME)  #: where somebody watches

kernel_param_option = click.option(
    "--kernel-param",
    "kernel_params",
    metavar="WORD",
    multiple=True,
    help="A word for the kernel command line; may be repeated.",
)


pcap_option = click.option(
    "--pcap",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the conversation with the device to FILE (pcapng, for Wireshark).",
)


def progress(line: str) -> None:
    """Say what a long preparation does, on stderr."""
    click.echo(f"usbfuzz: {line}", err=True)


def screen() -> Console:
    """Standard output; in a file or a pipe wide enough for a crash title on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
