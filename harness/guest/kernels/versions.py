"""Debian package versions: their order, and their upstream part, which a kernel spec may name."""

from __future__ import annotations

import re

__all__ = ["upstream_of", "version_key"]

_RUNS = re.compile(r"(\D*)(\d*)")
_PartKey = tuple[tuple[tuple[int, ...], int], ...]
_END = 0  #: order of the end of a part: after "~", before everything else


def version_key(version: str) -> tuple[int, _PartKey, _PartKey]:
    """A sort key that orders versions as dpkg does. Debian Policy §5.6.12."""
    epoch, upstream, revision = _split(version)
    return epoch, _part_key(upstream), _part_key(revision)


def upstream_of(version: str) -> str:
    """The version without epoch and Debian revision: ``6.1.192-2`` gives ``6.1.192``."""
    return _split(version)[1]


def _split(version: str) -> tuple[int, str, str]:
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, dash, revision = rest.rpartition("-")
    return (int(epoch), upstream, revision) if dash else (int(epoch), rest, "0")


def _part_key(part: str) -> _PartKey:
    """Sort key of one part: alternating runs of non-digits (each closed by the end mark) and digits."""
    return tuple(((*map(_order, text), _END), int(number or "0")) for text, number in _RUNS.findall(part))


def _order(character: str) -> int:
    """Order of a character: ``~`` before the end of a part, letters before all other characters."""
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
