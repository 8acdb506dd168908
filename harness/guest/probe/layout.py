"""The shared memory's structures as numpy types, read from the C header that the plugin is compiled with."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CONSTANTS", "HEADER", "Record", "structure"]

#: One record, or a list of records, of a structure.
Record = NDArray[Any]

HEADER = Path(__file__).with_name("layout.h")
_NUMPY = {"uint8_t": "u1", "uint16_t": "<u2", "uint32_t": "<u4", "uint64_t": "<u8", "char": "S1"}
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"^#define\s+(\w+)\s+(0x[0-9a-f]+|\d+)[ul]*\s*$", re.MULTILINE)
_ENUM = re.compile(r"^enum \w+ \{(.*?)^\};", re.MULTILINE | re.DOTALL)
_STRUCT = re.compile(r"^struct (\w+) \{(.*?)^\};", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^\t(?:struct )?(\w+) (\w+)(?:\[(\w+)\])?;$", re.MULTILINE)


@cache
def _text() -> str:
    return _COMMENT.sub("", HEADER.read_text(encoding="ascii"))


def _constants() -> dict[str, int]:
    found = {name: int(value, 0) for name, value in _DEFINE.findall(_text())}
    for body in _ENUM.findall(_text()):
        value = -1
        for word in filter(None, (word.strip() for word in body.split(","))):
            name, _, given = word.partition("=")
            value = int(given, 0) if given else value + 1
            found[name.strip()] = value
    return found


#: The header's numbers, by the names they have there.
CONSTANTS = _constants()


@cache
def structure(name: str) -> np.dtype[np.void]:
    """The numpy type of a structure of the header, laid out as a C compiler lays it out."""
    body = dict(_STRUCT.findall(_text()))[name]
    fields: list[tuple[Any, ...]] = []
    for kind, field, count in (
        match.groups() for match in _FIELD.finditer(re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE))
    ):
        times = (CONSTANTS[count] if count in CONSTANTS else int(count)) if count else None
        if kind == "char":
            fields.append((field, f"S{times}"))
        else:
            base: Any = _NUMPY.get(kind) or structure(kind)
            fields.append((field, base, (times,)) if times else (field, base))
    return np.dtype(fields, align=True)
