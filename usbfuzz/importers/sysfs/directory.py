"""A device's directory of sysfs, ``/sys/bus/usb/devices/1-2``, one with many devices, and copies of both.

A copy may be untrusted: only regular files in directories below it are read, and links only where they stay inside it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from attrs import field, mutable

from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported

from .attributes import WANTED, devices_in, imported

__all__ = ["MAX_BYTES", "import_sysfs", "nothing_in"]

MAX_BYTES = 1 << 20  #: of one attribute
_MAX_ALL_BYTES = 64 << 20
_MAX_DIRECTORIES = 200_000
_SYSFS = Path("/sys")


def import_sysfs(path: Path) -> tuple[Imported, ...]:
    """The device of a sysfs directory, or all devices below one, hubs included. Raises InputError."""
    top = path.resolve()
    directories = _Walk(path, _SYSFS if top.is_relative_to(_SYSFS) else top).walk(top)
    is_one = "descriptors" in directories[str(top)]
    found = [(where, shown) for where, shown in devices_in(directories) if not is_one or where == str(top)]
    if not found:
        raise InputError(f"{nothing_in(str(path))}; other files by their names: {path}/*")
    return tuple(imported(shown, where.rpartition("/")[2], f"{where}/descriptors") for where, shown in found)


def nothing_in(name: str) -> InputError:
    """What to say when there is no device."""
    what = "holds no USB device; give /sys/bus/usb/devices/1-2, or a copy of it with its file 'descriptors'"
    return InputError(f"{name}: {what}, or of /sys/devices")


@mutable
class _Walk:
    """Reads the directories below one."""

    name: Path  #: as the user gave it
    home: Path  #: where links may lead
    found: dict[str, dict[str, bytes]] = field(factory=dict)
    room: int = _MAX_ALL_BYTES

    def walk(self, top: Path) -> dict[str, dict[str, bytes]]:
        """The attributes by directory; links are followed in the uppermost only, as /sys/bus/usb/devices has them."""
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            if str(directory) in self.found:
                continue
            if len(self.found) >= _MAX_DIRECTORIES or self.room < 0:
                raise InputError(f"{self.name}: is larger than a copy of /sys/devices; give the part with the device")
            waiting += reversed(self._read(directory, links=directory == top))
        return self.found

    def _read(self, directory: Path, *, links: bool) -> list[Path]:
        """Keep the attributes of a directory; the directories in it, sorted."""
        attributes = self.found.setdefault(str(directory), {})
        below: list[Path] = []
        try:
            with os.scandir(directory) as entries:
                for entry in entries:
                    if entry.name in WANTED and (raw := _attribute(directory / entry.name)) is not None:
                        attributes[entry.name] = raw
                        self.room -= len(raw)
                    elif entry.is_dir(follow_symlinks=False):
                        below.append(directory / entry.name)
                    elif links and entry.is_dir() and (place := Path(entry.path).resolve()).is_relative_to(self.home):
                        below.append(place)
        except OSError as error:
            raise InputError(f"{directory}: cannot be read: {error.strerror}; give a readable directory") from error
        return sorted(below)


def _attribute(path: Path) -> bytes | None:
    """A regular file's bytes, bounded; None when there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(MAX_BYTES) if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    except OSError:
        return None
