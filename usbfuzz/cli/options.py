"""Options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from harness.guest.qemu import Mode

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["kernel_option", "kernel_param_option", "mode_option", "progress", "screen"]

_LOG_WIDTH = 160  #: columns where there is no terminal to fill


def kernel_option(help_: str, default: str | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """``--kernel K``."""
    return click.option(
        "-k", "--kernel", metavar="KERNEL", default=default, show_default=default is not None, help=help_
    )


mode_option = click.option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.AUTO.value,
    show_default=True,
    callback=lambda _context, _parameter, value: Mode(value),
    help="How time passes: auto is KVM where it is proven to work, else warp (TCG that skips idle time).",
)

kernel_param_option = click.option(
    "--kernel-param",
    "kernel_params",
    metavar="WORD",
    multiple=True,
    help="A word for the kernel command line; may be repeated.",
)


def progress(line: str) -> None:
    """Say what a long preparation does, on stderr."""
    click.echo(f"usbfuzz: {line}", err=True)


def screen() -> Console:
    """Standard output; in a file or a pipe wide enough for a crash title on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
