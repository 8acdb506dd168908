"""``usbfuzz kernel``: the kernels kept for guests."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from harness.guest.image.manifest import manifest, read_tables
from harness.guest.kernels import default_cache, installed, remove, resolve
from harness.guest.kernels.debug import debug_information
from harness.guest.kernels.extras import EXTRAS, extra_directory
from harness.guest.kernels.source import kernel_source
from harness.guest.kernels.specs import FORMS

from .options import progress

__all__ = ["kernel"]


@click.group(help=f"List, fetch and remove kernels.\n\nA kernel is one of {FORMS}.")
def kernel() -> None:
    """The commands about kernels."""


@kernel.command("list")
def list_() -> None:
    """Show the kernels that are kept here."""
    cache = default_cache()
    table = Table("kernel", "release", "digest", *EXTRAS)
    for found in installed(cache):
        extras = ("✓" if extra_directory(kind, cache, found.name).is_dir() else "-" for kind in EXTRAS)
        table.add_row(found.name, found.release, found.digest[:12], *extras)
    if table.row_count:
        Console().print(table)
    else:
        click.echo("no kernels yet; fetch one with: usbfuzz kernel add debian:bookworm")


@kernel.command("add")
@click.argument("spec")
@click.option("--refresh", is_flag=True, help="Ask the mirror again what a suite's newest kernel is.")
def add(spec: str, refresh: bool) -> None:
    """Fetch and verify the kernel SPEC unless it is kept here."""
    found = resolve(spec, default_cache(), refresh=refresh, on_progress=progress)
    click.echo(f"{found.name}  {found.release}  {found.vmlinuz}")


@kernel.command("debug")
@click.argument("spec")
def debug(spec: str) -> None:
    """Fetch the debug information of the kernel SPEC (1 to 2 GB) and print where it is.

    "coverage" uses it by itself, "triage" with --symbols.
    """
    found = resolve(spec, default_cache(), on_progress=progress)
    modules = manifest(read_tables(found.modules)).modules
    click.echo(debug_information(found, modules, default_cache(), on_progress=progress))


@kernel.command("source")
@click.argument("spec")
def source(spec: str) -> None:
    """Fetch the source of the kernel SPEC (900 MB), which "coverage" shows code of, and print where it is."""
    found = resolve(spec, default_cache(), on_progress=progress)
    click.echo(kernel_source(found, default_cache(), on_progress=progress))


@kernel.command("rm")
@click.argument("spec")
def rm(spec: str) -> None:
    """Remove the kernel SPEC from what is kept."""
    remove(spec, default_cache())
    click.echo(f"removed {spec}")
