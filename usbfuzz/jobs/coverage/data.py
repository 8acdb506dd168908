"""Coverage as JSON, for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attrs import asdict

from .modules import ModuleCoverage
from .read import Coverage

__all__ = ["FORMAT", "to_json"]

FORMAT = 1


def to_json(coverage: Coverage, aim: Mapping[str, Any] | None = None) -> str:
    """One document: modules with all their functions; ``aim`` says which of them are asked for, in plain data."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "kernel": coverage.blocks.kernel,
        "release": coverage.blocks.release,
        "modules_of_guests": coverage.there,
        "cases": list(coverage.blocks.cases),
        "modules": [_module(module) for module in coverage.modules],
    }
    if aim is not None:
        document["aim"] = aim
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _module(module: ModuleCoverage) -> dict[str, Any]:
    return {
        "name": module.name,
        "blocks": module.blocks,
        "size": module.size,
        "covered": module.covered,
        "reached": module.reached,
        "functions": [asdict(function) for function in module.functions],
    }
