"""The machine's apt-get and apt-cache, with all their state in usbfuzz's cache.

apt itself downloads and verifies (InRelease signature against the given keyrings, then the hash of every index and
package). Nothing of the machine's own apt is read but its configuration (proxies, credentials), and nothing is changed
or installed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import KernelError, StorageError

from .command import CommandError, run
from .deb822 import paragraphs
from .storage import storage_errors

__all__ = ["AptRoot", "SuiteError", "SuiteMissingError"]

#: Read after the machine's configuration. Its update hooks must not run here; its pins would hide versions.
#: The archive moves suites on (stable becomes oldstable), which apt would stop at; sandboxing as _apt is impossible
#: in a directory only we can enter.
_CONFIGURATION = """\
#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear APT::Architectures;
#clear APT::Default-Release;
APT::Architecture "{arch}";
APT::Architectures {{ "{arch}"; }};
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::AllowReleaseInfoChange "true";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Dir::State "{root}/state";
Dir::State::status "{root}/status";
Dir::Cache "{root}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "{root}/suite.sources";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""

#: A suite past its life is no longer re-signed: its Valid-Until passes. Old kernels are wanted here, so that is
#: no reason to refuse; a wrong signature still is.
_SUITE = """\
Types: deb
URIs: {uri}
Suites: {suites}
Components: main
Architectures: {arch}
Targets: Packages
Signed-By: {keyrings}
Check-Valid-Until: no
"""


class SuiteError(KernelError):
    """The mirror answers, but this suite of it cannot be used or trusted."""


class SuiteMissingError(SuiteError):
    """The mirror answers, and has no such suite."""


@frozen
class AptRoot:
    """apt for a suite of one mirror, with all its state below ``root``."""

    root: Path
    arch: str  #: whose packages, as dpkg calls it

    def update(self, uri: str, suite: str, keyrings: Sequence[Path], beside: Sequence[str] = ()) -> None:
        """Fetch and verify the package lists of ``suite``, and of the suites ``beside`` it.

        Raises SuiteMissingError, SuiteError (signature), KernelError (network), StorageError.
        """
        if '"' in str(self.root) or "\n" in str(self.root):
            raise StorageError(f"{self.root}: apt cannot work in a directory with a quote in its name; move the cache")
        self._prepare(uri, (suite, *beside), keyrings)
        try:
            self._run("apt-get", "update")
        except CommandError as error:
            if "does not have a Release file" in error.output:
                message = f"{uri} has no suite {suite}; it may have left the mirrors, or never existed"
                raise SuiteMissingError(message) from error
            if distrust := _distrust(error):
                raise SuiteError(f"{suite} from {uri}: {distrust}") from error
            raise KernelError(f"{suite} from {uri}: {error}") from error

    def packages(self, prefix: str) -> list[dict[str, str]]:
        """The control paragraphs (deb822) of all packages whose name starts with ``prefix``. Raises CommandError."""
        found = self._shown(self._run("apt-cache", "pkgnames", prefix).split())
        (self.root / "cache" / "pkgcache.bin").unlink(missing_ok=True)  # 50 MB a suite, remade in a second
        return found

    def named(self, names: Iterable[str]) -> list[dict[str, str]]:
        """The control paragraphs of the packages called ``names``, as far as there are any. Raises CommandError."""
        return self._shown(set(names).intersection(self._run("apt-cache", "pkgnames").split()))

    def download(self, packages: Iterable[tuple[str, str]], into: Path) -> list[Path]:
        """Download packages, given as (name, version), and verify their hashes. Raises CommandError, StorageError."""
        self._run("apt-get", "download", *(f"{name}={version}" for name, version in packages), cwd=into)
        return sorted(into.glob("*.deb"))

    def _shown(self, names: Collection[str]) -> list[dict[str, str]]:
        return list(paragraphs(self._run("apt-cache", "show", *sorted(names)))) if names else []

    def _prepare(self, uri: str, suites: Sequence[str], keyrings: Sequence[Path]) -> None:
        with storage_errors(self.root):
            for directory in ("state/lists/partial", "cache/archives/partial"):
                (self.root / directory).mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.root / "status").touch()
            (self.root / "apt.conf").write_text(_CONFIGURATION.format(root=self.root, arch=self.arch), encoding="utf-8")
            signers = " ".join(map(str, keyrings))
            sources = _SUITE.format(uri=uri, suites=" ".join(suites), arch=self.arch, keyrings=signers)
            (self.root / "suite.sources").write_text(sources, encoding="utf-8")

    def _run(self, tool: str, *arguments: str, cwd: Path | None = None) -> str:
        argv = [tool, "--config-file", str(self.root / "apt.conf"), "-q", *arguments]
        return run(argv, storage=self.root, cwd=cwd, package="apt")


def _distrust(error: CommandError) -> str | None:
    if "NO_PUBKEY" in error.output or "Missing key" in error.output:
        return "signed with a key this machine does not trust; upgrade the archive keyring package or check the mirror"
    if "is not signed" in error.output or "BADSIG" in error.output or "invalid" in error.output:
        return f"its signature does not verify, so nothing of it is used ({error})"
    return None
