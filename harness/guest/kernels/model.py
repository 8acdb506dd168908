"""What a guest boots: a kernel image and its modules."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import KernelError

__all__ = ["Kernel", "image_release", "sha256_of", "short_digest"]

_DIGEST_LENGTH = 16  #: hex digits: enough to tell kernels apart in a file name


@frozen
class Kernel:
    """A kernel ready for a guest. The files belong to the cache or to the user: read them, never write."""

    name: str  #: canonical spec; resolving it gives this kernel again (``debian:5.10.223-1``, ``tree:/src/linux``)
    release: str  #: what ``uname -r`` prints in the guest (``5.10.0-32-amd64``)
    vmlinuz: Path  #: x86 bzImage
    modules: Path  #: the ``.../lib/modules/RELEASE`` directory, with modules.dep, modules.alias and modules.builtin
    digest: str  #: first 16 hex digits of the SHA-256 of ``vmlinuz``


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def short_digest(sha256: str) -> str:
    """The part of a SHA-256 that :attr:`Kernel.digest` keeps."""
    return sha256[:_DIGEST_LENGTH]


def image_release(vmlinuz: Path) -> str:
    """The kernel release an x86 bzImage carries: first word of the string its setup header points to.

    Source: Documentation/arch/x86/boot.rst, ``header`` ("HdrS", at 0x202) and ``kernel_version`` (0x20E, less 0x200).
    Raises KernelError when the file cannot be read or is no bzImage.
    """
    try:
        with vmlinuz.open("rb") as stream:
            head = stream.read(0x8000)
    except OSError as error:
        raise KernelError(f"{vmlinuz}: cannot be read: {error.strerror}") from error
    if head[0x202:0x206] != b"HdrS":
        raise KernelError(f"{vmlinuz}: not an x86 bzImage; give arch/x86/boot/bzImage or a distribution's vmlinuz")
    (pointer,) = struct.unpack_from("<H", head, 0x20E)
    text = head[pointer + 0x200 :].split(b"\0", 1)[0]
    words = text.decode("ascii", "replace").split()
    if not pointer or not words:
        raise KernelError(f"{vmlinuz}: the bzImage does not say which kernel release it is")
    return words[0]
