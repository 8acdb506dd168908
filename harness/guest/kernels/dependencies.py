"""What packages need: the ``Depends`` fields of Debian's control files (Policy §7)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import frozen

from .versions import version_key

__all__ = ["Dependency", "Package", "dependencies"]

Package = Mapping[str, str]  #: a control paragraph, see deb822

_DEPENDENCY = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*)(?::\w+)?\s*(?:\((?P<relation>[<>=]+)\s*(?P<version>[^)]+?)\s*\))?"
)


@frozen
class Dependency:
    """One package that another one names."""

    name: str
    relation: str = ""  #: between its version and :attr:`version`: as dpkg writes it; "": any will do
    version: str = ""

    @property
    def exact(self) -> str | None:
        """The only version that will do; None when there is no such."""
        return self.version if self.relation == "=" else None

    def met_by(self, version: str) -> bool:
        """Whether a package of this version will do."""
        if not self.relation:
            return True
        has, wanted = version_key(version), version_key(self.version)
        match self.relation:
            case "=":
                return has == wanted
            case ">=" | ">":
                return has >= wanted
            case ">>":
                return has > wanted
            case "<=" | "<":
                return has <= wanted
            case _:
                return has < wanted


def dependencies(package: Package) -> list[list[Dependency]]:
    """``Pre-Depends`` and ``Depends``: all groups are needed, one alternative of each."""
    groups = []
    for field in ("pre-depends", "depends"):
        groups += [_alternatives(group) for group in package.get(field, "").split(",") if group.strip()]
    return groups


def _alternatives(group: str) -> list[Dependency]:
    matches = (_DEPENDENCY.fullmatch(alternative.strip()) for alternative in group.split("|"))
    return [Dependency(m["name"], m["relation"] or "", m["version"] or "") for m in matches if m]
