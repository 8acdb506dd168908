"""Kernels that are built here: which of them a spec means, and where one is built until it is done.

::

    CACHE/builds/debian_6.12.118-1+kasan/
        lock        held (flock) by the one process that builds
        source/     the distribution's source; there when it is whole
        objects/    make's output directory
        build.log   what make printed

A build that was stopped goes on from there; a finished one is an entry among the kernels, and its directory is gone.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from usbfuzz.errors import KernelError

from .archives import Distribution
from .cache import KernelStore
from .packages import matches
from .specs import BuiltSpec, parse_spec
from .storage import storage_errors
from .versions import version_key

__all__ = ["build_command", "build_directory", "building", "discard_build", "find_built", "not_built", "unfinished"]


def build_directory(cache: Path, name: str) -> Path:
    """Where the kernel of that canonical name is built, whether it is there or not."""
    return cache / "builds" / name.replace(":", "_", 1).replace("/", "_")


def build_command(spec: BuiltSpec) -> str:
    """The command that builds a kernel, for messages."""
    return f"usbfuzz kernel build {spec.base} --with {','.join(spec.features)}"


def unfinished(cache: Path) -> list[str]:
    """Names of the kernels whose building has begun and not ended, sorted."""
    return sorted(path.name.replace("_", ":", 1) for path in (cache / "builds").glob("*/"))


def find_built(spec: BuiltSpec, store: KernelStore) -> str | None:
    """Name of the newest kernel that was built with just these features and is what ``spec`` names.

    A suite means what it meant when its stock kernel was last asked for.
    """
    answer = store.answer(str(spec.base))
    fitting = [
        (kept.base.wanted, name)
        for kept, name, release in _kept(store, spec.base.distribution)
        if kept.features == spec.features and kept.arch is spec.arch
        if str(kept.base) == answer or matches(spec.base.wanted, kept.base.wanted, release)
    ]
    return max(fitting, key=lambda pair: version_key(pair[0]), default=(None, None))[1]


def not_built(spec: BuiltSpec, store: KernelStore) -> KernelError:
    """The error for a kernel that was not built yet: says how to build it, and what there is."""
    there = ", ".join(name for _, name, _ in _kept(store, spec.base.distribution))
    known = f" (built so far: {there})" if there else ""
    return KernelError(f"{spec}: not built here yet; build it, which takes hours: {build_command(spec)}{known}")


@contextmanager
def building(directory: Path) -> Iterator[None]:
    """Be the only one who works in a build's directory. Raises KernelError when another process does, StorageError."""
    with storage_errors(directory):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise KernelError(f"{directory}: another usbfuzz is building there; wait for it, or stop it") from error
        os.set_inheritable(descriptor, True)  # a make that outlives us for a moment holds the lock until it ends too
        yield
    finally:
        os.close(descriptor)


def discard_build(cache: Path, name: str) -> bool:
    """Delete what building left; False when there was nothing. Raises KernelError when it goes on right now."""
    directory = build_directory(cache, name)
    if not directory.is_dir():
        return False
    with building(directory):
        shutil.rmtree(directory, ignore_errors=True)
    return True


def _kept(store: KernelStore, distribution: Distribution) -> list[tuple[BuiltSpec, str, str]]:
    """(spec, name, release) of all kernels in the cache that were built from a distribution's source."""
    records = [record for record in store.records() if record.name.startswith(f"{distribution.name}:")]
    parsed = [(parse_spec(record.name), record) for record in records]
    return [(spec, record.name, record.release) for spec, record in parsed if isinstance(spec, BuiltSpec)]
