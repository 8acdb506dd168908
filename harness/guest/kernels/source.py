"""The source of a distribution's kernel, out of its ``linux-source`` package.

It is for showing code beside what was executed, and its MAINTAINERS for knowing who is to be told of a bug.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

from usbfuzz.errors import KernelError

from .archives import AptFiles
from .extras import Extra, extra_directory, fetch_extra, members_of
from .model import Kernel

__all__ = ["kernel_source", "source_directory", "source_package"]

_APT_FILES = AptFiles()
_TARBALL = re.compile(r"linux-source-[\d.]+\.tar\.\w+")
_CODE = frozenset({".c", ".h", ".S"})  #: what the compiler names in debug information, of the sources
_MAINTAINERS = "MAINTAINERS"  #: at the top of the tree: who is to be told of a bug
_ELSEWHERE = ("Documentation", "samples", "tools")  #: directories at the top that are no kernel code
_PATH = re.compile(r"(?:[\w+,@-][\w.+,@-]*/)*[\w+,@-][\w.+,@-]*")  #: below the tree, no part hidden or ".."


def source_directory(cache: Path, name: str) -> Path:
    """The directory for the source of the kernel ``name``, whether it is there or not."""
    return extra_directory("source", cache, name)


def kernel_source(
    kernel: Kernel,
    cache: Path,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    apt_files: AptFiles = _APT_FILES,
) -> Path:
    """The top of the source tree of ``kernel``, patched as the distribution built it, fetched on first use.

    Some 130 MB to download; MAINTAINERS, and C and assembly of the kernel's architecture, 860 MB, are kept.
    Raises KernelError (no such package, not verified), StorageError.
    """
    extra = Extra(
        "source", "its source", source_package, partial(_unpack, PurePosixPath(kernel.arch.image.path).parts[1])
    )
    return fetch_extra(extra, kernel, cache, on_progress=on_progress, apt_files=apt_files)


def source_package(kernel: Kernel) -> str:
    """The package with a kernel's source: ``linux-source-6.1`` for debian:6.1.192-2."""
    version = kernel.name.partition(":")[2]
    return f"linux-source-{'.'.join(version.split('.')[:2])}"


def _unpack(arch: str, package: Path, into: Path) -> None:
    with members_of(package) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isreg() else None
            if content and _TARBALL.fullmatch(PurePosixPath(member.name).name):
                with tarfile.open(fileobj=content, mode="r|*") as tree:
                    _extract(tree, arch, into)
    if not any(into.iterdir()):
        raise KernelError(f"{package.name}: holds no source of a kernel")


def _extract(tree: tarfile.TarFile, arch: str, into: Path) -> None:
    for member in tree:
        path = PurePosixPath(*PurePosixPath(member.name).parts[1:])
        content = tree.extractfile(member) if member.isreg() and _is_wanted(path, arch) else None
        if content:
            target = into / path
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)


def _is_wanted(path: PurePosixPath, arch: str) -> bool:
    """Whether a file of the tree can be one whose lines are executed, or says who looks after those."""
    if str(path) == _MAINTAINERS:
        return True
    if path.suffix not in _CODE or not _PATH.fullmatch(str(path)) or path.parts[0] in _ELSEWHERE:
        return False
    return path.parts[0] != "arch" or path.parts[1] == arch
