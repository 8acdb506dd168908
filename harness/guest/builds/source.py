"""The source that a distribution built a kernel from, with its patches: fetched and verified as kernels are."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness.guest.kernels.command import run
from harness.guest.kernels.fetch import Archive
from harness.guest.kernels.specs import ArchiveSpec
from harness.guest.kernels.storage import storage_errors
from usbfuzz.errors import KernelError

__all__ = ["fetch_source"]

_NAME = re.compile(r"linux-source-\d[\w.]*")


def fetch_source(archive: Archive, spec: ArchiveSpec, directory: Path) -> Path:
    """The source tree of the kernel with exactly that version, in ``directory/source``; unpacked once.

    Raises KernelError when the archive has no such source, or it does not verify, and StorageError.
    """
    source = directory / "source"
    if source.is_dir():
        return source
    offer = archive.find(spec)
    version = offer.candidate.version
    packages = [found for found in offer.root.packages("linux-source-") if _NAME.fullmatch(found["package"])]
    package = next((found for found in packages if found["version"] == version), None)
    if package is None:
        raise KernelError(f"{spec}: {offer.suite} has no linux-source package of version {version}")
    size = int(package.get("size", "0")) / 1e6
    archive.on_progress(f"downloading {package['package']} {version} from {offer.suite}, {size:.0f} MB")
    unpacked = directory / "unpacked"
    with storage_errors(directory):
        shutil.rmtree(unpacked, ignore_errors=True)
        unpacked.mkdir(parents=True)
        (deb,) = offer.root.download([(package["package"], version)], unpacked)
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
