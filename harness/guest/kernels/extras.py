"""What a distribution has besides a kernel's packages: fetched on demand, verified like these, kept beside them."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import KernelError

from .archives import AptFiles
from .cache import KernelStore
from .fetch import Archive
from .model import Kernel
from .specs import ArchiveSpec, parse_spec
from .storage import storage_errors

__all__ = ["EXTRAS", "Extra", "download", "extra_directory", "fetch_extra", "members_of"]

EXTRAS = ("debug", "source")  #: directories of the cache, in which each kernel has one of its own


@frozen
class Extra:
    """One thing that can be fetched for a kernel."""

    kind: str  #: one of :data:`EXTRAS`
    what: str  #: for messages: "debug information"
    package: Callable[[Kernel], str]  #: name of the package that has it, in the kernel's own version
    unpack: Callable[[Path, Path], None]  #: takes what is wanted out of that package into a directory


def extra_directory(kind: str, cache: Path, name: str) -> Path:
    """The directory for a thing of the kernel ``name``, whether it is there or not."""
    return cache / kind / name.replace(":", "_")


def fetch_extra(
    extra: Extra, kernel: Kernel, cache: Path, *, on_progress: Callable[[str], None], apt_files: AptFiles
) -> Path:
    """The directory with a thing of a kernel, fetched on first use.

    Raises KernelError (no such package, not verified), StorageError.
    """
    spec = parse_spec(kernel.name)
    if not isinstance(spec, ArchiveSpec):
        raise KernelError(
            f"{kernel.name}: only a distribution's kernel has a package of {extra.what}; a tree needs none"
        )
    store = KernelStore(cache.absolute())
    final = extra_directory(extra.kind, store.cache, kernel.name)
    with storage_errors(store.directory):
        if final.is_dir():
            return final
        with store.writing(), store.workspace() as workspace:
            package = download(Archive(store.cache, apt_files, on_progress), spec, extra.package(kernel), workspace)
            on_progress(f"unpacking {package.name}")
            built = workspace / extra.kind
            built.mkdir()
            extra.unpack(package, built)
            final.parent.mkdir(mode=0o700, exist_ok=True)
            built.rename(final)
    return final


@contextmanager
def members_of(package: Path) -> Iterator[tarfile.TarFile]:
    """The files of a package, to be read in their order. Raises KernelError when it cannot be unpacked."""
    tool = shutil.which("dpkg-deb")
    if tool is None:
        raise KernelError("dpkg-deb is not installed; install the package dpkg")
    command = [tool, "--fsys-tarfile", str(package)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                yield archive
    except (tarfile.TarError, EOFError) as error:
        raise KernelError(f"{package.name}: cannot be unpacked: {error}") from error
    if process.returncode:
        raise KernelError(f"{package.name}: cannot be unpacked: dpkg-deb failed")


def download(archive: Archive, spec: ArchiveSpec, name: str, workspace: Path) -> Path:
    """Download the package ``name`` of a kernel's own version. Raises KernelError when the archive has it no more."""
    offer = archive.find(spec)
    archive.on_progress(f"downloading {name} from {offer.suite}")
    try:
        (package,) = offer.root.download([(name, offer.candidate.version)], workspace)
    except KernelError as error:
        raise KernelError(f"{spec}: {offer.suite} has no {name} of its version: {error}") from error
    return package
