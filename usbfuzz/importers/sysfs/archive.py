"""A tar archive of ``/sys/devices`` or of part of it, as bug reports carry it.

tar believes the sizes that sysfs states, and fills attributes up with zeros to those.
"""

from __future__ import annotations

import io
import tarfile

from attrs import evolve

from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported, Problem

from .attributes import WANTED, devices_in, imported
from .directory import MAX_BYTES, nothing_in

__all__ = ["import_archive", "looks_archive"]

_MAGIC = slice(257, 262)
_END = bytes(1024)
_MAX_KEPT = 64 << 20
_MAX_DIRECTORIES = 200_000


def looks_archive(content: bytes) -> bool:
    """The magic of tar, after the first file's name and numbers."""
    return content[_MAGIC] == b"ustar"


def import_archive(content: bytes, name: str) -> tuple[Imported, ...]:
    """All devices of the archive, hubs included. Raises InputError when it cannot be read or holds none."""
    directories: dict[str, dict[str, bytes]] = {}
    broken = "" if content.endswith(_END) else "its end is missing"
    try:
        _read(content, name, directories)
    except (tarfile.TarError, OSError, EOFError, OverflowError, ValueError) as error:
        broken = str(error) or type(error).__name__
    found = devices_in(dict(sorted(directories.items())))  # tar keeps the order of the disk
    if not found:
        if broken:
            raise InputError(f"{name}: cannot be unpacked: {broken}; pack it again")
        raise nothing_in(name)
    first, *others = (
        imported(shown, path.rpartition("/")[2], f"{name}: {path[1:]}/descriptors") for path, shown in found
    )
    if broken:
        cut = Problem(0, f"the archive is damaged ({broken}); devices behind that are missing")
        first = evolve(first, problems=(*first.problems, cut))
    return (first, *others)


def _read(content: bytes, name: str, directories: dict[str, dict[str, bytes]]) -> None:
    """Add the attributes in the archive to those of their directories. Raises what the library does, and InputError."""
    kept = 0
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        for member in archive:
            directory, _, attribute = member.name.rpartition("/")
            if attribute not in WANTED or not member.isreg() or (file := archive.extractfile(member)) is None:
                continue
            raw = file.read(MAX_BYTES)
            kept += len(raw)
            if kept > _MAX_KEPT or len(directories) > _MAX_DIRECTORIES:
                raise InputError(f"{name}: is larger than a copy of /sys/devices; give the part with the device")
            directories.setdefault(f"/{directory.strip('/')}", {})[attribute] = _without_padding(attribute, raw)


def _without_padding(attribute: str, raw: bytes) -> bytes:
    if attribute == "descriptors":
        return raw[: _length_of_descriptors(raw)]
    if attribute == "bos_descriptors":
        return raw[: int.from_bytes(raw[2:4], "little")]
    return raw.rstrip(b"\0")


def _length_of_descriptors(raw: bytes) -> int:
    """How long the device descriptor and the configurations behind it are."""
    end = raw[0] if raw else 0
    while raw[end + 1 : end + 2] == bytes((DescriptorType.CONFIGURATION,)):
        length = int.from_bytes(raw[end + 2 : end + 4], "little")
        if not length:
            break
        end += length
    return end
