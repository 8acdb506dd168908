"""``usbfuzz kernel``: the kernels kept for guests."""

from __future__ import annotations

import click
from rich.console import Console
from rich.table import Table

from harness.guest.builds import build_kernel
from harness.guest.image.manifest import manifest, read_tables
from harness.guest.kernels import default_cache, installed, remove, resolve
from harness.guest.kernels.built import unfinished
from harness.guest.kernels.debug import debug_information
from harness.guest.kernels.extras import EXTRAS, extra_directory
from harness.guest.kernels.features import FEATURES
from harness.guest.kernels.keys import kernels_key
from harness.guest.kernels.source import kernel_source
from harness.guest.kernels.specs import FORMS
from harness.workers.procs import usable_cores

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
    for name in unfinished(default_cache()):
        click.echo(f"{name} is not finished; the command that built it goes on, usbfuzz kernel rm {name} gives it up")


@kernel.command("add")
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option("--refresh", is_flag=True, help="Ask the mirror again what a suite's newest kernel is.")
def add(specs: tuple[str, ...], refresh: bool) -> None:
    """Fetch and verify each kernel SPEC that is not kept here; the first that cannot be had ends it."""
    for spec in specs:
        found = resolve(spec, default_cache(), refresh=refresh, on_progress=progress)
        click.echo(f"{found.name}  {found.release}  {found.vmlinuz}")


@kernel.command(
    "build",
    help=f"""Build Debian's kernel SPEC from its own source, with checks that the stock kernel lacks.

    {"; ".join(f"{name}: {feature.what}" for name, feature in FEATURES.items())}.

    Only what guests need is built. That takes hours of processor time, at the lowest priority, and 5 GB of disk until
    it is done; stopped, the same command goes on. Then it is one like others: --kernel debian:6.12+kasan.""",
)
@click.argument("spec")
@click.option("--with", "words", metavar="NAME,...", required=True, help=f"Of {', '.join(FEATURES)}.")
@click.option("-j", "--jobs", type=click.IntRange(1, 1024), default=usable_cores, help="By default one for each core.")
def build(spec: str, words: str, jobs: int) -> None:
    """Build the kernel SPEC with the features ``words``."""
    names = [word.strip() for word in words.split(",") if word.strip()]
    built = build_kernel(spec, names, default_cache(), jobs=jobs, on_progress=progress)
    if built.left_out:
        progress(f"it lacks {len(built.left_out)} modules of the stock kernel: {', '.join(built.left_out)}")
    click.echo(f"{built.kernel.name}  {built.kernel.release}  {built.kernel.vmlinuz}")


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


@kernel.command("key")
@click.argument("specs", nargs=-1, required=True, metavar="SPEC...")
def key(specs: tuple[str, ...]) -> None:
    """Print a name for a copy of the cache's "kernels" that holds the kernels SPEC, for a CI to keep it under.

    It changes when one of them means another kernel, and only then. For a series or a suite the mirror is asked, unless
    the cache knows the answer; kernels of this machine do not count. docs/ci.md says how to use it.
    """
    click.echo(kernels_key(specs, default_cache(), on_progress=progress))


@kernel.command("rm")
@click.argument("spec")
def rm(spec: str) -> None:
    """Remove the kernel SPEC from what is kept."""
    remove(spec, default_cache())
    click.echo(f"removed {spec}")
