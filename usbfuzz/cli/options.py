"""Options that several commands share."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from attrs import AttrsInstance, fields
from click.core import ParameterSource
from rich.console import Console

from harness.guest.probe.probing import Heap
from harness.guest.qemu import Mode
from harness.workers.procs import usable_cores
from usbfuzz.case.limits import MAX_PROCESSORS
from usbfuzz.errors import InputError

__all__ = [
    "aim_options",
    "as_seconds",
    "budget_option",
    "cluster_module",
    "cluster_option",
    "firmware_option",
    "gathered",
    "heap_option",
    "kernel_option",
    "kernel_param_option",
    "kernels_option",
    "lanes_option",
    "lanes_wanted",
    "mode_option",
    "out_option",
    "parse_duration",
    "pcap_option",
    "progress",
    "screen",
    "smp_option",
    "time_option",
    "timeout_option",
]

_LOG_WIDTH = 160  #: columns where there is no terminal to fill
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


_Command = Callable[..., Any]


def gathered(name: str, into: type[AttrsInstance]) -> Callable[[_Command], _Command]:
    """A decorator: the command gets the options that are fields of ``into`` as one object, its argument ``name``.

    A field for which the command has no option keeps its default.
    """

    def decorate(command: _Command) -> _Command:
        @functools.wraps(command)
        def gather(**given: Any) -> Any:
            values = {known.name: given.pop(known.name) for known in fields(into) if known.name in given}
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


def aim_options(command: _Command) -> _Command:
    """``--driver``, ``--file`` and ``--since``; the command gets them as ``drivers``, ``files`` and ``since``."""
    for option in (
        click.option("--since", metavar="KERNEL", help="Aim at functions whose code is another one in that kernel."),
        click.option(
            "--file",
            "files",
            metavar="PATH",
            multiple=True,
            help="Aim at a source file or directory, such as sound/usb/clock.c; needs `usbfuzz kernel debug`.",
        ),
        click.option("--driver", "drivers", metavar="MODULE", multiple=True, help="Aim at a driver; may be repeated."),
    ):
        command = option(command)
    return command


lanes_option = click.option(
    "-l",
    "--lanes",
    type=click.IntRange(1, 1024),
    default=usable_cores,
    help="Guests side by side; by default one for each core.",
)


cluster_option = click.option(
    "--cluster",
    metavar="ADDRESS",
    help="Run the guests at the workers of the dask.distributed scheduler there, such as tcp://lab:8786.",
)


def lanes_wanted() -> int | None:
    """How many ``--lanes`` the user asked for; None: nothing was said, so that a cluster gives as many as it can."""
    context = click.get_current_context()
    said = context.get_parameter_source("lanes") is not ParameterSource.DEFAULT
    return int(context.params["lanes"]) if said else None


def cluster_module(name: str, firmware: Path | None) -> Any:
    """A module of :mod:`usbfuzz.jobs.cluster`, imported on use: dask.distributed takes a second.

    Raises InputError when it cannot be used, with ``firmware`` of this machine for example.
    """
    if firmware is not None:
        raise InputError(f"--firmware {firmware}: is a directory of this machine only; leave it out with --cluster")
    if importlib.util.find_spec("distributed") is None:
        raise InputError("dask.distributed is not installed; install the extra: pip install 'usbfuzz[cluster]'")
    return importlib.import_module(f"usbfuzz.jobs.cluster.{name}")


def out_option(help_: str, default: Path) -> Callable[[_Command], _Command]:
    """``--out DIRECTORY``, which a command makes if there is none."""
    return click.option(
        "-o",
        "--out",
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        help=help_,
    )


kernel_param_option = click.option(
    "--kernel-param",
    "kernel_params",
    metavar="WORD",
    multiple=True,
    help="A word for the kernel command line; may be repeated.",
)

smp_option = click.option(
    "--smp",
    type=click.IntRange(1, MAX_PROCESSORS),
    metavar="N",
    help="Virtual processors of a guest, for races; by default one, or what the case was kept with.",
)

firmware_option = click.option(
    "--firmware",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIRECTORY",
    help="Drivers find what they ask for in this directory, as in /lib/firmware; before what is made up.",
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


time_option = click.option(
    "-t", "--time", "seconds", metavar="TIME", callback=as_seconds, help="Stop after 90s, 10m, 8h …"
)


def budget_option(words: str) -> Callable[[_Command], _Command]:
    """``--budget TIME``, which the command gets as ``seconds``; ``words`` are its help."""
    return click.option(
        "-b", "--budget", "seconds", metavar="TIME", default="10m", show_default=True, callback=as_seconds, help=words
    )


def progress(line: str) -> None:
    """Print on stderr what a long preparation is doing."""
    click.echo(f"usbfuzz: {line}", err=True)


def screen() -> Console:
    """Standard output; in a file or a pipe it is wide enough for a crash title on one line."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_LOG_WIDTH)
