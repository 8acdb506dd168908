"""A kernel's configuration as text: the options that are set, changing some, and what came of the changes."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["changed", "not_taken", "values"]

_SET = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)
_LINE = re.compile(r"^(?:# )?CONFIG_(\w+)(?:=.*| is not set)\n?", re.MULTILINE)


def values(config: str) -> dict[str, str]:
    """Option without ``CONFIG_`` -> value (``y``, ``m``, ``0x100``, ``"text"``) of those that are set."""
    return dict(_SET.findall(config))


def changed(config: str, changes: Mapping[str, str]) -> str:
    """The configuration with these options set, ``n`` being not set. What depends on them is up to Kconfig."""
    rest = _LINE.sub(lambda line: "" if line[1] in changes else line[0], config)
    lines = (
        f"# CONFIG_{name} is not set\n" if value == "n" else f"CONFIG_{name}={value}\n"
        for name, value in changes.items()
    )
    return rest.rstrip("\n") + "\n" + "".join(lines)


def not_taken(config: str, asked: Mapping[str, str]) -> list[str]:
    """The options, sorted, that did not get the value that was asked for: Kconfig found them not possible."""
    found = values(config)
    return sorted(name for name, value in asked.items() if found.get(name, "n") != value)
