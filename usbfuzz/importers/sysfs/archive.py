"""A tar archive of ``/sys/devices`` or of part of it, packed or not, as bug reports carry it.

tar believes the sizes that sysfs states, and fills attributes up with zeros to those.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from typing import BinaryIO, cast

from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.errors import InputError
from usbfuzz.importers.model import Imported

from .attributes import WANTED, devices_in, imported
from .directory import MAX_BYTES, nothing_in

__all__ = ["import_archive", "looks_archive"]

_MAGIC = slice(257, 262)
_HEAD = 512
_LOOK = 1 << 20  #: bytes of a packed archive that are unpacked to see what it is; bzip2 packs by blocks of 900 kB
_MAX_UNPACKED = 512 << 20
_MAX_KEPT = 64 << 20
_MAX_DIRECTORIES = 200_000


def looks_archive(content: bytes) -> bool:
    """A tar archive, packed or not."""
    try:
        return _head(content)[_MAGIC] == b"ustar"
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError):
        return False


def _head(content: bytes) -> bytes:
    if content[:2] == b"\x1f\x8b":
        return zlib.decompressobj(31).decompress(content[:_LOOK], _HEAD)
    if content[:6] == b"\xfd7zXZ\0":
        return lzma.LZMADecompressor().decompress(content[:_LOOK], _HEAD)
    if content[:3] == b"BZh":
        return bz2.BZ2Decompressor().decompress(content[:_LOOK], _HEAD)
    return content[:_HEAD]


def import_archive(content: bytes, name: str) -> tuple[Imported, ...]:
    """All devices of the archive, hubs included. Raises InputError when it cannot be read or holds none."""
    directories: dict[str, dict[str, bytes]] = {}
    kept = 0
    try:
        with tarfile.open(fileobj=cast("BinaryIO", _Bounded(_unpacked(content))), mode="r|") as archive:
            for member in archive:
                directory, _, attribute = member.name.rpartition("/")
                if attribute not in WANTED or not member.isreg() or (file := archive.extractfile(member)) is None:
                    continue
                raw = file.read(MAX_BYTES)
                kept += len(raw)
                if kept > _MAX_KEPT or len(directories) > _MAX_DIRECTORIES:
                    raise InputError(f"{name}: is larger than a copy of /sys/devices; give the part with the device")
                directories.setdefault(f"/{directory.strip('/')}", {})[attribute] = _without_padding(attribute, raw)
    except (tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{name}: cannot be unpacked: {error or type(error).__name__}; pack it again") from error
    found = devices_in(dict(sorted(directories.items())))  # tar keeps the order of the disk
    if not found:
        raise nothing_in(name)
    return tuple(imported(shown, path.rpartition("/")[2], f"{name}: {path[1:]}/descriptors") for path, shown in found)


def _unpacked(content: bytes) -> io.BufferedIOBase:
    packed = io.BytesIO(content)
    if content[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=packed)
    if content[:6] == b"\xfd7zXZ\0":
        return lzma.LZMAFile(packed)
    return bz2.BZ2File(packed) if content[:3] == b"BZh" else packed


class _Bounded:
    """A file of which no more than a bounded number of bytes is read."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._file = file
        self._room = _MAX_UNPACKED

    def read(self, size: int) -> bytes:
        """The next bytes; raises ValueError when there are too many."""
        raw = self._file.read(size)
        self._room -= len(raw)
        if self._room < 0:
            raise ValueError(f"it holds more than {_MAX_UNPACKED >> 20} MiB")
        return raw


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
