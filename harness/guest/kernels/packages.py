"""Stock kernels among the packages of a suite: which there are, what a version means, which packages belong to one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from attrs import frozen

from usbfuzz.arch import Arch

from .archives import Distribution
from .dependencies import Package, dependencies
from .versions import upstream_of, version_key

__all__ = ["Candidate", "candidates", "is_exact", "matches", "matching", "newest", "stock"]

_PART = re.compile(r"linux-(base|binary|modules|modules-extra|image)-(?P<release>\d.*?)(-unsigned)?")


@frozen
class Candidate:
    """A stock kernel an archive offers."""

    release: str  #: kernel release, ``6.1.0-56-FLAVOUR``
    version: str  #: package version, ``6.1.192-2``
    packages: tuple[tuple[str, str], ...]  #: (name, version) of all packages that it consists of
    missing: tuple[str, ...] = ()  #: those of them that the suite no longer has
    size: int = 0  #: bytes to download


def candidates(packages: Iterable[Package], distribution: Distribution, arch: Arch) -> list[Candidate]:
    """The stock kernels (no rt, no cloud, no debug symbols) among the ``linux-*`` packages of a suite."""
    index: dict[str, dict[str, Package]] = {}
    for package in packages:
        index.setdefault(package["package"], {})[package["version"]] = package
    flavour = re.escape(distribution.flavour_on(arch))
    names = re.compile(rf"linux-image-(?P<release>\d[\w.+~]*(?:-[\d.\w+~]*\d)?-{flavour})")
    found = []
    for name, versions in index.items():
        match = names.fullmatch(name)
        if match is None:
            continue
        for version, package in versions.items():
            if not _is_metapackage(package):
                found.append(_candidate(match["release"], version, package, index))
    return found


def stock(packages: Iterable[Package], metapackage: str, found: Iterable[Candidate]) -> list[Candidate]:
    """The candidates that the distribution's kernel metapackage (``linux-image-FLAVOUR``) depends on.

    A suite can offer newer series beside its own, as bookworm-security does with 6.12.
    """
    wanted = {
        name
        for package in packages
        if package["package"] == metapackage
        for alternatives in dependencies(package)
        for name in (alternative.name for alternative in alternatives)
    }
    return [candidate for candidate in found if f"linux-image-{candidate.release}" in wanted]


def matching(version: str, found: Iterable[Candidate]) -> list[Candidate]:
    """The candidates a version in a spec means, see :func:`matches`."""
    return [candidate for candidate in found if matches(version, candidate.version, candidate.release)]


def is_exact(version: str) -> bool:
    """Whether a version names one kernel (``5.10.223``, ``5.10.223-1``, ``5.10.0-32``), not a series (``6.1``)."""
    return version.count(".") >= 2 or "-" in version


def newest(found: Iterable[Candidate]) -> Candidate | None:
    """The candidate with the highest package version; one with missing packages only when all have some."""
    return max(found, key=lambda candidate: (not candidate.missing, version_key(candidate.version)), default=None)


def matches(wanted: str, version: str, release: str) -> bool:
    """Whether ``wanted`` is the package version, the release or ABI name, or the upstream version.

    An upstream version may be cut at a dot: ``6.1`` means every 6.1.x.
    """
    if wanted in {version, release, release.rpartition("-")[0]}:
        return True
    upstream = upstream_of(version)
    return upstream == wanted or upstream.startswith((f"{wanted}.", f"{wanted}~"))


def _is_metapackage(package: Package) -> bool:
    """Whether a package only points to another kernel's image, such as ``linux-image-6.1-FLAVOUR``."""
    return any(
        name.startswith("linux-image-") and name != f"{package['package']}-unsigned"
        for alternatives in dependencies(package)
        for name in (alternative.name for alternative in alternatives)
    )


def _candidate(release: str, version: str, image: Package, index: Mapping[str, Mapping[str, Package]]) -> Candidate:
    """The kernel of an image package, with the packages it depends on that carry parts of it.

    Those are an unsigned image, and the split packages of 7.x. Ubuntu keeps many USB drivers in a package that no image
    depends on (linux-modules-extra): it is taken as well.
    """
    chosen: dict[str, Package] = {image["package"]: image}
    missing: list[str] = []
    queue: list[Package] = [image]
    while queue:
        for alternatives in dependencies(queue.pop()):
            parts = [(part.name, part.exact) for part in alternatives if _is_part(part.name, release)]
            if not parts or any(name in chosen for name, _ in parts):
                continue
            available = [(name, found) for name, exact in parts if (found := _pick(index.get(name, {}), exact))]
            if available:
                name, chosen[name] = available[0]
                queue.append(chosen[name])
            else:
                missing.append(parts[0][0])
    extra = _pick(index.get(f"linux-modules-extra-{release}", {}), version)
    if extra:
        chosen[extra["package"]] = extra
    return Candidate(
        release=release,
        version=version,
        packages=tuple((name, package["version"]) for name, package in chosen.items()),
        missing=tuple(missing),
        size=sum(int(package.get("size", "0")) for package in chosen.values()),
    )


def _is_part(name: str, release: str) -> bool:
    match = _PART.fullmatch(name)
    return match is not None and match["release"] == release


def _pick(versions: Mapping[str, Package], exact: str | None) -> Package | None:
    if exact is not None:
        return versions.get(exact)
    return versions[max(versions, key=version_key)] if versions else None
