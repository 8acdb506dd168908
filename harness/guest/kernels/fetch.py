"""Stock kernels from a distribution's archive: find the package, download, verify, unpack, index."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attrs import evolve, frozen

from usbfuzz.arch import Arch
from usbfuzz.errors import KernelError

from .apt import AptRoot, SuiteError, SuiteMissingError
from .archives import AptFiles, Distribution, NoMirrorError, keyrings, mirrors
from .command import run
from .packages import Candidate, candidates, is_exact, matching, newest, stock
from .specs import ArchiveSpec
from .versions import version_key

__all__ = ["Archive", "Offer"]

_NAMED = 6  #: versions an error message lists


@frozen
class Offer:
    """A kernel found in a suite, not fetched yet."""

    spec: ArchiveSpec  #: that it was looked for by
    suite: str
    candidate: Candidate
    root: AptRoot

    @property
    def name(self) -> str:
        """Canonical name of the kernel."""
        return str(evolve(self.spec, wanted=self.candidate.version))


@frozen
class Archive:
    """The archives that this machine's package sources name; all state is kept below ``cache``."""

    cache: Path
    apt_files: AptFiles
    on_progress: Callable[[str], None]

    def find(self, spec: ArchiveSpec) -> Offer:
        """The newest kernel ``spec`` means. Asks the mirror. Raises KernelError, StorageError."""
        offer = self._newest_of_suite(spec) if spec.is_suite else self._newest_of_version(spec)
        if offer.candidate.missing:
            gone = ", ".join(offer.candidate.missing)
            raise KernelError(f"{spec}: {offer.suite} still lists {offer.name}, but its packages {gone} are gone")
        return offer

    def every(self, distribution: Distribution, arch: Arch) -> Iterator[Offer]:
        """Every stock kernel of every suite that can be had whole; a suite that cannot be read is said and left out."""
        for suite in distribution.suites:
            spec = ArchiveSpec(distribution, suite, arch)
            try:
                root, packages = self._packages(spec, suite)
            except SuiteMissingError:
                continue
            except KernelError as error:
                self.on_progress(f"without the kernels of {suite}: {error}")
                continue
            whole = (found for found in candidates(packages, distribution, arch) if not found.missing)
            yield from (Offer(spec, suite, candidate, root) for candidate in whole)

    def fetch(self, offer: Offer, workspace: Path) -> Path:
        """Download and unpack into ``workspace``; gives the finished directory (``vmlinuz``, ``lib/modules``).

        Raises KernelError, StorageError.
        """
        release = offer.candidate.release
        packages, unpacked, built = (workspace / name for name in ("packages", "unpacked", "built"))
        for directory in (packages, unpacked, built / "lib" / "modules"):
            directory.mkdir(parents=True)
        self.on_progress(f"downloading {offer.name} from {offer.suite}, {offer.candidate.size / 1e6:.0f} MB")
        self.unpack(offer.root.download(offer.candidate.packages, packages), unpacked)
        _arrange(unpacked, built, release, offer.name)
        return built

    def unpack(self, packages: Iterable[Path], into: Path) -> None:
        """Unpack downloaded packages into one directory, and delete them. Raises KernelError, StorageError."""
        packages = list(packages)
        self.on_progress(f"unpacking {packages[0].name if len(packages) == 1 else f'{len(packages)} packages'}")
        for deb in packages:
            run(["dpkg-deb", "-x", str(deb), str(into)], storage=self.cache, package="dpkg")
            deb.unlink()

    def _newest_of_suite(self, spec: ArchiveSpec) -> Offer:
        root, packages = self._packages(spec, spec.wanted)
        found = candidates(packages, spec.distribution, spec.arch)
        chosen = newest(stock(packages, spec.distribution.metapackage(spec.arch), found) or found)
        if chosen is None:
            raise KernelError(f"{spec}: the suite {spec.wanted} has no stock {spec.arch.debian} kernel")
        return Offer(spec, spec.wanted, chosen, root)

    def _newest_of_version(self, spec: ArchiveSpec) -> Offer:
        """Ask one suite after the other; a full version ends the search where it is found."""
        offers: list[Offer] = []
        seen: set[str] = set()
        failures: list[KernelError] = []
        for suite in _search_order(spec):
            try:
                root, packages = self._packages(spec, suite)
            except (SuiteError, NoMirrorError) as error:
                failures.append(error)
                continue
            found = candidates(packages, spec.distribution, spec.arch)
            seen |= {candidate.version for candidate in found}
            chosen = newest(matching(spec.wanted, found))
            if chosen is not None:
                offers.append(Offer(spec, suite, chosen, root))
                if is_exact(spec.wanted) and not chosen.missing:
                    break
        if not offers:
            raise _not_found(spec, seen, failures)
        return max(offers, key=lambda offer: (not offer.candidate.missing, version_key(offer.candidate.version)))

    def _packages(self, spec: ArchiveSpec, suite: str) -> tuple[AptRoot, list[dict[str, str]]]:
        """The ``linux-*`` packages of a suite."""
        root = self.open_suite(spec.distribution, suite, spec.arch)
        return root, root.packages("linux-")

    def open_suite(self, distribution: Distribution, suite: str, arch: Arch, beside: Sequence[str] = ()) -> AptRoot:
        """apt for ``suite``, and the suites ``beside`` it, of the first mirror that serves it.

        Raises KernelError, StorageError.
        """
        trusted = keyrings(distribution, self.apt_files)
        root = AptRoot(self.cache / "apt" / distribution.name / suite, arch.debian)
        failures: list[KernelError] = []
        for uri in mirrors(distribution, suite, self.apt_files):
            self.on_progress(f"asking {uri} for {' and '.join((suite, *beside))}")
            try:
                root.update(uri, suite, trusted, beside)
            except KernelError as error:
                failures.append(error)
                continue
            return root
        raise next((error for error in failures if not isinstance(error, SuiteMissingError)), failures[0])


