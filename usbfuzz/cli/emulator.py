"""``usbfuzz emulator``: the QEMUs that guests can run on."""

from __future__ import annotations

import click
from rich.table import Column, Table

from harness.guest.emulators import ADVISED, FORMS, Emulator, Sight, kept, remove, resolve, use
from harness.guest.kernels import default_cache

from .options import progress, screen

__all__ = ["emulator"]


@click.group(help=f"List, fetch and choose the QEMUs that run guests.\n\nAn emulator is one of {FORMS}.")
def emulator() -> None:
    """The commands about emulators."""


@emulator.command("list")
def list_() -> None:
    """Show the emulators that are here, which one is used, and what a probe can see in each."""
    table = Table("", Column("emulator", overflow="fold"), "version", *(sight.value for sight in Sight))
    here = kept(default_cache())
    for known in here:
        found = known.emulator
        seen = ("yes" if sight in found.sees else "no" for sight in Sight)
        table.add_row("*" if known.used else "", found.name, found.number, *seen)
    if table.row_count:
        screen().print(table)
        if not any(known.used for known in here):
            click.echo("the emulator in use is gone; choose another: usbfuzz emulator use default")
    else:
        click.echo(f"no emulators; install Debian's QEMU, or fetch one with: usbfuzz emulator add {ADVISED}")


@emulator.command("add")
@click.argument("spec", default=ADVISED)
@click.option("--refresh", is_flag=True, help="Ask the mirror again what a suite's newest QEMU is.")
@click.option("--if-blind", is_flag=True, help="Do nothing when an emulator that sees enough is here already.")
def add(spec: str, refresh: bool, if_blind: bool) -> None:
    """Fetch and verify the emulator SPEC unless it is kept here; without SPEC, one that sees everything."""
    if if_blind and any(not known.emulator.blindness for known in kept(default_cache())):
        return
    _show(resolve(spec, default_cache(), refresh=refresh, on_progress=progress))


@emulator.command("use")
@click.argument("spec")
def use_(spec: str) -> None:
    """Run guests on the emulator SPEC from now on; "default" is the one that sees most."""
    _show(use(spec, default_cache(), on_progress=progress))


@emulator.command("rm")
@click.argument("spec")
def rm(spec: str) -> None:
    """Remove the emulator SPEC from what is kept; a program of your own is only forgotten."""
    remove(spec, default_cache())
    click.echo(f"removed {spec}")


def _show(found: Emulator) -> None:
    sees = ", ".join(sight.value for sight in Sight if sight in found.sees) or "nothing"
    click.echo(f"{found.name}  QEMU {found.number}  sees {sees}  {found.program}")
