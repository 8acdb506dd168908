"""The package sources that are configured on this machine: where to look for a kernel's mirror.

Both formats of sources.list(5): one line per source (``sources.list``, ``*.list``) and deb822 (``*.sources``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from .deb822 import paragraphs

__all__ = ["Source", "parse_deb822", "parse_one_line", "read_sources"]

_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)")


@frozen
class Source:
    """One address and suite that carries binary packages."""

    uri: str  #: without a trailing slash
    suite: str
    components: tuple[str, ...]
    signed_by: tuple[str, ...] = ()  #: keyring paths or fingerprints; empty when not limited


def parse_one_line(text: str) -> Iterator[Source]:
    """The ``deb`` lines of a ``*.list`` file."""
    for line in text.splitlines():
        match = _ONE_LINE.fullmatch(line.partition("#")[0].strip())
        if match is None:
            continue
        options = dict(word.split("=", 1) for word in (match["options"] or "").split() if "=" in word)
        yield Source(
            uri=match["uri"].rstrip("/"),
            suite=match["suite"],
            components=tuple(match["components"].split()),
            signed_by=_signed_by(options.get("signed-by", "")),
        )


def parse_deb822(text: str) -> Iterator[Source]:
    """The enabled ``deb`` sources of a ``*.sources`` file, one for each pair of address and suite."""
    for fields in paragraphs(text):
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in _NO:
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(
                    uri=uri.rstrip("/"),
                    suite=suite,
                    components=tuple(fields.get("components", "").split()),
                    signed_by=_signed_by(fields.get("signed-by", "")),
                )


def read_sources(directory: Path) -> tuple[Source, ...]:
    """All sources below an ``/etc/apt`` directory; files that are missing or unreadable count as empty."""
    parts = directory / "sources.list.d"
    found = [*parse_one_line(_read(directory / "sources.list"))]
    for path in sorted(parts.glob("*.list")):
        found += parse_one_line(_read(path))
    for path in sorted(parts.glob("*.sources")):
        found += parse_deb822(_read(path))
    return tuple(found)


_NO = frozenset({"no", "false", "without", "off", "disable", "0"})  #: apt's StringToBool


def _signed_by(value: str) -> tuple[str, ...]:
    """The keyrings of a Signed-By field; none when the key itself stands in it."""
    return () if "BEGIN PGP" in value else tuple(value.replace(",", " ").split())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
