"""The bytes of structs in syzkaller programs.

A program shows the values of a struct, not how wide they are: that is known from the descriptor type in their second
field. Numbers of unknown width take one byte. Fields left out at the end are zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from usbfuzz.descriptors import Context
from usbfuzz.descriptors.base import Descriptor
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.context import candidates
from usbfuzz.descriptors.standard import AudioEndpointDescriptor

from .text import Data, Group, Node, Number, Pointer, Union

__all__ = ["encode", "number_of"]

_MAX_BYTES = 1 << 16
_POINTER = 8
_BLOB = {"ANYRES16": 2, "ANYRES32": 4, "ANYRES64": 8, "ANYPTR": _POINTER, "ANYPTR64": _POINTER}
_ITEMS = {"item_012": 2, "item_4": 4}  #: options that are items of a HID report descriptor, and their data at most
#: syzkaller puts class descriptors under any interface; these are the ones it knows.
_ELSEWHERE: dict[int, Context] = {
    DescriptorType.FUNCTIONAL: Context(ClassCode.HID),
    DescriptorType.CS_INTERFACE: Context(ClassCode.COMMUNICATIONS),
    DescriptorType.CS_ENDPOINT: Context(ClassCode.AUDIO, 2),
}
_FOUR_LETTERS = 8  #: bytes of UTF-16
_ITEM_FIELDS = 3  #: bSize, bType, bTag


def encode(node: Node | None) -> bytes:
    """The bytes of a value in memory, at most 64 KiB."""
    found = bytearray()
    for part in _Encoder().parts(node):
        found += part
        if len(found) >= _MAX_BYTES:
            break
    return bytes(found[:_MAX_BYTES])


def number_of(node: Node | None) -> int:
    """The value of a number; 0 for anything else."""
    return node.value if isinstance(node, Number) else 0


class _Encoder:
    """Encodes values in order; the last interface descriptor decides which class descriptors follow it."""

    def __init__(self) -> None:
        self._context = Context()

    def parts(self, node: Node | None) -> Iterator[bytes]:
        """The bytes of a value, piece by piece."""
        match node:
            case Number(value=value):
                yield _little(value, 1)
            case Data(raw=raw, length=length):
                yield raw.ljust(length, b"\0")[:length]
            case Pointer():
                yield bytes(_POINTER)
            case Union(option=option, value=value):
                yield from self._option(option, value)
            case Group(items=items):
                yield from self._group(items)

    def _option(self, option: str, value: Node | None) -> Iterator[bytes]:
        if option in _BLOB:
            yield _little(number_of(value) if value is not None else -1, _BLOB[option])
        elif option in _ITEMS and (value is None or isinstance(value, Group)):
            yield _item(value.items if value else (), _ITEMS[option])
        elif option == "generic" and isinstance(value, Group):
            for item in value.items:
                yield from self.parts(item)
        else:
            yield from self.parts(value)

    def _group(self, items: Sequence[Node]) -> Iterator[bytes]:
        kind = _descriptor_type(items)
        if kind is None:
            for item in items:
                yield from self.parts(item)
            return
        widths = self._widths(items, kind)
        for place, width in enumerate(widths):
            item = items[place] if place < len(items) else Number(0)
            if isinstance(item, Number):
                yield _little(item.value, width)
            else:
                yield from self.parts(item)
        if kind == DescriptorType.INTERFACE:
            self._context = Context(*(number_of(item) & 0xFF for item in items[5:8]))
        rest = items[len(widths) :]
        if kind == DescriptorType.STRING:
            yield from self._string(number_of(items[0]), rest)
            return
        if kind == DescriptorType.FUNCTIONAL:
            yield from map(_subordinate, rest)
            return
        for item in rest:
            yield from self.parts(item)

    def _string(self, bLength: int, rest: Sequence[Node]) -> Iterator[bytes]:
        """Text, or numbers: language ids of 16 bits, or, as bLength tells, four letters each in big-endian order."""
        items = rest[0].items if len(rest) == 1 and isinstance(rest[0], Group) else tuple(rest)
        has_letters = (bLength & 0xFF) - 2 == _FOUR_LETTERS * len(items)
        for item in items:
            if isinstance(item, Number) and has_letters:
                yield _little(item.value, _FOUR_LETTERS)[::-1]
            elif isinstance(item, Number):
                yield _little(item.value, 2)
            else:
                yield from self.parts(item)

    def _widths(self, items: Sequence[Node], kind: int) -> list[int]:
        """The widths of the fields before the first that has no constant one."""
        subtype = number_of(items[2]) & 0xFF if len(items) > 2 else 0
        raw = bytes((9, kind & 0xFF, subtype))
        options = candidates(raw, self._context) or candidates(raw, _ELSEWHERE.get(kind, self._context))
        descriptor: type[Descriptor] = options[-1] if options else Descriptor
        if kind == DescriptorType.ENDPOINT:  # syzkaller's have the two fields of audio always
            descriptor = AudioEndpointDescriptor
        widths: list[int] = []
        for field in descriptor.fields:
            if field.kind != "int" or field.size is None:
                break
            widths.append(field.size)
        # Generic descriptors have their data in one piece behind the type.
        whole = next((place for place, item in enumerate(items) if not isinstance(item, Number)), len(widths))
        return widths[:whole] if whole >= 2 and isinstance(_at(items, whole), Data) else widths


def _at(items: Sequence[Node], place: int) -> Node | None:
    return items[place] if place < len(items) else None


def _descriptor_type(items: Sequence[Node]) -> int | None:
    """bDescriptorType, when the first two fields are numbers."""
    if len(items) >= 2 and isinstance(items[0], Number) and isinstance(items[1], Number):
        return items[1].value & 0xFF
    return None


def _subordinate(node: Node) -> bytes:
    """bDescriptorType and wDescriptorLength in a HID descriptor."""
    if not isinstance(node, Group):
        return encode(node)
    values = [number_of(item) for item in node.items] + [0, 0]
    return _little(values[0], 1) + _little(values[1], 2)


def _item(items: Sequence[Node], most: int) -> bytes:
    """A short item: bSize, bType and bTag in one byte, then its data. HID 1.11 §6.2.2.2."""
    size, kind, tag = ([number_of(item) for item in items[:_ITEM_FIELDS]] + [0] * _ITEM_FIELDS)[:_ITEM_FIELDS]
    data = encode(items[_ITEM_FIELDS]) if len(items) > _ITEM_FIELDS else b""
    data = data.ljust(most, b"\0") if most == _ITEMS["item_4"] else data
    return bytes((size & 3 | (kind & 3) << 2 | (tag & 15) << 4,)) + data[:most]


def _little(value: int, width: int) -> bytes:
    return (value & (1 << 8 * width) - 1).to_bytes(width, "little")
