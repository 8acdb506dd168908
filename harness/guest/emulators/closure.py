"""Which packages a QEMU of another suite needs that this machine lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.apt import AptRoot
from harness.guest.kernels.deb822 import paragraphs
from harness.guest.kernels.dependencies import Dependency, Package, dependencies
from harness.guest.kernels.versions import version_key
from usbfuzz.errors import EmulatorError

__all__ = ["Installed", "closure"]


@frozen
class Installed:
    """The packages that are installed on this machine."""

    #: By name. Names that are only provided do not count: the 64-bit time transition's libaio1t64 provides libaio1,
    #: but has no libaio.so.1.
    versions: Mapping[str, Sequence[str]]

    @classmethod
    def read(cls, status: Path) -> Installed:
        """Read dpkg's status file; one that is missing or unreadable counts as empty."""
        try:
            text = status.read_text(encoding="utf-8", errors="replace")
        except OSError:
            text = ""
        versions: dict[str, list[str]] = {}
        for package in paragraphs(text):
            if package.get("status", "").split()[-1:] == ["installed"]:
                versions.setdefault(package["package"], []).append(package["version"])
        return cls(versions)

    def meets(self, alternatives: Iterable[Dependency]) -> bool:
        """Whether one of the alternatives is installed."""
        return any(wanted.met_by(version) for wanted in alternatives for version in self.versions.get(wanted.name, ()))


def closure(root: AptRoot, wanted: Iterable[Package], installed: Installed) -> list[Package]:
    """``wanted``, and what they need and this machine lacks.

    What was built from the same source as one of them is taken even when the machine has it: a QEMU fits its own
    modules only. Raises EmulatorError when a package is nowhere, CommandError.
    """
    chosen = {package["package"]: package for package in wanted}
    sources = {_source(package) for package in chosen.values()}
    queue = list(chosen.values())
    while queue:
        groups = [(package["package"], group) for package in queue for group in dependencies(package)]
        offered = root.named(alternative.name for _, group in groups for alternative in group)
        queue = []
        for needing, group in groups:
            if any(alternative.name in chosen for alternative in group):
                continue
            best = _best(group, offered)
            if installed.meets(group) and (best is None or _source(best) not in sources):
                continue
            if best is None:
                names = " or ".join(alternative.name for alternative in group)
                raise EmulatorError(f"{needing} needs {names}, which neither this machine nor the suite has")
            chosen[best["package"]] = best
            queue.append(best)
    return list(chosen.values())


def _best(alternatives: Iterable[Dependency], offered: Iterable[Package]) -> Package | None:
    """The newest package of the first alternative that there is."""
    for wanted in alternatives:
        fitting = [package for package in offered if package["package"] == wanted.name]
        fitting = [package for package in fitting if wanted.met_by(package["version"])]
        if fitting:
            return max(fitting, key=lambda package: version_key(package["version"]))
    return None


def _source(package: Package) -> str:
    """Name of the source package: ``Source`` is left out where it is the package's own."""
    return package.get("source", package["package"]).split()[0]
