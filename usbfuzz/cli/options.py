"""Options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from harness.guest.qemu import Mode
from usbfuzz.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "kernel_option",
    "kernel_param_option",
    "live_mode_option",
    "mode_option",
    "parse_duration",
    "pcap_option",
    "progress",
    "screen",
]

_LOG_WIDTH = 160  #: columns where there is no terminal to fill
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


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


def parse_duration(text: str) -> float:
    """Seconds in ``90s``, ``10m``, ``8h``, ``1h30m`` or a bare number of seconds; raises InputError."""
    words = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?", words):
        words += "s"
    if not _DURATION.fullmatch(words):
        raise InputError(f"{text!r}: not a duration; write it like 90s, 10m, 8h or 1h30m")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(words))
    if seconds <= 0:
        raise InputError(f"{text!r}: a campaign needs more than no time at all")
    return seconds


def progress(line: str) -> None:
    """Print on stderr what a long preparation is doing."""
    click.echo(f"usbfuzz: {line}", err=True)


def screen() -> Console:
    """Standard output; in a file or a pipe it is wide enough for a crash title on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
