"""Debug information of a distribution's kernel: vmlinux and modules with DWARF, out of its ``-dbg`` package."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path, PurePosixPath

from usbfuzz.errors import KernelError

from .archives import AptFiles
from .extras import Extra, extra_directory, fetch_extra, members_of
from .model import Kernel

__all__ = ["debug_directory", "debug_information"]

_APT_FILES = AptFiles()
_BLOCK = 1 << 20  #: bytes that are copied at a time


def debug_directory(cache: Path, name: str) -> Path:
    """The directory for the debug information of the kernel ``name``, whether it is there or not."""
    return extra_directory("debug", cache, name)


def debug_information(
    kernel: Kernel,
    modules: Collection[str],
    cache: Path,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    apt_files: AptFiles = _APT_FILES,
) -> Path:
    """A directory with ``vmlinux-RELEASE`` and the named modules of ``kernel``, fetched on first use.

    Some 900 MB to download and 1 to 2 GB to keep. Raises KernelError (no such package, not verified), StorageError.
    """
    unpack = partial(_unpack, {f"{name}.ko" for name in modules})
    extra = Extra("debug", "debug information", lambda kernel: f"linux-image-{kernel.release}-dbg", unpack)
    return fetch_extra(extra, kernel, cache, on_progress=on_progress, apt_files=apt_files)


def _unpack(modules: Collection[str], package: Path, into: Path) -> None:
    """Extract only vmlinux and the named modules: the whole package has five gigabytes."""
    wanted = {name.replace("-", "_") for name in modules}
    with members_of(package) as archive:
        _extract(archive, wanted, into)
    if not any(into.iterdir()):
        raise KernelError(f"{package.name}: holds no vmlinux")


def _extract(archive: tarfile.TarFile, wanted: Collection[str], into: Path) -> None:
    for member in archive:
        name = PurePosixPath(member.name).name
        content = archive.extractfile(member) if member.isreg() else None
        if content and (name.startswith("vmlinux-") or name.replace("-", "_") in wanted):
            with (into / name).open("wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)
