"""A name for the kernels that a machine keeps from one run to the next: what a CI calls its copy of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from .archives import AptFiles
from .built import find_built, not_built
from .cache import KernelStore
from .fetch import Archive
from .packages import is_exact
from .resolving import known_name
from .specs import ArchiveSpec, BuiltSpec, Spec, parse_spec
from .storage import storage_errors

__all__ = ["kernels_key"]

#: Changes when an entry of the same kernel is kept differently.
_VERSION = 1
_APT_FILES = AptFiles()


def kernels_key(
    specs: Iterable[str],
    cache: Path,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    apt_files: AptFiles = _APT_FILES,
) -> str:
    """``kernels-`` and 16 hex digits that change when one of ``specs`` means another kernel, and only then.

    A version means the same for ever; what a series or a suite means is asked where the cache does not say: of the
    mirror. Kernels of this machine are used where they are: nothing of them is kept, and they do not count. Raises
    KernelError, StorageError.
    """
    store = KernelStore(cache.absolute())
    archive = Archive(store.cache, apt_files, on_progress)
    names = {name for spec in specs if (name := _name(parse_spec(spec), store, archive))}
    digest = hashlib.sha256("\n".join((str(_VERSION), *sorted(names))).encode())
    return f"kernels-{digest.hexdigest()[:16]}"


def _name(spec: Spec, store: KernelStore, archive: Archive) -> str | None:
    """What a spec means: a canonical name, or a version as it is written; None for a kernel of this machine."""
    match spec:
        case ArchiveSpec() if not spec.is_suite and is_exact(spec.wanted):
            return str(spec)
        case ArchiveSpec():
            return known_name(spec, store) or _asked(spec, store, archive)
        case BuiltSpec():
            if (name := find_built(spec, store)) is None:
                raise not_built(spec, store)
            return name
    return None


def _asked(spec: ArchiveSpec, store: KernelStore, archive: Archive) -> str:
    with (
        storage_errors(store.directory),
        store.writing(lambda: archive.on_progress("waiting for another usbfuzz that is fetching a kernel")),
    ):
        return archive.find(spec).name
