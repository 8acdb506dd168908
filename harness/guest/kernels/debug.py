"""Debug information of a distribution's kernel: vmlinux and modules with DWARF, out of its ``-dbg`` package."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath

from usbfuzz.errors import KernelError

from .archives import AptFiles
from .cache import KernelStore
from .fetch import Archive
from .model import Kernel
from .specs import ArchiveSpec, parse_spec
from .storage import storage_errors

__all__ = ["debug_directory", "debug_information"]

_APT_FILES = AptFiles()
_BLOCK = 1 << 20  #: bytes that are copied at a time


def debug_directory(cache: Path, name: str) -> Path:
    """The directory for the debug information of the kernel ``name``, whether it is there or not."""
    return cache / "debug" / name.replace(":", "_")


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
    spec = parse_spec(kernel.name)
    if not isinstance(spec, ArchiveSpec):
        raise KernelError(f"{kernel.name}: only a distribution's kernel has a -dbg package; name the built tree itself")
    store = KernelStore(cache.absolute())
    final = debug_directory(store.cache, kernel.name)
    with storage_errors(store.directory):
        if final.is_dir():
            return final
        with store.writing(), store.workspace() as workspace:
            package = _download(Archive(store.cache, apt_files, on_progress), spec, kernel.release, workspace)
            on_progress(f"unpacking {package.name}")
            built = workspace / "debug"
            built.mkdir()
            _unpack(package, {f"{name}.ko" for name in modules}, built)
            final.parent.mkdir(mode=0o700, exist_ok=True)
            built.rename(final)
    return final


def _download(archive: Archive, spec: ArchiveSpec, release: str, workspace: Path) -> Path:
    offer = archive.find(spec)
    name = f"linux-image-{release}-dbg"
    archive.on_progress(f"downloading {name} from {offer.suite}")
    try:
        (package,) = offer.root.download([(name, offer.candidate.version)], workspace)
    except KernelError as error:
        raise KernelError(f"{spec}: {offer.suite} has no {name} of its version: {error}") from error
    return package


def _unpack(package: Path, modules: Collection[str], into: Path) -> None:
    """Extract only vmlinux and the named modules: the whole package has five gigabytes."""
    wanted = {name.replace("-", "_") for name in modules}
    tool = shutil.which("dpkg-deb")
    if tool is None:
        raise KernelError("dpkg-deb is not installed; install the package dpkg")
    command = [tool, "--fsys-tarfile", str(package)]
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                _extract(archive, wanted, into)
    except tarfile.TarError as error:
        raise KernelError(f"{package.name}: cannot be unpacked: {error}") from error
    if process.returncode or not any(into.iterdir()):
        raise KernelError(f"{package.name}: holds no vmlinux, or cannot be unpacked")


def _extract(archive: tarfile.TarFile, wanted: Collection[str], into: Path) -> None:
    for member in archive:
        name = PurePosixPath(member.name).name
        content = archive.extractfile(member) if member.isreg() else None
        if content and (name.startswith("vmlinux-") or name.replace("-", "_") in wanted):
            with (into / name).open("wb") as file:
                shutil.copyfileobj(content, file, _BLOCK)
