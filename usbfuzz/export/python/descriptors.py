"""Descriptors as the calls that make them, with the specification's names for their fields.

What the call of a typed descriptor would not give back byte for byte stays as hex, under a comment that says what it
is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve, field

from usbfuzz.descriptors import Descriptor, describe, split
from usbfuzz.descriptors.bos import bos
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.hid import HidDescriptor
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.descriptors.structure import Structure
from usbfuzz.descriptors.text import is_hex
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.export.source import Call, Expression, Item, commented_rows, hex_of, number_of
from usbfuzz.wire import TransferType

from .imports import Imports

__all__ = ["Writer"]

_CLASSES = ("bInterfaceClass", "bDeviceClass", "bFunctionClass")
_SAID = ("bNumEndpoints",)  #: fields that are written even where they are what the builder would fill in


@define
class Writer:
    """Writes the descriptors of one device; ``reports`` has the constant of each interface's report descriptor."""

    imports: Imports
    reports: Mapping[int, tuple[str, bytes]] = field(factory=dict)
    _interface: int = -1

    def device(self, raw: bytes) -> Expression:
        """The device descriptor."""
        head = DeviceDescriptor.view(raw)
        made = self._call("build.device", build.device, head) if head else None
        return self._built(made) or commented_rows(raw)

    def configuration(self, raw: bytes) -> Expression:
        """A configuration and all that comes with it."""
        head, *others = split(raw) or (None,)
        if not isinstance(head, ConfigurationDescriptor):
            return commented_rows(raw)
        parts = [descriptor.raw for descriptor in others if descriptor is not None]

        def make(**fields: int) -> bytes:
            return build.configuration(*parts, **fields)

        given = _fewest(make, _values(head), raw)
        if given is None:
            return commented_rows(raw)
        self._interface = -1
        items = [self._part(descriptor) for descriptor in others if descriptor is not None]
        items += [Item(self._value(head, name, value), name) for name, value in given.items()]
        return self._built(Call("build.configuration", tuple(items))) or commented_rows(raw)

    def bos(self, raw: bytes) -> Expression:
        """A BOS, made of its capabilities where its totals are right."""
        capabilities = [(part, self._typed(part)) for part in split(raw)[1:]]
        calls = [call for _, call in capabilities if call]
        if len(calls) == len(capabilities) and bos(*(part for part, _ in capabilities)) == raw:
            head = f"{self.imports.name('usbfuzz.descriptors', 'bos')}.bos"
            return Call(head, tuple(map(Item, calls)))
        return commented_rows(raw)

    def one(self, raw: bytes) -> Expression:
        """Any bytes that are meant to be one descriptor."""
        parts = split(raw)
        made = self._typed(parts[0]) if len(parts) == 1 else None
        return evolve(made, tail=".raw") if made else commented_rows(raw)

    def _part(self, descriptor: Descriptor) -> Item:
        if isinstance(descriptor, InterfaceDescriptor):
            self._interface = descriptor.bInterfaceNumber
            made = self._call("build.interface", build.interface, descriptor)
            return self._item(made, descriptor, comment=describe(descriptor))
        if isinstance(descriptor, HidDescriptor) and (made := self._hid(descriptor)):
            return Item(made)
        if type(descriptor) is EndpointDescriptor:
            return self._item(self._endpoint(descriptor), descriptor)
        return Item(made) if (made := self._typed(descriptor)) else _commented(descriptor)

    def _item(self, made: Call | None, descriptor: Descriptor, comment: str = "") -> Item:
        found = self._built(made)
        return Item(found, comment=comment) if found else _commented(descriptor)

    def _built(self, made: Call | None) -> Call | None:
        if made:
            self.imports.name("usbfuzz.device", "build")
        return made

    def _hid(self, descriptor: HidDescriptor) -> Call | None:
        """The call that takes the report descriptor it announces, where it announces just that."""
        name, report = self.reports.get(self._interface, ("", b""))
        if not name:
            return None

        def make(**fields: Any) -> bytes:
            return build.hid(report, **fields)

        values = _values(descriptor)
        del values["descriptors"]
        given = _fewest(make, values, descriptor.raw)
        if given is None:
            return None
        fields = (Item(self._value(descriptor, name_, value), name_) for name_, value in given.items())
        return self._built(Call("build.hid", (Item(name), *fields)))

    def _endpoint(self, descriptor: EndpointDescriptor) -> Call | None:
        """Address and type go without their names, as in every model."""
        made = self._call("build.endpoint", build.endpoint, descriptor)
        if made is None:
            return None
        items = {item.name: item for item in made.items}
        address, attributes = items.pop("bEndpointAddress"), items.pop("bmAttributes")
        kinds = {int(kind): f"TransferType.{kind.name}" for kind in TransferType}
        shown = kinds.get(descriptor.bmAttributes)
        if shown:
            self.imports.name("usbfuzz.wire", "TransferType")
        return Call(made.head, (Item(address.value), Item(shown or attributes.value), *items.values()))

    def _typed(self, structure: Structure) -> Call | None:
        """The constructor of its own class."""
        cls = type(structure)
        package, _, module = cls.__module__.rpartition(".")

        def make(**fields: Any) -> bytes:
            return cls(**fields).raw

        given = _fewest(make, _values(structure), structure.raw)
        if given is None or not cls.fields:
            return None
        items = tuple(Item(self._value(structure, name, value), name) for name, value in given.items())
        return Call(f"{self.imports.name(package, module)}.{cls.__name__}", items)

    def _call(self, head: str, make: Callable[..., bytes], descriptor: Descriptor) -> Call | None:
        """The call with the fields it needs; None when it cannot give back the bytes."""
        given = _fewest(make, _values(descriptor), descriptor.raw)
        if given is None:
            return None
        return Call(head, tuple(Item(self._value(descriptor, name, value), name) for name, value in given.items()))

    def _value(self, structure: Structure, name: str, value: Any) -> Expression:
        width = next((field.width for field in structure.fields if field.name == name), 1) or 1
        if isinstance(value, bytes):
            return hex_of(value)
        if isinstance(value, tuple):
            return Call("", tuple(Item(self._value(structure, name, item)) for item in value))
        if isinstance(value, Structure):
            return self._typed(value) or hex_of(value.raw)
        if name in _CLASSES and value in tuple(ClassCode):
            return f"{self.imports.name('usbfuzz.descriptors.constants', 'ClassCode')}.{ClassCode(value).name}"
        return number_of(value, 2 * width) if is_hex(name) else str(value)


def _values(structure: Structure) -> dict[str, Any]:
    return {field.name: getattr(structure, field.name) for field in structure.fields}


def _fewest(make: Callable[..., bytes], given: dict[str, Any], raw: bytes) -> dict[str, Any] | None:
    """The fields without which other bytes would come out; None when they come out even with all of them."""
    if _made(make, given) != raw:
        return None
    for name in [*given]:
        rest = {other: value for other, value in given.items() if other != name}
        if name not in _SAID and _made(make, rest) == raw:
            given = rest
    return given


def _made(make: Callable[..., bytes], given: Mapping[str, Any]) -> bytes | None:
    try:
        return make(**given)
    except (TypeError, InputError):
        return None


def _commented(descriptor: Descriptor) -> Item:
    return Item(hex_of(descriptor.raw), comment=describe(descriptor))
