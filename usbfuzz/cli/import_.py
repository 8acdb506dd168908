"""``usbfuzz import``: lsusb dumps, captures, recordings and programs become case files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import frozen
from rich.markup import escape
from rich.table import Table

from usbfuzz.case import save
from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import InterfaceDescriptor
from usbfuzz.descriptors.text import class_name
from usbfuzz.errors import InputError
from usbfuzz.importers.cases import as_case
from usbfuzz.importers.naming import distinct_slugs
from usbfuzz.importers.several import device_ids, import_several

from .options import screen
from .targets import check_free, make_directory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from usbfuzz.importers import Imported

__all__ = ["import_command"]

_SHOWN = 12  #: notes of one device
_IDS = re.compile(r"(?:0x)?([0-9a-f]{1,4}):(?:0x)?([0-9a-f]{1,4})", re.IGNORECASE)


@frozen
class _Found:
    """A device, the file it comes from, and the case file it goes to."""

    imported: Imported
    source: str
    target: Path


@click.command("import")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path(),
    help="A directory for the case files, made if it is not there, or one .toml file for one device; by default the"
    " current directory.",
)
@click.option("-d", "--device", metavar="VID:PID", help="Only the devices with these ids, in hex.")
@click.option(
    "--capture",
    type=click.Path(path_type=Path),
    help="pcap, pcapng, text of usbmon or umockdev's ioctls of the device at work: it will answer as it did there.",
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
def import_command(
    files: tuple[str, ...], output: Path, device: str | None, capture: Path | None, *, force: bool
) -> int:
    """Turn FILEs into case files: lsusb -v text, raw descriptors, sysfs directories, recordings, captures, programs.

    The kind of a file is recognised by its content; - is standard input. What a file lacks is made up, and listed.
    """
    wanted = None if device is None else _parsed(device)
    try:
        _check_target(output, force=force)
    except OSError as failure:
        raise InputError(f"{output}: cannot be reached: {failure.strerror}; give another -o") from failure
    errors: list[InputError] = []
    devices = import_several(files, errors, ids=wanted, capture=capture)
    if devices:
        found = list(_placed(devices, output))
        _write(found, force=force)
        _report(found)
    elif not errors:
        raise InputError(f"{wanted}: no device with these ids in {', '.join(files)}; leave out -d to see what there is")
    for error in errors[1:]:
        click.echo(f"usbfuzz: {error}", err=True)
    if errors:
        raise errors[0]
    return 0


def _parsed(ids: str) -> str:
    """VID:PID in the form of :func:`device_ids`. Raises InputError."""
    match = _IDS.fullmatch(ids)
    if match is None:
        raise InputError(f"-d {ids}: is no VID:PID; give both in hex, as lsusb prints them: 046d:c52b")
    return ":".join(digits.lower().zfill(4) for digits in match.groups())


def _placed(devices: list[tuple[str, Imported]], output: Path) -> Iterator[_Found]:
    """Each device with the file it goes to."""
    if output.suffix == ".toml" and not output.is_dir():
        if len(devices) > 1:
            ids = [*dict.fromkeys(device_ids(imported) for _, imported in devices)]
            choose = "choose one with -d VID:PID, or " if len(ids) > 1 else ""
            raise InputError(
                f"{output}: is one file, but there are {len(devices)} devices ({_few(ids)});"
                f" {choose}give a directory: -o {output.with_suffix('')}"
            )
        yield _Found(devices[0][1], devices[0][0], output)
        return
    slugs = distinct_slugs(imported.device.name for _, imported in devices)
    for (source, imported), name in zip(devices, slugs, strict=True):
        yield _Found(imported, source, output / f"{name}.toml")


def _few(ids: list[str]) -> str:
    return ", ".join(ids[:_SHOWN]) + (" …" if len(ids) > _SHOWN else "")


def _check_target(output: Path, *, force: bool) -> None:
    """Raises InputError when nothing can be written there: before the files are read, which may take long."""
    if output.suffix == ".toml" and not output.is_dir():
        check_free(output, force=force)
        directory = output.parent
    else:
        directory = output
    nearest = next(path for path in (directory, *directory.absolute().parents) if path.exists() or path.is_symlink())
    if not nearest.is_dir():
        what = (
            "give a directory" if nearest != output else "give a directory, or for one device a name that ends in .toml"
        )
        raise InputError(f"{nearest}: is a file, no directory; {what}")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{nearest}: nothing may be written there; give another -o")


def _write(found: list[_Found], *, force: bool) -> None:
    """Write the case files and make the directory they go to; raises InputError before the first if one is there."""
    for placed in found:
        check_free(placed.target, force=force)
    for placed in found:
        make_directory(placed.target.parent)
        save(placed.target, as_case(placed.imported, Path(placed.source).name))


def _report(found: list[_Found]) -> None:
    """A table of what was written, and under it what was made up or could not be read."""
    console, table = screen(), Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("device", "speed", "bytes", "classes", "made up", "problems", "file"):
        table.add_column(heading, justify="right" if heading in ("bytes", "made up", "problems") else "left")
    for placed in found:
        spec = placed.imported.device
        size = sum(map(len, (spec.device, *spec.configurations, spec.bos, spec.qualifier)))
        name = f"{device_ids(placed.imported)} {spec.name}"
        counts = (str(len(placed.imported.synthesised)), str(len(placed.imported.problems)))
        row = (name, spec.speed.value, str(size), _classes(placed.imported), *counts, str(placed.target))
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)
    for placed in found:
        _notes(placed.target.name, "made up", placed.imported.synthesised)
        _notes(placed.target.name, "problem", tuple(map(str, placed.imported.problems)))


def _notes(name: str, what: str, notes: tuple[str, ...]) -> None:
    for note in notes[:_SHOWN]:
        click.echo(f"{name}: {what}: {note}")
    if len(notes) > _SHOWN:
        click.echo(f"{name}: {what}: … and {len(notes) - _SHOWN} more; the file's provenance has all")


def _classes(imported: Imported) -> str:
    """The classes of its interfaces, each once."""
    codes = (
        descriptor.bInterfaceClass
        for raw in imported.device.configurations
        for descriptor in split(raw)
        if isinstance(descriptor, InterfaceDescriptor)
    )
    return ", ".join(map(class_name, dict.fromkeys(codes)))
