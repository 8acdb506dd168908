"""Options that several commands share."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from attrs import AttrsInstance, fields
from rich.console import Console

from harness.guest.probe.probing import Heap
from harness.guest.qemu import Mode
from harness.workers.procs import usable_cores
from usbfuzz.errors import InputError

__all__ = [
    "as_seconds",
    "gathered",
    "heap_option",
    "kernel_option",
    "kernel_param_option",
    "kernels_option",
    "lanes_option",
    "mode_option",
    "parse_duration",
    "pcap_option",
    "progress",
    "screen",
    "timeout_option",
]

_LOG_WIDTH = 160  #: columns where there is no terminal to fill
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


_Command = Callable[..., Any]


def gathered(name: str, into: type[AttrsInstance]) -> Callable[[_Command], _Command]:
    """A decorator: the command gets the options that are fields of ``into`` as one object, its argument ``name``."""

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def gather(**given: Any) -> Any:
            values = {known.name: given.pop(known.name) for known in fields(into)}
            return command(**given, **{name: into(**values)})

        return gather

    return decorate


def kernel_option(help_: str, default: str | None = None) -> Callable[[_Command], _Command]:
    """``--kernel KERNEL``: a kernel spec as the user wrote it."""
    return click.option(
        "-k", "--kernel", metavar="KERNEL", default=default, show_default=default is not None, help=help_
    )


def kernels_option(help_: str, *default: str) -> Callable[[_Command], _Command]:
    """``--kernel KERNEL``, as often as wanted; the command gets them as ``kernels``."""
    return click.option(
        "-k",
        "--kernel",
        "kernels",
        metavar="KERNEL",
        multiple=True,
        default=default,
        show_default=bool(default),
        help=help_,
    )


def timeout_option(default: float, help_: str) -> Callable[[_Command], _Command]:
    """``--timeout SECONDS``, of wall time; the command gets it as ``seconds``."""
    return click.option(
        "--timeout",
        "seconds",
        type=click.FloatRange(1, 86400),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help_,
    )


def mode_option(default: Mode = Mode.AUTO) -> Callable[[_Command], _Command]:
    """``--mode MODE``, which the command gets as a :class:`~harness.guest.qemu.Mode`."""
    return click.option(
        "--mode",
        type=click.Choice([mode.value for mode in Mode]),
        default=default.value,
        show_default=True,
        callback=lambda _context, _parameter, value: Mode(value),
        help="How time passes: warp is emulation that skips idle time, and auto the same; "
        "realtime is KVM where a guest boots with it, else emulation; kvm is KVM or an error.",
    )


def heap_option(default: Heap) -> Callable[[_Command], _Command]:
    """``--heap report|warn|off``, which the command gets as a :class:`~harness.guest.probe.probing.Heap`."""
    return click.option(
        "--heap",
        type=click.Choice([heap.value for heap in Heap]),
        default=default.value,
        show_default=True,
        callback=lambda _context, _parameter, value: Heap(value),
        help="At a driver's bad access to the heap: stop there and report it, note it and go on, or do not look.",
    )


lanes_option = click.option(
    "-l",
    "--lanes",
    type=click.IntRange(1, 1024),
    default=usable_cores,
    help="Guests side by side; by default one for each core.",
)

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
        raise InputError(f"{text!r}: must be more than 0 seconds")
    return seconds


def as_seconds(_context: click.Context, _parameter: click.Parameter, text: str | None) -> float | None:
    """The callback of an option that takes a duration: :func:`parse_duration` of it."""
    return None if text is None else parse_duration(text)


def progress(line: str) -> None:
    """Print on stderr what a long preparation is doing."""
    click.echo(f"usbfuzz: {line}", err=True)


def screen() -> Console:
    """Standard output; in a file or a pipe it is wide enough for a crash title on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
