"""Which strategy made a kept case, told from its file without reading the devices in it: there may be thousands."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

__all__ = ["numbers_of", "strategy_of"]

_HEAD = "\n[provenance]\n"


def strategy_of(path: Path) -> str:
    """The strategy behind a case of one campaign case alone; "" when it is not known, or several cases are in it."""
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text[text.index(_HEAD) :].partition("\n[[")[0])["provenance"]
    except (OSError, ValueError, KeyError):
        return ""
    strategy = table.get("strategy", "") if "index" in table else ""
    return strategy if isinstance(strategy, str) else ""


def numbers_of(path: Path) -> dict[str, int]:
    """The whole numbers in a TOML file, those of its top; none when it cannot be read."""
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: value for name, value in table.items() if isinstance(value, int)}
