"""Distributions whose kernels come as packages: what their suites, keyrings and kernel packages are called."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import field, frozen

from usbfuzz.arch import Arch
from usbfuzz.errors import KernelError

from .sources import Source, read_sources

__all__ = ["DEBIAN", "DISTRIBUTIONS", "UBUNTU", "AptFiles", "Distribution", "NoMirrorError", "keyrings", "mirrors"]


class NoMirrorError(KernelError):
    """This machine's package sources name no mirror of the archive."""


@frozen
class AptFiles:
    """Where this machine keeps its package sources, archive keys and list of packages."""

    etc_apt: Path = Path("/etc/apt")
    keyrings: Path = Path("/usr/share/keyrings")
    dpkg_status: Path = Path("/var/lib/dpkg/status")  #: what is installed
    templates: Path = Path("/usr/share/python-apt/templates")  #: of package python-apt-common: archives by name


@frozen
class Distribution:
    """A package archive with stock kernels. To add one, add a record to :data:`DISTRIBUTIONS`; its specs follow."""

    name: str  #: the prefix of its specs
    codenames: tuple[str, ...]  #: oldest first; others work when named
    pockets: tuple[str, ...]  #: suffixes that make more suites of a codename
    keyring_glob: str  #: file names of its archive keys
    keyring_package: str  #: the package that installs them
    flavour: str = ""  #: last part of a stock kernel's release; "": the architecture's, see :attr:`Arch.flavour`
    series: dict[str, str] = field(factory=dict)  #: codename to look in first for a kernel series
    aliases: frozenset[str] = frozenset()  #: names by which its sources may call a codename
    separate_security: bool = False  #: its security suites are in an archive of their own

    @property
    def suites(self) -> tuple[str, ...]:
        """Every suite that is searched for a version."""
        return tuple(name + pocket for name in self.codenames for pocket in self.pockets if name != "sid" or not pocket)

    def flavour_on(self, arch: Arch) -> str:
        """Last part of the release of a stock kernel for an architecture."""
        return self.flavour or arch.flavour

    def metapackage(self, arch: Arch) -> str:
        """The package that depends on the newest stock kernel of a suite."""
        return f"linux-image-{self.flavour_on(arch)}"


DEBIAN = Distribution(
    name="debian",
    codenames=("bullseye", "bookworm", "trixie", "forky", "sid"),
    pockets=("", "-security", "-backports"),
    keyring_glob="debian-archive-*",
    keyring_package="debian-archive-keyring",
    series={"5.10": "bullseye", "6.1": "bookworm", "6.12": "trixie"},
    aliases=frozenset({"oldoldstable", "oldstable", "stable", "testing", "unstable"}),
    separate_security=True,
)
UBUNTU = Distribution(
    name="ubuntu",
    codenames=("focal", "jammy", "noble"),
    pockets=("", "-updates", "-security"),
    keyring_glob="ubuntu-archive-*",
    keyring_package="ubuntu-keyring",
    flavour="generic",
    series={"5.4": "focal", "5.15": "jammy", "6.8": "noble"},
)
#: All archives kernels can come from, by the prefix of their specs.
DISTRIBUTIONS = {distribution.name: distribution for distribution in (DEBIAN, UBUNTU)}


def keyrings(distribution: Distribution, apt_files: AptFiles) -> list[Path]:
    """The archive keyrings of a distribution, without retired keys. Raises KernelError when there is none."""
    found = [
        path
        for path in sorted(apt_files.keyrings.glob(distribution.keyring_glob))
        if path.suffix in {".gpg", ".pgp"} and "removed" not in path.name
    ]
    if not found:
        raise KernelError(
            f"{apt_files.keyrings}: no {distribution.name} archive keys to verify packages with; "
            f"install the package {distribution.keyring_package}"
        )
    return found


def mirrors(distribution: Distribution, suite: str, apt_files: AptFiles) -> list[str]:
    """Addresses that may serve ``suite``, likeliest first, from the machine's own package sources.

    A mirror serves all suites of its archive, enabled on the machine or not. Debian's security suites live in an
    archive of their own. A machine with no entry for the distribution at all, as an Ubuntu that is asked for Debian's
    kernels, uses the distribution's default mirror. Raises NoMirrorError when that is not known either.
    """
    own = [source for source in read_sources(apt_files.etc_apt) if _belongs(source, distribution)]
    separate = distribution.separate_security
    wanted = [source for source in own if not separate or _is_security(source.suite) == _is_security(suite)]
    addresses = [source.uri for source in sorted(wanted, key=lambda source: _rank(source, suite, distribution))]
    if not addresses and separate and _is_security(suite):
        addresses = [f"{source.uri}-security" for source in own if source.uri.endswith("/debian")]
    if not own and (usual := _usual_mirror(distribution, apt_files)):
        addresses = [f"{usual}-security" if separate and _is_security(suite) else usual]
    if not addresses:
        example = distribution.codenames[1] + ("-security" if separate and _is_security(suite) else "")
        raise NoMirrorError(
            f"{apt_files.etc_apt}: no {distribution.name} mirror for {suite} among this machine's package sources; "
            f"install the package python-apt-common, which knows the usual one, or add one, "
            f"for instance in sources.list.d/{distribution.name}.list: deb MIRROR {example} main"
        )
    return list(dict.fromkeys(addresses))


def _usual_mirror(distribution: Distribution, apt_files: AptFiles) -> str | None:
    """The default mirror of a distribution, as python-apt-common has it; None when it is not installed."""
    try:
        text = (apt_files.templates / f"{distribution.name.capitalize()}.info").read_text(encoding="utf-8")
    except OSError:
        return None
    address = re.search(r"^BaseURI: *(\S+?)/?$", text, re.MULTILINE)
    return address[1] if address else None


def _belongs(source: Source, distribution: Distribution) -> bool:
    """Whether an entry is one of the distribution's own: it has its codename, ``main``, and no foreign keyring."""
    codename = source.suite.partition("-")[0].partition("/")[0]
    known = codename in distribution.codenames or codename in distribution.aliases
    foreign = any(name.startswith("/") and not Path(name).match(distribution.keyring_glob) for name in source.signed_by)
    return known and "main" in source.components and not foreign and not source.uri.startswith("cdrom:")


def _rank(source: Source, suite: str, distribution: Distribution) -> tuple[bool, bool, bool]:
    """A sort key: the entry of this suite, then one tied to the archive's keyring, then one with the usual path."""
    return (source.suite != suite, not source.signed_by, f"/{distribution.name}" not in source.uri)


def _is_security(suite: str) -> bool:
    return suite.endswith(("-security", "/updates"))
