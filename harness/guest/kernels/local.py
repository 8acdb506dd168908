"""Kernels that are on this machine already: a built tree, a directory, an image, the running kernel."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from attrs import frozen

from usbfuzz.arch import ARCHES, DEFAULT, Arch
from usbfuzz.errors import KernelError

from .command import run
from .model import read_image
from .specs import ArchiveSpec, BuiltSpec, DirectorySpec, HostSpec, ImageSpec, Spec, TreeSpec

__all__ = ["LocalKernel", "build_local", "depmod", "locate"]

#: What kernel images are called in a directory.
_IMAGES = (*(arch.image.name for arch in ARCHES), "vmlinuz*", "boot/vmlinuz*")
_BASES = ("lib/modules", "modules", "usr/lib/modules")
_INDEXES = ("modules.dep", "modules.alias", "modules.builtin")
_FROM_BUILD = ("modules.order", "modules.builtin", "modules.builtin.modinfo")


@frozen
class LocalKernel:
    """A kernel on this machine: where its parts are."""

    name: str  #: canonical spec
    release: str
    vmlinuz: Path
    modules: Path | None  #: ``lib/modules/RELEASE``, or the tree itself; None when everything is built in
    is_tree: bool = False
    arch: Arch = DEFAULT

    @property
    def is_indexed(self) -> bool:
        """Whether depmod ran on the modules, so that they can be used where they are."""
        return (
            not self.is_tree
            and self.modules is not None
            and self.modules.name == self.release
            and all((self.modules / name).is_file() for name in _INDEXES)
        )

    def stamp(self) -> str:
        """A digest that changes when the image or any module changes."""
        digest = hashlib.sha256()
        for path in (self.vmlinuz, *(source for _, source in self.files())):
            status = path.stat()
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def files(self) -> list[tuple[Path, Path]]:
        """(path below ``lib/modules/RELEASE``, source) of every module; raises KernelError when one is missing."""
        if self.modules is None:
            return []
        if self.is_tree:
            return _tree_files(self.modules)
        return [
            (path.relative_to(self.modules), path)
            for path in sorted(self.modules.rglob("*.ko*"))
            if path.is_file() and not {"build", "source"} & set(path.relative_to(self.modules).parts[:1])
        ]


def locate(spec: Spec) -> LocalKernel:
    """Find the parts of a local kernel and check that they belong together. Raises KernelError."""
    match spec:
        case HostSpec():
            return _locate_host()
        case TreeSpec(path):
            return _locate_tree(path)
        case DirectorySpec(path):
            return _locate_directory(path)
        case ImageSpec(image, modules):
            return _checked(str(spec), image, modules)
        case ArchiveSpec() | BuiltSpec():
            raise AssertionError(spec)


def build_local(kernel: LocalKernel, workspace: Path, *, copied: bool = False) -> Path:
    """Make the files of a cache entry: the image, and the modules, ``copied`` or links. Raises KernelError, OSError."""
    built = workspace / "built"
    modules = built / "lib" / "modules" / kernel.release
    modules.mkdir(parents=True)
    shutil.copyfile(kernel.vmlinuz, built / "vmlinuz")
    for relative, source in kernel.files():
        (modules / relative).parent.mkdir(parents=True, exist_ok=True)
        if copied:
            shutil.copyfile(source, modules / relative)
        else:
            (modules / relative).symlink_to(source)
    if kernel.modules is not None:
        _copy_lists(kernel.modules, modules)
    for name in _FROM_BUILD:
        (modules / name).touch()
    return built


def _copy_lists(source: Path, modules: Path) -> None:
    """Copy the lists that the kernel's build makes and depmod reads."""
    for name in _FROM_BUILD:
        if not (source / name).is_file():
            continue
        content = (source / name).read_bytes()
        if not name.endswith(".modinfo"):
            content = "".join(f"{_object(line)}\n" for line in content.decode().split()).encode()
        (modules / name).write_bytes(content)


