"""What a guest boots: a kernel image and its modules."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

from attrs import frozen

from usbfuzz.arch import ARCHES, DEFAULT, Arch, BootImage
from usbfuzz.errors import KernelError

__all__ = ["Kernel", "KernelImage", "read_image", "sha256_of", "short_digest"]

_DIGEST_LENGTH = 16  #: hex digits: enough to tell kernels apart in a file name


@frozen
class Kernel:
    """A kernel ready for a guest. The files belong to the cache or to the user: read them, never write."""

    name: str  #: canonical spec; resolving it gives this kernel again (``debian:5.10.223-1``, ``tree:/src/linux``)
    release: str  #: what ``uname -r`` prints in the guest (``5.10.0-32-FLAVOUR``)
    vmlinuz: Path  #: the image QEMU boots, see :attr:`usbfuzz.arch.Arch.image`
    modules: Path  #: the ``.../lib/modules/RELEASE`` directory, with modules.dep, modules.alias and modules.builtin
    digest: str  #: first 16 hex digits of the SHA-256 of ``vmlinuz``
    arch: Arch = DEFAULT  #: what the image says it runs on


@frozen
class KernelImage:
    """What a kernel image says of itself."""

    arch: Arch
    release: str


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def short_digest(sha256: str) -> str:
    """The part of a SHA-256 that :attr:`Kernel.digest` keeps."""
    return sha256[:_DIGEST_LENGTH]


def read_image(vmlinuz: Path) -> KernelImage:
    """Read what a kernel image says of itself. Raises KernelError: not readable, or of no known architecture."""
    try:
        with vmlinuz.open("rb") as stream:
            arch = next((arch for arch in ARCHES if _has_magic(stream, arch.image)), None)
            stream.seek(0)
            release = arch.image.release_of(stream) if arch else ""
    except OSError as error:
        raise KernelError(f"{vmlinuz}: cannot be read: {error.strerror}") from error
    if arch is None:
        raise _not_an_image(vmlinuz)
    if not release:
        raise KernelError(f"{vmlinuz}: the {arch.image.name} does not say which kernel release it is")
    return KernelImage(arch, release)


def _has_magic(stream: BinaryIO, image: BootImage) -> bool:
    stream.seek(image.magic_at)
    return stream.read(len(image.magic)) == image.magic


def _not_an_image(vmlinuz: Path) -> KernelError:
    known = " or ".join(f"{arch.name} {arch.image.name}" for arch in ARCHES)
    paths = ", ".join(arch.image.path for arch in ARCHES)
    return KernelError(f"{vmlinuz}: not a kernel image ({known}); give {paths} or a distribution's vmlinuz")
