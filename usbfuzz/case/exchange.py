"""Cases as JSON, quick to write and read: how processes send them to each other."""

from __future__ import annotations

import json
from typing import Any

from cattrs import Converter

from .model import Case

__all__ = ["from_json", "to_json"]

_converter = Converter(omit_if_default=True)
_converter.register_unstructure_hook(bytes, bytes.hex)
_converter.register_structure_hook(bytes, lambda text, _: bytes.fromhex(text))


def to_json(case: Case) -> str:
    """One line of JSON; bytes are hex, defaults are left out."""
    return json.dumps(_converter.unstructure(case), separators=(",", ":"))


def from_json(text: str) -> Case:
    """The case :func:`to_json` wrote."""
    value: Any = json.loads(text)
    return _converter.structure(value, Case)
