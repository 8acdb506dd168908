"""From a kernel spec to a kernel on disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from attrs import evolve

from usbfuzz.arch import Arch
from usbfuzz.errors import KernelError

from .archives import AptFiles
from .built import discard_build, find_built, not_built
from .cache import KernelStore
from .extras import EXTRAS, extra_directory
from .fetch import Archive
from .local import LocalKernel, build_local, depmod, locate
from .model import Kernel, read_image, sha256_of, short_digest
from .modules import ModuleIndex
from .packages import is_exact, matches
from .specs import ArchiveSpec, BuiltSpec, Spec, parse_spec
from .storage import storage_errors
from .versions import version_key

__all__ = ["arch_of", "complete", "installed", "known_name", "remove", "resolve"]

_Progress = Callable[[str], None]


def _silent(_: str) -> None:
    """Drop a progress message."""


_APT_FILES = AptFiles()


def resolve(
    spec: str,
    cache: Path,
    *,
    refresh: bool = False,
    on_progress: _Progress = _silent,
    apt_files: AptFiles = _APT_FILES,
) -> Kernel:
    """The kernel ``spec`` means, fetched into ``cache`` when it is not there; the forms are in :data:`specs.FORMS`.

    No network is used for a kernel that is in the cache by its version or ABI name, nor for a suite or series asked
    before; ``refresh`` asks the mirror again. Processes may resolve the same kernel at the same time.

    Raises KernelError (unknown, not found, not verified, unusable) and StorageError (cache full or not writable).
    """
    parsed = parse_spec(spec)
    store = KernelStore(cache.absolute())
    if isinstance(parsed, ArchiveSpec):
        with storage_errors(store.directory):
            return _resolve_archive(parsed, store, Archive(store.cache, apt_files, on_progress), refresh)
    if isinstance(parsed, BuiltSpec):
        name = find_built(parsed, store)
        if name is None or (kernel := store.load(name)) is None:
            raise not_built(parsed, store)
        return kernel
    return _resolve_local(parsed, store, on_progress)


def arch_of(spec: str) -> Arch:
    """The architecture of the kernel ``spec`` means; nothing is fetched. Raises KernelError."""
    parsed = parse_spec(spec)
    return parsed.arch if isinstance(parsed, ArchiveSpec | BuiltSpec) else locate(parsed).arch


def installed(cache: Path) -> list[Kernel]:
    """The intact kernels in ``cache``, by name."""
    store = KernelStore(cache.absolute())
    return [kernel for record in store.records() if (kernel := store.load(record.name))]


def remove(spec: str, cache: Path) -> None:
    """Delete a kernel, its debug information and its source, or a build that was stopped. Never a user's own files.

    Raises KernelError when it is not there.
    """
    parsed = parse_spec(spec)
    store = KernelStore(cache.absolute())
    name = _kept_name(parsed, store) or str(parsed)
    if not store.directory.is_dir():
        raise KernelError(f"{spec}: not in {store.directory}")
    with store.writing():
        discarded = discard_build(store.cache, name) if isinstance(parsed, BuiltSpec) else False
        if not store.drop(name) and not discarded:
            raise KernelError(f"{spec}: not in {store.directory}")
        for kind in EXTRAS:
            shutil.rmtree(extra_directory(kind, store.cache, name), ignore_errors=True)


def _resolve_archive(spec: ArchiveSpec, store: KernelStore, archive: Archive, refresh: bool) -> Kernel:
    if not refresh and (kernel := _cached(spec, store)):
        return kernel
    with store.writing(lambda: archive.on_progress("waiting for another usbfuzz that is fetching a kernel")):
        if not refresh and (kernel := _cached(spec, store)):
            return kernel
        offer = archive.find(spec)
        kernel = store.load(offer.name)
        if kernel is None:
            if store.holds(offer.name):
                archive.on_progress(f"{offer.name} is damaged in the cache; fetching it again")
            with store.workspace() as workspace:
                built = archive.fetch(offer, workspace)
                kernel = complete(store, offer.name, offer.candidate.release, built, archive.on_progress)
        store.remember(str(spec), kernel.name)
        return kernel


def _resolve_local(spec: Spec, store: KernelStore, on_progress: _Progress) -> Kernel:
    local = locate(spec)
    try:
        stamp = local.stamp()
        if local.is_indexed and local.modules is not None:
            digest = short_digest(sha256_of(local.vmlinuz))
            return Kernel(local.name, local.release, local.vmlinuz, local.modules, digest, local.arch)
    except OSError as error:
        raise KernelError(f"{spec}: {error.filename}: {error.strerror}") from error
    if kernel := _prepared(local, stamp, store):
        return kernel
    with (
        store.writing(lambda: on_progress("waiting for another usbfuzz that is preparing a kernel")),
        storage_errors(store.directory),
        store.workspace() as workspace,
    ):
        if kernel := _prepared(local, stamp, store):
            return kernel
        return complete(store, local.name, local.release, build_local(local, workspace), on_progress, stamp)


def _prepared(local: LocalKernel, stamp: str, store: KernelStore) -> Kernel | None:
    """The entry of a local kernel, unless its files changed since."""
    current = any(record.name == local.name and record.stamp == stamp for record in store.records())
    return store.load(local.name) if current else None


def complete(
    store: KernelStore, name: str, release: str, built: Path, on_progress: _Progress, stamp: str = ""
) -> Kernel:
    """Index the modules in ``built``, check that all is there and belongs together, and add the entry to the cache."""
    image = read_image(built / "vmlinuz")
    if image.release != release:
        raise KernelError(f"{name}: its image says it is {image.release}, not {release}")
    on_progress(f"indexing the modules of {name}")
    depmod(built, release, store.cache)
    ModuleIndex.read(built / "lib" / "modules" / release)
    return store.add(name, release, built, stamp)


def _kept_name(spec: Spec, store: KernelStore) -> str | None:
    """Name of the entry that ``spec`` means, as far as that can be known without asking a mirror."""
    match spec:
        case ArchiveSpec():
            return known_name(spec, store)
        case BuiltSpec():
            return find_built(spec, store)
    return str(spec)


def _cached(spec: ArchiveSpec, store: KernelStore) -> Kernel | None:
    name = known_name(spec, store)
    return store.load(name) if name else None


def known_name(spec: ArchiveSpec, store: KernelStore) -> str | None:
    """Name of the entry that ``spec`` means, without asking a mirror; None when that cannot be known.

    It is what the spec meant last time, or the newest entry that fits a full version.
    """
    answer = store.answer(str(spec))
    if answer or spec.is_suite or not is_exact(spec.wanted):
        return answer
    prefix = f"{spec.distribution.name}:"
    kept = [(parse_spec(record.name), record.release) for record in store.records() if record.name.startswith(prefix)]
    versions = [
        named.wanted
        for named, release in kept
        if isinstance(named, ArchiveSpec) and named.arch is spec.arch and matches(spec.wanted, named.wanted, release)
    ]
    newest = max(versions, key=version_key, default=None)
    return str(evolve(spec, wanted=newest)) if newest else None
