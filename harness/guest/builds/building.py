"""Build a kernel: from a spec and names of features to an entry among the kernels; goes on where it was stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve, frozen

from harness.guest.kernels import Kernel, resolve
from harness.guest.kernels.archives import DEBIAN, AptFiles
from harness.guest.kernels.built import build_directory, building, discard_build
from harness.guest.kernels.cache import KernelStore
from harness.guest.kernels.features import FEATURES, parse_features
from harness.guest.kernels.fetch import Archive
from harness.guest.kernels.local import build_local, locate
from harness.guest.kernels.resolving import complete
from harness.guest.kernels.specs import ArchiveSpec, BuiltSpec, TreeSpec, parse_spec
from harness.guest.kernels.storage import storage_errors
from usbfuzz.errors import KernelError

from . import config, makefiles
from .configuring import configure, image_modules, left_out
from .making import Tree
from .needs import check_needs, check_place
from .source import unpacked_source

__all__ = ["Built", "build_kernel"]

_APT_FILES = AptFiles()
_Progress = Callable[[str], None]


@frozen
class Built:
    """A kernel that was built, and what it lacks."""

    kernel: Kernel
    left_out: tuple[str, ...]  #: modules that the stock kernel's image has and its own has not


def build_kernel(
    spec: str,
    words: Sequence[str],
    cache: Path,
    *,
    jobs: int,
    on_progress: _Progress = lambda _: None,
    apt_files: AptFiles = _APT_FILES,
) -> Built:
    """Build the kernel ``spec`` means with the features ``words``, unless it was built already.

    Raises KernelError (no such kernel, feature or source, or it does not compile), InfraError (a tool is missing) and
    StorageError. After any of them, and after Ctrl-C, the next call goes on.
    """
    asked, features = _asked(spec, words)
    check_needs(asked.arch)
    stock = resolve(spec, cache, on_progress=on_progress, apt_files=apt_files)
    exact = parse_spec(stock.name)
    assert isinstance(exact, ArchiveSpec)
    name = str(BuiltSpec(exact, features))
    store = KernelStore(cache.absolute())
    if kernel := store.load(name):
        return Built(kernel, _lacking(stock, kernel))
    directory = build_directory(store.cache, name)
    check_place(directory, begun=(directory / "objects").is_dir())
    with building(directory), storage_errors(directory):
        tree = Tree(directory, asked.arch, jobs)
        with store.writing(lambda: on_progress("waiting for another usbfuzz that is fetching a kernel")):
            unpacked_source(Archive(store.cache, apt_files, on_progress), stock, exact, directory)
        _make(tree, stock, features, on_progress)
        kernel = _keep(tree, name, store, on_progress)
    discard_build(store.cache, name)
    return Built(kernel, _lacking(stock, kernel))


def _asked(spec: str, words: Sequence[str]) -> tuple[ArchiveSpec, tuple[str, ...]]:
    asked, features = parse_spec(spec), parse_features(words)
    if not isinstance(asked, ArchiveSpec) or asked.distribution is not DEBIAN:
        raise KernelError(f"{spec}: only Debian's kernels are built here, such as debian:6.12; build a tree of yours")
    if not features:
        raise KernelError(f"{spec}: a kernel without features is the stock one; name some: --with {','.join(FEATURES)}")
    return asked, features


def _make(tree: Tree, stock: Kernel, features: Sequence[str], on_progress: _Progress) -> None:
    on_progress(f"configuring {stock.name} with {', '.join(features)}")
    configure(tree, stock, features)
    if missing := left_out(tree, stock):
        on_progress(f"of the modules that guests have, this kernel leaves out {', '.join(missing)}")
    options = config.values(tree.config.read_text(encoding="utf-8"))
    on_progress(f"compiling in {tree.directory}; it may be stopped at any time, and goes on with the same command")
    tree.build(makefiles.objects_to_make(tree.source, tree.srcarch, options), on_progress)


def _keep(tree: Tree, name: str, store: KernelStore, on_progress: _Progress) -> Kernel:
    """Put the kernel that was built among those that are kept."""
    local = evolve(locate(TreeSpec(tree.objects)), name=name)
    waiting = "waiting for another usbfuzz that is fetching a kernel"
    with store.writing(lambda: on_progress(waiting)), store.workspace() as workspace:
        built = build_local(local, workspace, copied=True)
        shutil.copyfile(tree.config, built / "config")
        return complete(store, name, local.release, built, on_progress)


def _lacking(stock: Kernel, kernel: Kernel) -> tuple[str, ...]:
    return tuple(sorted(set(image_modules(stock)) - set(image_modules(kernel))))
