"""Which stock kernels there are to choose from: in the cache, and in the archives of a distribution."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from usbfuzz.arch import DEFAULT, Arch

from .archives import DEBIAN, AptFiles, Distribution
from .cache import KernelStore
from .fetch import Archive
from .specs import ArchiveSpec, parse_spec
from .storage import storage_errors
from .versions import upstream_of, version_key

__all__ = ["by_version", "kept", "offered", "series_of"]

_APT_FILES = AptFiles()


def kept(cache: Path, distribution: Distribution = DEBIAN, arch: Arch = DEFAULT) -> list[str]:
    """The names of a distribution's own kernels in the cache, oldest version first."""
    specs = (parse_spec(record.name) for record in KernelStore(cache.absolute()).records())
    mine = (spec for spec in specs if isinstance(spec, ArchiveSpec))
    return by_version(str(spec) for spec in mine if spec.distribution is distribution and spec.arch is arch)


def offered(
    cache: Path,
    distribution: Distribution = DEBIAN,
    arch: Arch = DEFAULT,
    *,
    on_progress: Callable[[str], None] = lambda _: None,
    apt_files: AptFiles = _APT_FILES,
) -> list[str]:
    """The names of the kernels that a distribution's archives offer or the cache has, oldest version first.

    Of a version that was built for several releases (``6.1.176-1``, ``6.1.176-1~deb11u1``) one is taken: what is in the
    cache, else the original. Archives that cannot be read are said and left out. Raises StorageError.
    """
    here = kept(cache, distribution, arch)
    store = KernelStore(cache.absolute())
    with storage_errors(store.directory):
        found = Archive(store.cache, apt_files, on_progress).every(distribution, arch)
        names = [offer.name for offer in found]
    chosen: dict[str, str] = {}
    for name in sorted([*here, *names], key=lambda name: (name not in here, "~" in name)):
        chosen.setdefault(name.partition("~")[0], name)
    return by_version({*chosen.values(), *here})


def by_version(names: Iterable[str]) -> list[str]:
    """Names of stock kernels (``debian:6.1.192-2``), oldest version first."""
    return sorted(names, key=lambda name: version_key(_version(name)))


def series_of(name: str) -> str:
    """The series of a stock kernel: ``6.1`` of ``debian:6.1.192-2``."""
    return ".".join(upstream_of(_version(name)).split(".")[:2])


def _version(name: str) -> str:
    spec = parse_spec(name)
    assert isinstance(spec, ArchiveSpec)
    return spec.wanted
