"""Build the initramfs of a guest: agent as init, modules, busybox and tools. Kept in the cache, named by content."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from harness.guest.kernels import Kernel, read_module
from usbfuzz.arch import Arch
from usbfuzz.errors import InfraError, StorageError

from . import cpio
from .files import private_directory, write_atomically
from .manifest import Manifest, manifest, read_tables
from .programs import AGENT, TOOL_NAMES, TOOLS

__all__ = ["Image", "build_image"]

#: Changes when the same inputs give another image.
_VERSION = 1


@frozen
class Image:
    """An initramfs that boots one kernel into the agent."""

    path: Path  #: uncompressed cpio: under TCG unpacking costs more than reading (guest time on 6.1: 0.2 s, gzip 1.4 s)
    digest: str  #: first 16 hex digits of the SHA-256 of what it was made from
    aliases: Path  #: of the kernel's modules.alias: the USB and HID aliases of the modules in it
    modules: tuple[str, ...]  #: names of the modules in it, sorted

    @property
    def size(self) -> int:
        """Its bytes; 0 when it is not there."""
        return self.path.stat().st_size if self.path.exists() else 0


def build_image(kernel: Kernel, cache: Path, firmware: Path | None = None) -> Image:
    """The image for a kernel; from the cache unless something that it is made of has changed.

    ``firmware`` is a directory that becomes ``/lib/firmware``. Raises KernelError when the kernel cannot be used,
    InfraError when agent or tools cannot be compiled or busybox is missing, StorageError when the cache or the firmware
    directory fails.
    """
    busybox = _busybox(kernel.arch)
    contents = manifest(read_tables(kernel.modules))
    files = _firmware(firmware)
    digest = _digest(kernel, contents, busybox, files)
    path = cache / "images" / f"{digest}.cpio"
    aliases = path.with_suffix(".alias")
    private_directory(path.parent)
    if not path.exists():
        agent, tools = AGENT.binary(cache, kernel.arch), TOOLS.binary(cache, kernel.arch)
        programs = {"init": agent, f"bin/{TOOL_NAMES[0]}": tools, "bin/busybox": busybox}
        write_atomically(path, lambda output: _write(output, _entries(kernel, contents, programs, files)))
    if not aliases.exists():
        write_atomically(aliases, lambda output: _write_text(output, contents.ids))
    return Image(path, digest, aliases, tuple(contents.modules))


def _digest(kernel: Kernel, contents: Manifest, busybox: Path, firmware: dict[str, Path]) -> str:
    agent, tools = AGENT.digest(kernel.arch), TOOLS.digest(kernel.arch)
    digest = hashlib.sha256(f"{_VERSION}\n{kernel.release}\n{kernel.digest}\n{agent}\n".encode())
    digest.update(f"{tools} {TOOL_NAMES}\n".encode())
    digest.update("\n".join((contents.dep, contents.alias, contents.ids, *contents.base, "", *contents.all)).encode())
    for path in contents.sources.values():  # a tree may be rebuilt without a new image
        status = path.stat()
        digest.update(f"{status.st_size} {status.st_mtime_ns}\n".encode())
    digest.update(busybox.read_bytes())
    for name, path in firmware.items():
        digest.update(f"\n{name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _busybox(arch: Arch) -> Path:
    """The machine's own static busybox; on a machine of another architecture, ``TRIPLET-busybox``."""
    name = f"{arch.tool_prefix}busybox"
    found = shutil.which(name)
    if found is None:
        raise InfraError(f"{name} is not installed; install the package busybox-static of {arch.debian}")
    return Path(found)


def _firmware(root: Path | None) -> dict[str, Path]:
    if root is None:
        return {}
    if not root.is_dir():
        raise StorageError(f"{root}: not a directory of firmware files")
    return {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file()}


def _write(output: Path, entries: list[cpio.Entry]) -> None:
    with output.open("wb") as stream:
        for piece in cpio.archive(entries):
            stream.write(piece)


def _write_text(output: Path, text: str) -> None:
    output.write_text(text, encoding="utf-8")


def _entries(
    kernel: Kernel, contents: Manifest, programs: dict[str, Path], firmware: dict[str, Path]
) -> list[cpio.Entry]:
    root = f"lib/modules/{kernel.release}"
    return [
        *(cpio.file(name, path.read_bytes(), 0o755) for name, path in programs.items()),
        cpio.symlink("sbin/modprobe", "/init"),
        cpio.symlink("bin/sh", "busybox"),
        *(cpio.symlink(f"bin/{name}", TOOL_NAMES[0]) for name in TOOL_NAMES[1:]),
        *(cpio.directory(name) for name in ("dev", "proc", "sys", "tmp")),
        cpio.device("dev/console", 5, 1),
        cpio.file("etc/usbfuzz/modules.base", _boot_list(contents, contents.base)),
        cpio.file("etc/usbfuzz/modules.all", _boot_list(contents, contents.all)),
        cpio.file(f"{root}/modules.dep", contents.dep.encode()),
        cpio.file(f"{root}/modules.alias", contents.alias.encode()),
        *_modules(contents, root),
        *(cpio.file(f"lib/firmware/{name}", path.read_bytes()) for name, path in firmware.items()),
    ]


def _boot_list(contents: Manifest, names: tuple[str, ...]) -> bytes:
    return "".join(f"{contents.modules[name]}\n" for name in names).encode()


def _modules(contents: Manifest, root: str) -> Iterator[cpio.Entry]:
    for name, plain in contents.modules.items():
        yield cpio.file(f"{root}/{plain}", read_module(contents.sources[name]))
