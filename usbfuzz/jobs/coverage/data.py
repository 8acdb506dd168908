"""Coverage as JSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from .modules import ModuleCoverage
from .read import Coverage

__all__ = ["FORMAT", "to_json"]

FORMAT = 1


def to_json(coverage: Coverage) -> str:
    """One document: modules with all their functions."""
    document = {
        "format": FORMAT,
        "kernel": coverage.blocks.kernel,
        "release": coverage.blocks.release,
        "modules_of_guests": coverage.there,
        "cases": list(coverage.blocks.cases),
        "modules": [_module(module) for module in coverage.modules],
    }
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
