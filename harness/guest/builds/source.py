"""The whole source that a distribution built a kernel from, with its patches: fetched and verified as kernels are."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.guest.kernels import Kernel
from harness.guest.kernels.command import run
from harness.guest.kernels.extras import download
from harness.guest.kernels.fetch import Archive
from harness.guest.kernels.source import source_package
from harness.guest.kernels.specs import ArchiveSpec
from harness.guest.kernels.storage import storage_errors
from usbfuzz.errors import KernelError

__all__ = ["unpacked_source"]


def unpacked_source(archive: Archive, stock: Kernel, spec: ArchiveSpec, directory: Path) -> Path:
    """All of the source of the kernel ``stock``, which ``spec`` names, in ``directory/source``; unpacked once.

    What is kept to show code (:func:`harness.guest.kernels.source.kernel_source`) lacks the files that make needs.
    Raises KernelError when the archive has no such source, or it does not verify, and StorageError.
    """
    source = directory / "source"
    if source.is_dir():
        return source
    unpacked = directory / "unpacked"
    with storage_errors(directory):
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir(parents=True)
        deb = download(archive, spec, source_package(stock), unpacked)
        archive.on_progress(f"unpacking {deb.name}")
        _unpack(deb, unpacked, directory)
        (unpacked / "tree").rename(source)
        shutil.rmtree(unpacked)
    return source


def _unpack(deb: Path, unpacked: Path, storage: Path) -> None:
    """Put the tree that is packed in the package into ``unpacked/tree``."""
    run(["dpkg-deb", "-x", str(deb), str(unpacked)], storage=storage, package="dpkg")
    deb.unlink()
    tarballs = sorted((unpacked / "usr/src").glob("linux-source-*.tar.*"))
    if len(tarballs) != 1:
        raise KernelError(f"{deb.name}: holds {len(tarballs)} packed kernel trees in usr/src, and one was expected")
    (unpacked / "tree").mkdir()
    argv = ["tar", "-xf", str(tarballs[0]), "-C", str(unpacked / "tree"), "--strip-components=1", "--no-same-owner"]
    run(argv, storage=storage, package="tar")
