"""A device's directory of sysfs, ``/sys/bus/usb/devices/1-2``, or a copy of one.

``descriptors`` and ``speed`` are the kernel's; newer kernels have ``bos_descriptors``. Strings are there for the
indices the kernel reads. A HID interface has its report descriptor in ``1-2:1.0/0003:….000N/report_descriptor``. A copy
may be untrusted: only regular files in directories below it are read, and links only where they stay inside it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from attrs import evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split, string_descriptor
from usbfuzz.descriptors.standard import ConfigurationDescriptor, DeviceDescriptor, InterfaceDescriptor
from usbfuzz.errors import InputError
from usbfuzz.wire import Speed

from .complete import complete
from .model import Imported
from .naming import named
from .raw import parse_raw

__all__ = ["import_sysfs", "looks_like_sysfs"]

_MAX_BYTES = 1 << 20
_SPEEDS = {"1.5": Speed.LOW, "12": Speed.FULL, "480": Speed.HIGH}  #: Mbit/s; any other is SuperSpeed
_INTERFACE = re.compile(r":(\d+)\.(\d+)$")
_HID = re.compile(r"[0-9A-F]{4}:[0-9A-F]{4}:[0-9A-F]{4}\.[0-9A-F]{4}$")
_MAX_ENTRIES = 4096
_SYSFS = Path("/sys")


def looks_like_sysfs(path: Path) -> bool:
    """A directory with ``descriptors`` in it."""
    return _read(path / "descriptors") is not None


def import_sysfs(path: Path) -> tuple[Imported, ...]:
    """The device of a sysfs directory, or all devices of a directory of such directories. Raises InputError."""
    if looks_like_sysfs(path):
        return (_device(path),)
    found = [directory for directory in _entries(path, links=True) if looks_like_sysfs(directory)]
    if not found:
        what = "holds no USB device; give /sys/bus/usb/devices/1-2, or a copy of it with its file 'descriptors'"
        raise InputError(f"{path}: {what}")
    return tuple(map(_device, found))


def _device(path: Path) -> Imported:
    content = _read(path / "descriptors") or b""
    spec, problems = parse_raw(content, str(path / "descriptors"))
    speed = _line(path / "speed")
    notes = () if speed else ("speed: guessed from the packet sizes",)
    spec = evolve(
        spec,
        speed=_SPEEDS.get(speed, Speed.SUPER) if speed else spec.speed,
        bos=_read(path / "bos_descriptors") or spec.bos,
        strings=tuple(sorted(dict(_strings(path, spec)).items())),
        reports=tuple(sorted(dict(_reports(path)).items())),
    )
    whole, made_up = complete(spec)
    return Imported(named(whole), path.name, (*notes, *made_up), problems)


def _strings(path: Path, spec: DeviceSpec) -> Iterator[tuple[int, bytes]]:
    """The strings of the device, of its active configuration and of that one's interfaces."""
    head = DeviceDescriptor.view(spec.device)
    assert head is not None, "parse_raw has seen it"
    files = [(head.iManufacturer, "manufacturer"), (head.iProduct, "product"), (head.iSerialNumber, "serial")]
    value, active = _line(path / "bConfigurationValue"), False
    for raw in spec.configurations:
        for descriptor in split(raw):
            if isinstance(descriptor, ConfigurationDescriptor):
                active = value in ("", str(descriptor.bConfigurationValue))
                files += [(descriptor.iConfiguration, "configuration")] * active
            elif isinstance(descriptor, InterfaceDescriptor) and active and not descriptor.bAlternateSetting:
                files += [
                    (descriptor.iInterface, f"{interface.name}/interface")
                    for interface in _interfaces(path, descriptor.bInterfaceNumber)
                ]
    for index, name in files:
        text = _line(path / name)
        if index and text:
            yield index, string_descriptor(text[:126])


def _interfaces(path: Path, number: int | None = None) -> Iterator[Path]:
    """The directories of the interfaces, or of the one with this number."""
    for directory in _entries(path):
        match = _INTERFACE.search(directory.name)
        if match and number in (None, int(match[2])):
            yield directory


def _reports(path: Path) -> Iterator[tuple[int, bytes]]:
    for interface in _interfaces(path):
        match = _INTERFACE.search(interface.name)
        for directory in _entries(interface):
            raw = _read(directory / "report_descriptor") if _HID.match(directory.name) else None
            if raw and match:
                yield int(match[2]) & 0xFF, raw


def _entries(path: Path, *, links: bool = False) -> list[Path]:
    """The directories in ``path``, sorted; with ``links`` also what links to one inside, or in sysfs to sysfs."""
    try:
        with os.scandir(path) as entries:
            found = [path / entry.name for entry in entries if entry.is_dir(follow_symlinks=links)]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; give a readable directory") from error
    home = path.resolve()
    home = _SYSFS if home.is_relative_to(_SYSFS) else home
    return sorted(directory for directory in found if directory.resolve().is_relative_to(home))[:_MAX_ENTRIES]


def _line(path: Path) -> str:
    """The text of an attribute, without its newline."""
    return (_read(path) or b"").decode("utf-8", "replace").rstrip("\n").replace("\0", "")


def _read(path: Path) -> bytes | None:
    """A regular file's bytes, bounded; None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MAX_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None
