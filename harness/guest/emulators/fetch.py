"""A QEMU from a distribution's archive: find, download, verify, unpack. Nothing is installed."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.apt import AptRoot
from harness.guest.kernels.archives import AptFiles, Distribution
from harness.guest.kernels.dependencies import Package
from harness.guest.kernels.fetch import Archive
from harness.guest.kernels.versions import version_key
from usbfuzz.arch import Arch, by_uname
from usbfuzz.errors import EmulatorError, KernelError

from .closure import Installed, closure

__all__ = ["Offer", "host_arch", "packaged"]

#: What of the packages a QEMU needs, besides its program and the firmware that the architecture's record names. The
#: rest stays out of the cache, programs that would be setuid root among it.
_NEEDED = ("lib", "lib64", "usr/lib", "usr/lib64", "usr/share/qemu")


@frozen
class Offer:
    """A QEMU found in a suite, and the packages it consists of, not fetched yet."""

    name: str  #: canonical name of the emulator: ``debian:VERSION``
    version: str  #: of its package
    suite: str
    packages: tuple[tuple[str, str], ...]  #: (name, version)
    size: int  #: bytes to download
    arch: Arch  #: of its guests
    root: AptRoot
    archive: Archive

    def fetch(self, workspace: Path) -> Path:
        """Download, verify and unpack into ``workspace``; gives the directory. Raises EmulatorError, StorageError."""
        packages, unpacked, tree = (workspace / name for name in ("packages", "unpacked", "tree"))
        for directory in (packages, unpacked, tree):
            directory.mkdir()
        self.archive.on_progress(f"downloading QEMU {self.name} from {self.suite}, {self.size / 1e6:.0f} MB")
        try:
            self.archive.unpack(self.root.download(self.packages, packages), unpacked)
        except KernelError as error:
            raise EmulatorError(f"{self.name}: {error}") from error
        firmware = [str(Path(file).parent.relative_to("/")) for file in self.arch.packages if file.startswith("/")]
        for path in (*_NEEDED, *firmware, f"usr/bin/{self.arch.emulation.qemu}"):
            if (unpacked / path).exists():
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (unpacked / path).rename(tree / path)
        return tree


def packaged(
    distribution: Distribution,
    suite: str,
    arch: Arch,
    workspace: Path,
    *,
    apt_files: AptFiles,
    on_progress: Callable[[str], None],
) -> Offer:
    """The newest QEMU of a suite that runs guests of ``arch``, with apt's state in ``workspace``.

    Asks the mirror. Raises EmulatorError, StorageError.
    """
    archive = Archive(workspace, apt_files, on_progress)
    try:
        return _offer(archive, distribution, suite, arch)
    except KernelError as error:
        raise EmulatorError(f"{distribution.name}:{suite}: {error}") from error


def host_arch() -> Arch:
    """This machine's architecture, whose programs it runs. Raises EmulatorError when its packages are not known."""
    host = by_uname(platform.machine())
    if host is None:
        raise EmulatorError(
            f"{platform.machine()}: no distribution's name of this architecture is known; name a QEMU by its path"
        )
    return host


def _offer(archive: Archive, distribution: Distribution, suite: str, arch: Arch) -> Offer:
    host = host_arch()
    package = arch.packages[arch.emulation.qemu]
    root = archive.open_suite(distribution, suite, host)
    qemu = _newest(root, package)
    if qemu is None:
        raise EmulatorError(f"{distribution.name}:{suite}: the suite has no {package}")
    if beside := _beside(distribution, suite):
        root = archive.open_suite(distribution, suite, host, beside)
    others = [_newest(root, name) for name in arch.packages.values() if name != package]
    wanted = [qemu, *(found for found in others if found)]
    needed = closure(root, wanted, Installed.read(archive.apt_files.dpkg_status))
    return Offer(
        name=f"{distribution.name}:{re.sub(r'^[0-9]+:', '', qemu['version'])}",
        version=qemu["version"],
        suite=suite,
        packages=tuple((found["package"], found["version"]) for found in needed),
        size=sum(int(found.get("size", "0")) for found in needed),
        arch=arch,
        root=root,
        archive=archive,
    )


def _newest(root: AptRoot, name: str) -> Package | None:
    return max(root.named([name]), key=lambda package: version_key(package["version"]), default=None)


def _beside(distribution: Distribution, suite: str) -> tuple[str, ...]:
    """The suite that an add-on such as ``-backports`` goes with, in the same archive."""
    for pocket in filter(None, distribution.pockets):
        if suite.endswith(pocket) and not (distribution.separate_security and pocket == "-security"):
            return (suite.removesuffix(pocket),)
    return ()
