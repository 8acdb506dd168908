"""Structures declared as class bodies: named fields that are read from bytes and never change bytes by themselves.

A subclass of :class:`Structure` lists its fields in wire order, as the specification's table does::

    class SelectorUnit(CsInterface, bDescriptorSubtype=0x05, label="AC selector unit"):
        bUnitID: u8
        bNrInPins: u8 = count_of("baSourceID")
        baSourceID: tuple[u8, ...]
        iSelector: u8 = 0

An instance stores the bytes, and its fields are read from them, so bytes that belong to no field are kept. Field types
are in :mod:`usbfuzz.descriptors.fields`. All numbers are little-endian.
"""

from __future__ import annotations

import inspect
import struct
from typing import Any, ClassVar, Self, dataclass_transform, get_origin, get_type_hints

from attrs.exceptions import FrozenInstanceError

from usbfuzz.errors import InputError

from .fields import REQUIRED, Computed, CountOf, Field, FieldAccess, Fixed, LengthOfAll, Span, WidthOf, make_field

__all__ = ["Structure"]

_FORMATS = {1: "B", 2: "H", 4: "I", 8: "Q"}  #: of struct, by width in bytes


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Structure:
    """Bytes, and where in them each declared field lies.

    ``Class(field=value, ...)`` builds the bytes; fields that follow from others (lengths, counts) may be left out or
    given a wrong value on purpose. ``Class.view(raw)`` reads them. A class keyword fixes an inherited field:
    ``class X(Descriptor, bDescriptorType=0x05)``. Instances are immutable, and equal when type and bytes are.
    """

    raw: bytes  #: the exact bytes
    spans: tuple[Span, ...]  #: where each of ``fields`` lies
    fields: ClassVar[tuple[Field, ...]] = ()  #: in wire order
    minimum: ClassVar[int] = 0  #: bytes of an instance whose variable fields are empty
    _constant: ClassVar[tuple[Span, ...] | None] = ()  #: the spans, when no field varies
    _after: ClassVar[tuple[int, ...]] = ()  #: minimum bytes after each field
    _checks: ClassVar[tuple[tuple[int, int, bytes], ...]] = ()  #: start, stop, bytes of fixed fields
    _defaults: ClassVar[dict[str, Any]] = {}  #: of each field; REQUIRED or a Computed where it has no constant one
    _open: ClassVar[tuple[Field, ...]] = ()  #: fields without a constant default
    _packer: ClassVar[struct.Struct | None] = None  #: packs all fields at once, when they are numbers of fixed places

    def __init_subclass__(cls, **constants: int) -> None:
        super().__init_subclass__()
        hints = get_type_hints(cls, include_extras=True)
        fields = {field.name: field for field in cls.fields}
        for name in inspect.get_annotations(cls):
            if name in fields:
                fields[name] = fields[name].fix(cls.__dict__[name].value)
            elif get_origin(hints[name]) is not ClassVar and not name.startswith("_"):
                default = cls.__dict__.get(name, REQUIRED)
                fields[name] = make_field(name, hints[name], default, tuple(fields.values()))
        for name, value in constants.items():
            fields[name] = fields[name].fix(value)
        for name, field in fields.items():
            setattr(cls, name, FieldAccess(field))
        cls._compile(tuple(fields.values()))

    @classmethod
    def _compile(cls, fields: tuple[Field, ...]) -> None:
        cls.fields = fields
        sizes = [field.size or 0 for field in fields]
        cls.minimum = sum(sizes)
        cls._after = tuple(sum(sizes[index + 1 :]) for index in range(len(sizes)))
        starts = [sum(sizes[:index]) for index in range(len(sizes))]
        cls._constant = None
        if all(field.size is not None for field in fields):
            cls._constant = tuple(
                (at, at + size, field.width or 0) for at, size, field in zip(starts, sizes, fields, strict=True)
            )
        cls._checks = tuple(
            (at, at + size, field.encode(field.default.value, size, cls.__name__))
            for at, size, field in zip(starts, sizes, fields, strict=True)
            if isinstance(field.default, Fixed)
        )
        cls._compile_encoding(fields)

    @classmethod
    def _compile_encoding(cls, fields: tuple[Field, ...]) -> None:
        """What the constructor needs."""
        cls._defaults = {field.name: _constant_default(field, cls.minimum, cls._constant) for field in fields}
        cls._open = tuple(
            field
            for field in fields
            if cls._defaults[field.name] is REQUIRED or isinstance(cls._defaults[field.name], Computed)
        )
        cls._packer = None
        if all(field.kind == "int" and field.width in _FORMATS for field in fields):
            cls._packer = struct.Struct("<" + "".join(_FORMATS[field.width or 0] for field in fields))
        for index, field in enumerate(fields):
            if field.size is None:
                after = fields[index + 1 :]
                assert field.counted_by or all(later.size is not None for later in after), "nothing bounds the filler"
                assert not any(isinstance(later.default, Fixed) for later in after), "a constant at no constant place"

    def __init__(self, **values: Any) -> None:
        complete = self._defaults | values
        if self._packer is not None and self._constant is not None and len(complete) == len(self.fields):
            try:
                self._set(self._packer.pack(*complete.values()), self._constant)
            except struct.error:
                pass  # a value is missing or does not fit: below it is said which
            else:
                return
        self._build(values, complete)

    def _build(self, values: dict[str, Any], complete: dict[str, Any]) -> None:
        """Encode field by field. Raises TypeError for a field that is missing or unknown."""
        name = type(self).__name__
        if unknown := values.keys() - self._defaults.keys():
            raise TypeError(f"{name} has no field {', '.join(sorted(unknown))}")
        for field in self._open:
            if field.name not in values:
                complete[field.name] = _default(field, values, name)
        raw, spans = bytearray(), []
        for field in self.fields:
            width: int = complete[field.sized_by.name] if field.sized_by else field.width or 0
            chunk = field.encode(complete[field.name], width, name)
            spans.append((len(raw), len(raw) + len(chunk), width))
            raw += chunk
        for field in self._open:
            if isinstance(field.default, LengthOfAll) and field.name not in values:
                start, stop, width = spans[field.index]
                raw[start:stop] = field.encode(len(raw), width, name)
        self._set(bytes(raw), tuple(spans))

    def _set(self, raw: bytes, spans: tuple[Span, ...]) -> None:
        object.__setattr__(self, "raw", raw)
        object.__setattr__(self, "spans", spans)

    @classmethod
    def _make(cls, raw: bytes, spans: tuple[Span, ...]) -> Self:
        made = object.__new__(cls)
        made._set(raw, spans)
        return made

    @classmethod
    def view(cls, raw: bytes) -> Self | None:
        """These bytes as this structure; None when they are too few or a fixed field has another value."""
        for start, stop, value in cls._checks:
            if raw[start:stop] != value:
                return None
        spans = cls._measure(raw)
        return None if spans is None else cls._make(raw, spans)

    @classmethod
    def _measure(cls, raw: bytes) -> tuple[Span, ...] | None:
        if len(raw) < cls.minimum:
            return None
        if cls._constant is not None:
            return cls._constant
        spans: list[Span] = []
        at = 0
        for field, after in zip(cls.fields, cls._after, strict=True):
            width = _number(raw, spans, field.sized_by) if field.sized_by else field.width or 0
            stop = end = at + (field.size or 0)
            if field.counted_by:
                stop = end = at + width * (_number(raw, spans, field.counted_by) or field.counted_by.default.zero)
            elif field.size is None:
                end = len(raw) - after
                stop = end - (end - at) % width if width and end > at else at
            if end + after > len(raw) or end < at:
                return None
            spans.append((at, stop, width))
            at = end
        return tuple(spans)

    @property
    def trailing(self) -> bytes:
        """Bytes after the last field."""
        return self.raw[self.spans[-1][1] :]

    def replace(self, **values: Any) -> Self:
        """The same bytes but for these fields.

        The fields stay where they are, even when a count or a width is replaced: split the bytes again to see what
        a parser makes of them. Raises InputError when a value does not take exactly the bytes of the old one.
        """
        raw = self.raw
        for name, value in values.items():
            field = self._field(name)
            start, stop, width = self.spans[field.index]
            chunk = field.encode(value, width, type(self).__name__)
            if len(chunk) != stop - start:
                raise InputError(
                    f"{type(self).__name__}.{name}: the new value takes {len(chunk)} bytes, the old one "
                    f"{stop - start}; use rebuild() to change the length."
                )
            raw = raw[:start] + chunk + raw[stop:]
        return self._make(raw, self.spans)

    def rebuild(self, **values: Any) -> Self:
        """A new structure with these fields: lengths and the counts of changed lists are computed, the rest is kept."""
        for name in values:
            self._field(name)
        kept = {
            field.name: getattr(self, field.name)
            for field in self.fields
            if not isinstance(field.default, LengthOfAll)
            and not (isinstance(field.default, CountOf) and values.keys() & set(field.default.fields))
        }
        built = type(self)(**(kept | values))
        if not self.trailing:
            return built
        built = self._make(built.raw + self.trailing, built.spans)
        lengths = [f.name for f in self.fields if isinstance(f.default, LengthOfAll) and f.name not in values]
        return built.replace(**dict.fromkeys(lengths, len(built.raw)))

    def _field(self, name: str) -> Field:
        for field in self.fields:
            if field.name == name:
                return field
        names = ", ".join(field.name for field in self.fields)
        raise InputError(f"{type(self).__name__} has no field {name}: it has {names}.")

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and type(other) is type(self) and other.raw == self.raw

    def __hash__(self) -> int:
        return hash((type(self), self.raw))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{f.name}={getattr(self, f.name)!r}' for f in self.fields)})"


def _number(raw: bytes, spans: list[Span], field: Field) -> int:
    start, stop, _ = spans[field.index]
    return int.from_bytes(raw[start:stop], "little")


def _constant_default(field: Field, minimum: int, spans: tuple[Span, ...] | None) -> Any:
    """The value a field has in every instance that is not given it; its default itself where that varies."""
    if isinstance(field.default, LengthOfAll) and spans is not None:
        return minimum
    return field.default.value if isinstance(field.default, Fixed) else field.default


def _default(field: Field, values: dict[str, Any], owner: str) -> Any:
    """The value of a field without a constant default that the constructor was not given."""
    default = field.default
    if isinstance(default, CountOf):
        return len(values.get(default.fields[0], ()))
    if isinstance(default, WidthOf):
        return max([1, *((value.bit_length() + 7) // 8 for value in values.get(default.field, ()))])
    if default is REQUIRED:
        raise TypeError(f"{owner} needs {field.name}")
    return 0