def depmod(built: Path, release: str, storage: Path) -> None:
    """Write modules.dep, modules.alias and the other indexes below ``built/lib/modules/RELEASE``.

    Raises KernelError when depmod is missing or fails, StorageError when ``storage`` is full.
    """
    link = built / "usr" / "lib"  # where a kmod configured for a merged /usr looks
    link.parent.mkdir(exist_ok=True)
    link.symlink_to("../lib")
    run(["depmod", "--basedir", str(built), release], storage=storage, package="kmod")


def _locate_host() -> LocalKernel:
    release = os.uname().release
    modules = Path("/lib/modules") / release
    images = [Path(f"/boot/vmlinuz-{release}"), modules / "vmlinuz"]
    for image in images:
        if image.exists():
            if not os.access(image, os.R_OK):
                raise KernelError(
                    f"host: {image} is readable by root only; copy it, and use {_named(Path('COPY'), modules)}"
                )
            return _checked("host", image, modules)
    raise KernelError(
        f"host: neither {images[0]} nor {images[1]} exists (a container?); use a debian: kernel or a PATH"
    )


def _locate_tree(path: Path) -> LocalKernel:
    record = path / "include/config/kernel.release"
    image = next((path / arch.image.path for arch in ARCHES if (path / arch.image.path).is_file()), None)
    if image is None:
        missing = " or ".join(arch.image.path for arch in ARCHES)
        raise KernelError(f"{path}: no {missing}; build it with make")
    try:
        release = record.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise KernelError(f"{record}: cannot be read; is {path} a built kernel tree?") from error
    found = read_image(image)
    if found.release != release:
        raise KernelError(f"{path}: {image.name} is {found.release} but the tree is {release}; run make again")
    return LocalKernel(f"tree:{path}", release, image, path, is_tree=True, arch=found.arch)


def _locate_directory(path: Path) -> LocalKernel:
    if not path.is_dir():
        raise KernelError(f"{path}: no such directory")
    images = [found for pattern in _IMAGES for found in sorted(path.glob(pattern)) if found.is_file()]
    if not images:
        names = ", ".join(arch.image.name for arch in ARCHES)
        raise KernelError(f"{path}: holds no {names} or vmlinuz*; if it is a kernel tree, build it first")
    if len(images) > 1:
        names = ", ".join(image.name for image in images)
        form = _named(Path("PATH"), Path("PATH"))
        raise KernelError(f"{path}: holds several kernel images ({names}); use {form}")
    release = read_image(images[0]).release
    trees = [path / base / release for base in _BASES]
    modules = next((tree for tree in trees if tree.is_dir()), None)
    if modules is None:
        raise KernelError(f"{path}: {images[0].name} is {release}, but there is no {trees[0]}")
    return _checked(f"dir:{path}", images[0], modules)


def _checked(name: str, image: Path, modules: Path | None) -> LocalKernel:
    found = read_image(image)
    release = found.release
    if modules is not None:
        if not modules.is_dir():
            raise KernelError(f"{modules}: no such directory; give the lib/modules/{release} that belongs to {image}")
        if modules.resolve().name != release and modules.name != release:
            raise KernelError(
                f"{image} is {release}, but {modules} is not its modules directory (it must be named {release})"
            )
    return LocalKernel(name, release, image, modules, arch=found.arch)


def _named(image: Path, modules: Path) -> str:
    """The spec of an image and its modules, for messages."""
    return str(ImageSpec(image, modules))


def _tree_files(tree: Path) -> list[tuple[Path, Path]]:
    order = tree / "modules.order"
    if not order.is_file():  # CONFIG_MODULES=n
        return []
    return [_module_of(tree, line) for line in order.read_text(encoding="utf-8").split()]


def _module_of(tree: Path, line: str) -> tuple[Path, Path]:
    """Where a modules.order line is installed, and where it was built.

    Kernels before 5.3 list ``kernel/PATH.ko``, later ones ``PATH.ko``, those since 6.4 ``PATH.o``.
    """
    path = _object(line)
    for built in (path, path.removeprefix("kernel/")):
        if (tree / built).is_file():
            return Path("kernel") / built, tree / built
    raise KernelError(f"{tree / path}: listed in modules.order but not built; run make modules")


def _object(line: str) -> str:
    return line.removesuffix(".o").removesuffix(".ko") + ".ko"
