"""The kernel's own description of its types (BTF): where fields lie in structures, which parameters functions have.

Format: Documentation/bpf/btf.rst. A module's BTF continues the kernel's: its type numbers and strings go on where those
of the kernel end.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import NamedTuple

from attrs import define, field

__all__ = ["Btf", "BtfError"]

_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")
_TYPE = struct.Struct("<III")
_MEMBER = struct.Struct("<III")
_PARAMETER = struct.Struct("<II")
_ENUMERATOR = struct.Struct("<Ii")
_STRUCT, _UNION, _ENUM, _FUNC, _PROTO, _ENUM64 = 4, 5, 6, 12, 13, 19
_KINDS = 20
#: Bytes behind a type of a kind: a fixed number, and so many for each of its elements.
_FIXED = {1: 4, 3: 12, 14: 4, 17: 4}
_EACH = {_STRUCT: 12, _UNION: 12, _ENUM: 8, _PROTO: 8, 15: 12, _ENUM64: 12}
_DEEPEST = 8  #: of anonymous structures in structures


class BtfError(ValueError):
    """The bytes are no BTF."""


class _Type(NamedTuple):
    data: bytes  #: that it is described in
    at: int  #: where its elements are in there
    name: int
    kind: int
    elements: int
    packed: bool  #: offsets of members have the width of a bit field in their upper byte
    size_or_type: int


@define(eq=False)
class Btf:
    """The types of a kernel, or of a kernel and one of its modules."""

    types: list[_Type] = field(repr=False)  #: type 1 comes first
    strings: bytes = field(repr=False)

    @classmethod
    def parse(cls, data: bytes, base: Btf | None = None) -> Btf:
        """What ``data`` describes; a module's continues the kernel's, ``base``. Raises BtfError."""
        try:
            magic, _, _, header, type_at, type_bytes, string_at, string_bytes = _HEADER.unpack_from(data)
            if magic != _MAGIC:
                raise BtfError("it does not begin with BTF's magic number")
            if len(data) < header + max(type_at + type_bytes, string_at + string_bytes):
                raise BtfError("it is cut short")
            types = _read(data[: header + type_at + type_bytes], header + type_at)
        except struct.error as error:
            raise BtfError("it is cut short") from error
        strings = data[header + string_at : header + string_at + string_bytes]
        return cls(types, strings) if base is None else cls(base.types + types, base.strings + strings)

    def offset(self, structure: str, *path: str) -> int | None:
        """Bytes from the start of ``structure`` to a field, through structures when ``path`` has several names."""
        found = self._structs.get(structure)
        offset = 0
        for name in path:
            member = self._member(found, name, set()) if found is not None else None
            if member is None:
                return None
            bits, found = member
            offset += bits // 8
        return offset

    def size(self, structure: str) -> int | None:
        """Bytes of a structure."""
        found = self._structs.get(structure)
        return found.size_or_type if found is not None else None

    def parameters(self, function: str) -> tuple[str, ...] | None:
        """The names of a function's parameters; None when it is not known."""
        found = self._functions.get(function)
        prototype = self._type(found.size_or_type) if found is not None else None
        if prototype is None or prototype.kind != _PROTO:
            return None
        places = range(prototype.at, prototype.at + _EACH[_PROTO] * prototype.elements, _EACH[_PROTO])
        return tuple(self._string(_PARAMETER.unpack_from(prototype.data, place)[0]) for place in places)

    def enumerator(self, name: str) -> int | None:
        """The value of a constant of any enumeration."""
        return self._enumerators.get(name)

    @cached_property
    def _structs(self) -> dict[str, _Type]:
        return self._named(_STRUCT)

    @cached_property
    def _functions(self) -> dict[str, _Type]:
        return self._named(_FUNC)

    @cached_property
    def _enumerators(self) -> dict[str, int]:
        found = {}
        for each in self.types:
            if each.kind == _ENUM:
                for place in range(each.at, each.at + _EACH[_ENUM] * each.elements, _EACH[_ENUM]):
                    name, value = _ENUMERATOR.unpack_from(each.data, place)
                    found[self._string(name)] = value
        return found

    def _named(self, kind: int) -> dict[str, _Type]:
        return {self._string(each.name): each for each in self.types if each.kind == kind}

    def _member(self, owner: _Type, name: str, seen: set[int], depth: int = 0) -> tuple[int, _Type] | None:
        """The offset in bits of a member, and its type; looked for in anonymous members too, in each type once."""
        if owner.kind not in {_STRUCT, _UNION} or depth > _DEEPEST:
            return None
        for place in range(owner.at, owner.at + _EACH[_STRUCT] * owner.elements, _EACH[_STRUCT]):
            text, number, bits = _MEMBER.unpack_from(owner.data, place)
            bits = bits & 0xFFFFFF if owner.packed else bits
            if (kind := self._type(number)) is None:
                continue
            if not text and number not in seen:
                seen.add(number)
                if inner := self._member(kind, name, seen, depth + 1):
                    return bits + inner[0], inner[1]
            if text and self._string(text) == name:
                return bits, kind
        return None

    def _type(self, number: int) -> _Type | None:
        return self.types[number - 1] if 0 < number <= len(self.types) else None

    def _string(self, offset: int) -> str:
        return self.strings[offset : self.strings.find(b"\0", offset)].decode("ascii", "replace")


def _read(data: bytes, at: int) -> list[_Type]:
    """The types from ``at`` to the end; struct.error when the last is not whole."""
    found: list[_Type] = []
    while at < len(data):
        name, info, size_or_type = _TYPE.unpack_from(data, at)
        kind, elements = info >> 24 & 0x1F, info & 0xFFFF
        if kind >= _KINDS:
            raise BtfError(f"type {len(found) + 1} is of an unknown kind {kind}")
        at += _TYPE.size
        found.append(_Type(data, at, name, kind, elements, bool(info >> 31), size_or_type))
        at += _FIXED.get(kind, 0) + _EACH.get(kind, 0) * elements
        if at > len(data):
            raise BtfError(f"type {len(found)} is cut short")
    return found
