"""The command line: one small module per command, one place that turns errors into exit codes.

Exit status: 0 done (for ``replay``: reproduced), 1 the answer is no (not reproduced), 2 wrong input, 3 the guest did
not boot, 4 this machine or usbfuzz failed, 130 interrupted. ``bisect-step`` has git's: 0, 1, 125, and errors from 128.
"""

from __future__ import annotations

import importlib
import sys
import traceback

import click

from usbfuzz import __version__
from usbfuzz.errors import InfraError, UsbfuzzError, first_of

__all__ = ["cli", "main"]

#: command: where it is. Imported on use, so that ``usbfuzz --help`` is quick.
_COMMANDS = {
    "fuzz": "usbfuzz.cli.fuzz:fuzz",
    "replay": "usbfuzz.cli.replay:replay_command",
    "regress": "usbfuzz.cli.regress:regress_command",
    "crashes": "usbfuzz.cli.crashes:crashes",
    "bisect": "usbfuzz.cli.bisect:bisect_command",
    "bisect-step": "usbfuzz.cli.bisect:step_command",
    "report": "usbfuzz.cli.report:report_command",
    "minimize": "usbfuzz.cli.minimize:minimize_command",
    "plug": "usbfuzz.cli.plug:plug_command",
    "serve": "usbfuzz.cli.serve:serve_command",
    "shell": "usbfuzz.cli.shell:shell_command",
    "facedancer": "usbfuzz.cli.facedancer:facedancer_command",
    "import": "usbfuzz.cli.import_:import_command",
    "export": "usbfuzz.cli.export:export_command",
    "sweep": "usbfuzz.cli.sweep:sweep_command",
    "stress": "usbfuzz.cli.stress:stress_command",
    "learn": "usbfuzz.cli.learn:learn_command",
    "corpus": "usbfuzz.cli.corpus:corpus",
    "coverage": "usbfuzz.cli.coverage:coverage_command",
    "kernel": "usbfuzz.cli.kernel:kernel",
    "emulator": "usbfuzz.cli.emulator:emulator",
    "bench": "usbfuzz.cli.bench:bench_command",
    "triage": "usbfuzz.cli.triage:triage",
}
_STOPS = 128  #: what is added to the exit status of an error where git asks


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="usbfuzz")
def cli() -> None:
    """Plug simulated USB devices into a real Linux kernel: look, replay, fuzz."""


def main() -> None:
    """Entry point of the console script: errors become one line on stderr and an exit code.

    No error may leave with Python's own exit status 1, which means "not reproduced": a bisection would take it for an
    answer.
    """
    try:
        sys.exit(cli.main(prog_name="usbfuzz", standalone_mode=False))
    except (click.Abort, KeyboardInterrupt):
        click.echo("usbfuzz: interrupted", err=True)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - whatever it is, it gets its line and its status here
        sys.exit(_for_git(_explain(first_of(error))))


def _for_git(status: int) -> int:
    """An error's exit status; git bisect run takes 1 to 127 for answers about a commit, and stops at more."""
    return status + _STOPS if sys.argv[1:2] == ["bisect-step"] else status


def _explain(error: Exception) -> int:
    """Say on stderr what went wrong; returns the exit status."""
    match error:
        case UsbfuzzError():
            click.echo(f"usbfuzz: {error}", err=True)
            return error.exit_code
        case click.ClickException():
            click.echo(_usage(error), err=True)
            return error.exit_code
        case OSError():
            click.echo(f"usbfuzz: {error.filename or 'this machine'}: {error.strerror or error}", err=True)
        case _:
            traceback.print_exception(error)
            click.echo("usbfuzz: this is a bug in usbfuzz; please report it with the lines above", err=True)
    return InfraError.exit_code


def _usage(error: click.ClickException) -> str:
    """One line that names the command to ask for help; the help itself for a command called without arguments."""
    message = error.format_message()
    if isinstance(error, click.MissingParameter):  # its choices stand below each other
        message = " ".join(message.split())
    context = getattr(error, "ctx", None)
    if context is None or "\n" in message:
        return message
    return f"usbfuzz: {message} ({context.command_path} --help says more)"
