"""Compressed files, recognised by how they begin: gzip, xz, bzip2 and Zstandard, bounded in size and memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Mapping

from usbfuzz.errors import InfraError, InputError

__all__ = ["MAX_BYTES", "unpack"]

MAX_BYTES = 256 << 20  #: of unpacked content, when a caller sets no other bound

#: Web servers and mailers compress once more what was compressed.
_MAX_LAYERS = 3
#: Decoders of xz allocate the dictionary a file asks for, up to 4 GiB; `xz -9` makes files that need 65 MiB.
_XZ_MEMORY = 128 << 20  #: bytes


def unpack(content: bytes, name: str, most: int = MAX_BYTES) -> bytes:
    """What a file holds, without compression; ``name`` is what messages call it.

    Raises InputError when it is damaged or holds more than ``most`` bytes, and InfraError without the program ``zstd``.
    """
    for _ in range(_MAX_LAYERS):
        kind = next((kind for magic, kind in _KINDS.items() if content.startswith(magic)), None)
        if kind is None:
            break
        label, read = kind
        try:
            content = read(content, most + 1)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error, MemoryError) as error:
            raise InputError(f"{name}: is damaged {label} data: {_reason(error)}; fetch it again") from error
    if len(content) > most:
        raise InputError(f"{name}: holds more than {most >> 20} MiB; cut out the part that matters")
    return content


def _reason(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _gzip(content: bytes, most: int) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        return file.read(most)


def _xz(content: bytes, most: int) -> bytes:
    """The streams of a file one behind the other; zeros between and behind them are padding."""
    found = bytearray()
    while content and len(found) < most:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
        found += stream.decompress(content, most - len(found))
        if not stream.eof and len(found) < most:
            raise EOFError("the end is missing")
        content = stream.unused_data.lstrip(b"\0")
    return bytes(found)


def _bzip2(content: bytes, most: int) -> bytes:
    with bz2.BZ2File(io.BytesIO(content)) as file:
        return file.read(most)


def _zstd(content: bytes, most: int) -> bytes:
    """By the program, as Python before 3.14 cannot; it is needed for kernel modules as well."""
    program = shutil.which("zstd")
    if program is None:
        raise InfraError("zstd is not installed; install the package zstd")
    with tempfile.TemporaryFile() as packed, tempfile.TemporaryFile() as complaint:
        packed.write(content)
        packed.seek(0)
        arguments = [program, "--decompress", "--stdout", "--quiet"]
        with subprocess.Popen(arguments, stdin=packed, stdout=subprocess.PIPE, stderr=complaint) as running:
            assert running.stdout is not None
            found = running.stdout.read(most)
            if len(found) == most:
                running.kill()
        if running.returncode and len(found) < most:
            complaint.seek(0)
            raise ValueError(complaint.read(300).decode("utf-8", "replace").strip().rpartition(" : ")[2])
    return found


#: How a file begins: what its compression is called, and who reads at most so many bytes of what it holds.
_KINDS: Mapping[bytes, tuple[str, Callable[[bytes, int], bytes]]] = {
    b"\x1f\x8b\x08": ("gzip", _gzip),
    b"\xfd7zXZ\0": ("xz", _xz),
    b"BZh": ("bzip2", _bzip2),
    b"\x28\xb5\x2f\xfd": ("Zstandard", _zstd),
}
