"""``usbfuzz export``: a device in another tool's format, or as code to edit."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import frozen

from usbfuzz.case import spec_of
from usbfuzz.case.files import write_file
from usbfuzz.crashes.layout import USE_FILE
from usbfuzz.device.handlers import routes_of
from usbfuzz.errors import InputError
from usbfuzz.export import FORMATS, USE, export, export_use
from usbfuzz.export.source import printable
from usbfuzz.importers.naming import distinct_slugs
from usbfuzz.load import load_device, player

from .targets import check_free, make_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from usbfuzz.case import DeviceSpec
    from usbfuzz.device import Device

__all__ = ["export_command"]

_OURS = ("usbfuzz.device.", "usbfuzz.case.")  #: where the handlers are that every device has


@click.command("export")
@click.argument("case")
@click.option("--as", "format_", type=click.Choice([*FORMATS, USE]), required=True, help="What to write.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The file; for several devices a directory. By default standard output.",
)
@click.option(
    "--device", "number", type=click.IntRange(0), metavar="N", help="Only this device of CASE, counted from 0."
)
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
def export_command(case: str, format_: str, output: Path | None, number: int | None, *, force: bool) -> int:
    """Write the device of CASE (as for plug) in another form, and say on stderr what that form cannot carry.

    python is a class of your own to edit, facedancer a Facedancer 3 script, syz a program for syz-execprog, c one for
    raw-gadget, pcapng a capture as of usbmon, lsusb text as of lsusb -v, umockdev a recording for umockdev-run. use
    is of the whole CASE: a program in C that plays its programs of user space on the devices.
    """
    if format_ == USE:
        return _export_use(case, output, alone=number is not None, force=force)
    devices = _devices(case, number)
    targets = _targets(case, [device.spec.name for device in devices], output, FORMATS[format_].suffix)
    for target in targets:
        check_free(target, force=force)
    written = [export(device.spec, format_) for device in devices]
    if not targets:
        _print(written[0].content, format_)
    for target, file in zip(targets, written, strict=bool(targets)):
        make_directory(target.parent)
        write_file(target, file.content)
    for device, file in zip(devices, written, strict=True):
        if lost := (*device.coded, *file.lost):
            click.echo(f"usbfuzz: {printable(device.spec.name)}: not in {format_}: {'; '.join(lost)}", err=True)
    return 0


def _export_use(case: str, output: Path | None, *, alone: bool, force: bool) -> int:
    if alone:
        raise InputError(f"--as {USE} is of a whole case, whose programs may need several devices; leave out --device")
    loaded = load_device(case)
    if loaded.case is None:
        raise InputError(f"{case}: is a device alone; --as {USE} writes the programs of a case file or crash directory")
    written = export_use(loaded.case, case)
    target = output / USE_FILE if output is not None and output.is_dir() else output
    if target is None:
        _print(written.content, USE)
    else:
        check_free(target, force=force)
        make_directory(target.parent)
        write_file(target, written.content)
    if written.lost:
        click.echo(f"usbfuzz: {printable(loaded.name)}: not in {USE}: {'; '.join(written.lost)}", err=True)
    return 0


@frozen
class _Meant:
    """A device, and what of it is code, a phrase each."""

    spec: DeviceSpec
    coded: tuple[str, ...] = ()

    @classmethod
    def of(cls, device: Device, name: str) -> _Meant:
        """The data sheet of a device, which is all of it that can be written."""
        return cls(spec_of(device, name), _coded(device))


def _devices(case: str, number: int | None) -> Sequence[_Meant]:
    """The devices that are meant."""
    loaded = load_device(case)
    if loaded.case is None:
        found = [_Meant.of(loaded.make(), loaded.name)]
    else:
        specs = loaded.case.devices
        found = [_Meant.of(player(spec), spec.name) if spec.model else _Meant(spec) for spec in specs]
    if number is None:
        return found
    if number >= len(found):
        raise InputError(f"{case}: there is no device {number}; there are {len(found)}, counted from 0")
    return [found[number]]


def _coded(device: Device) -> tuple[str, ...]:
    """What a class computes: only its data sheet can be written."""
    routes = routes_of(type(device))
    handlers = [route.handler for several in routes.control.values() for route in several]
    handlers += routes.endpoint.values()
    names = sorted({handler.__name__ for handler in handlers if not handler.__module__.startswith(_OURS)})
    return (f"what the class computes ({', '.join(names)})",) if names else ()


def _targets(case: str, names: Sequence[str], output: Path | None, suffix: str) -> list[Path]:
    """The file of each device; none for standard output."""
    if len(names) == 1 and output is None:
        return []
    if output is None or (len(names) > 1 and output.is_file()):
        raise InputError(f"{case}: has {len(names)} devices; choose one with --device N, or give a directory with -o")
    if len(names) == 1 and not output.is_dir():
        return [output]
    return [output / f"{slug}{suffix}" for slug in distinct_slugs(names)]


def _print(content: bytes, format_: str) -> None:
    if b"\0" in content and sys.stdout.isatty():
        raise InputError(f"{format_} is not text for a terminal; give a file with -o")
    sys.stdout.buffer.write(content)