def _arrange(unpacked: Path, built: Path, release: str, name: str) -> None:
    """Move image, configuration and modules to their places in a cache entry.

    Packages up to 6.x have the image in boot; those of 7.x put all files below usr/lib/modules.
    """
    trees = [
        path for path in (unpacked / "usr/lib/modules" / release, unpacked / "lib/modules" / release) if path.is_dir()
    ]
    if not trees:
        raise KernelError(f"{name}: its packages hold no modules of {release}")
    images = [path for path in (unpacked / f"boot/vmlinuz-{release}", trees[0] / "vmlinuz") if path.is_file()]
    if not images:
        raise KernelError(f"{name}: its packages hold no kernel image of {release}")
    images[0].rename(built / "vmlinuz")
    for config in (unpacked / f"boot/config-{release}", trees[0] / "config"):
        if config.is_file():
            config.rename(built / "config")
    trees[0].rename(built / "lib" / "modules" / release)


def _search_order(spec: ArchiveSpec) -> list[str]:
    """All suites, those of the codename a kernel series belongs to first."""
    series = ".".join(spec.wanted.split(".")[:2])
    home = spec.distribution.series.get(series, "")
    return sorted(spec.distribution.suites, key=lambda suite: not home or suite.partition("-")[0] != home)


def _not_found(spec: ArchiveSpec, seen: set[str], failures: list[KernelError]) -> KernelError:
    """The error for a version that no suite has: names versions near it, and the suites that could not be read."""
    notable = [error for error in failures if not isinstance(error, SuiteMissingError)]
    if not seen:
        return notable[0] if notable else failures[0]
    near = [version for version in seen if version.split(".")[0] == spec.wanted.split(".")[0]]
    shown = ", ".join(sorted(near or seen, key=version_key)[-_NAMED:])
    unasked = "".join(f"; {error}" for error in notable)
    return KernelError(f"{spec}: no mirror has it; there is {shown}{unasked}")
