"""What structure bodies are written with: field types, and defaults of fields that are computed from other fields.

Field types are ``u8 u16 u24 u32 u64`` (int), ``guid`` (16 bytes), ``blob`` (bytes), ``tuple[u16, ...]`` (items of that
width), ``tuple[uint, ...]`` (items as wide as a :func:`width_of` field says) and ``tuple[Group, ...]`` (a repeated
structure of fixed size). A tuple or blob that no :func:`count_of` names fills what is left before the fields after it;
those are then found from the end, as the kernel finds iFeature at ``raw[bLength - 1]``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin

from attrs import evolve, frozen

from usbfuzz.errors import InputError

if TYPE_CHECKING:
    from .structure import Structure

__all__ = [
    "REQUIRED",
    "Computed",
    "CountOf",
    "Field",
    "FieldAccess",
    "Fixed",
    "LengthOfAll",
    "Span",
    "Width",
    "WidthOf",
    "blob",
    "count_of",
    "fixed",
    "guid",
    "length_of_all",
    "make_field",
    "u8",
    "u16",
    "u24",
    "u32",
    "u64",
    "uint",
    "width_of",
]


@frozen
class Width:
    """Annotation of a field type: bytes of one value; None: another field says how many, or all that is left."""

    bytes: int | None


u8 = Annotated[int, Width(1)]
u16 = Annotated[int, Width(2)]
u24 = Annotated[int, Width(3)]
u32 = Annotated[int, Width(4)]
u64 = Annotated[int, Width(8)]
uint = Annotated[int, Width(None)]
guid = Annotated[bytes, Width(16)]
blob = Annotated[bytes, Width(None)]


@frozen
class Computed:
    """Default of a field whose value follows from the rest."""


@frozen
class LengthOfAll(Computed):
    """See :func:`length_of_all`."""


@frozen
class CountOf(Computed):
    """See :func:`count_of`."""

    fields: tuple[str, ...]
    zero: int


@frozen
class WidthOf(Computed):
    """See :func:`width_of`."""

    field: str


@frozen
class Fixed:
    """See :func:`fixed`."""

    value: int | bytes


REQUIRED = object()  #: the default of a field that has none


def length_of_all() -> Any:
    """This field is the length of the structure in bytes."""
    return LengthOfAll()


def count_of(*fields: str, zero: int = 0) -> Any:
    """This field is the number of items (of a blob: bytes) in each of ``fields``; 0 stands for ``zero`` items."""
    return CountOf(fields, zero)


def width_of(field: str) -> Any:
    """This field is the number of bytes of each item of ``field``."""
    return WidthOf(field)


def fixed(value: int | bytes) -> Any:
    """This field always has this value; bytes with another one are not this structure."""
    return Fixed(value)


Span = tuple[int, int, int]  # start, stop, bytes of one item: where a field of one instance lies


@frozen
class Field:
    """One field of a structure."""

    name: str
    index: int
    kind: str  #: "int", "bytes", "ints" or "groups"
    width: int | None  #: bytes of one item, when it is the same in every instance
    size: int | None  #: bytes in all, when it is the same in every instance
    group: type[Structure] | None
    default: Any
    counted_by: Field | None = None
    sized_by: Field | None = None

    def fix(self, value: int | bytes) -> Field:
        """The same field, :func:`fixed`."""
        return evolve(self, default=Fixed(value))

    def decode(self, raw: bytes, start: int, stop: int, width: int) -> Any:
        """The value of the bytes ``raw[start:stop]``."""
        if self.kind == "int":
            return int.from_bytes(raw[start:stop], "little")
        if self.kind == "bytes":
            return raw[start:stop]
        items = [raw[at : at + width] for at in range(start, stop, width)] if width else []
        if self.group is None:
            return tuple(int.from_bytes(item, "little") for item in items)
        return tuple(self.group.view(item) for item in items)

    def encode(self, value: Any, width: int, owner: str) -> bytes:
        """The bytes of ``value``; raises InputError when it does not fit."""
        if self.kind == "groups":
            return b"".join(item.raw for item in value)
        if self.kind == "bytes":
            if self.size is not None and len(value) != self.size:
                raise InputError(f"{owner}.{self.name}: {len(value)} bytes given where {self.size} are needed.")
            return bytes(value)
        try:
            if self.kind == "int":
                encoded: bytes = value.to_bytes(width, "little")
                return encoded
            return b"".join([item.to_bytes(width, "little") for item in value])
        except OverflowError as error:
            raise InputError(f"{owner}.{self.name}: {value} does not fit in {width} bytes.") from error


@frozen
class FieldAccess:
    """The attribute through which an instance's field is read."""

    field: Field

    def __get__(self, instance: Structure | None, owner: type[Structure]) -> Any:
        field = self.field
        return self if instance is None else field.decode(instance.raw, *instance.spans[field.index])


def make_field(name: str, hint: Any, default: Any, before: tuple[Field, ...]) -> Field:
    """The field that ``name: hint = default`` declares after the fields ``before`` it."""
    index = len(before)
    is_tuple = get_origin(hint) is tuple
    item = get_args(hint)[0] if is_tuple else hint
    counted_by = next((f for f in before if isinstance(f.default, CountOf) and name in f.default.fields), None)
    sized_by = next((f for f in before if isinstance(f.default, WidthOf) and f.default.field == name), None)
    if get_origin(item) is not Annotated:
        return Field(name, index, "groups", item.minimum, None, item, default, counted_by)
    kind, marker = get_args(item)
    if is_tuple:
        return Field(name, index, "ints", marker.bytes, None, None, default, counted_by, sized_by)
    if kind is bytes:
        return Field(name, index, "bytes", 1, marker.bytes, None, default, counted_by)
    return Field(name, index, "int", marker.bytes, marker.bytes, None, default)
