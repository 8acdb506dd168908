"""The field sweep: every field of a device's descriptors as a boofuzz primitive, one mutated at a time.

boofuzz enumerates (``Request.get_mutations``) and renders; its Session, which sleeps between test cases, is not used.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from functools import cached_property
from math import gcd
from typing import TYPE_CHECKING

from attrs import define, evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import Descriptor, describe, split

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # boofuzz still imports names that Python is about to remove
    from boofuzz import Block, Byte, DWord, Request, Static, Word
    from boofuzz.mutation_context import MutationContext

if TYPE_CHECKING:
    from boofuzz.mutation import Mutation

__all__ = ["FieldSweep", "request_of", "sweep"]

_NUMBERS = {1: Byte, 2: Word, 4: DWord}
_MOST_ELEMENTS = 8  #: of an array field that are swept one by one
#: The only fields of the device descriptor that are swept: the others decide whether the kernel talks to it at all.
_DEVICE_FIELDS = ("bDeviceClass", "bNumConfigurations")


def _number(name: str, raw: bytes, fuzzable: bool) -> Byte | Word | DWord:
    return _NUMBERS[len(raw)](name=name, default_value=int.from_bytes(raw, "little"), fuzzable=fuzzable)


def _elements(name: str, raw: bytes, width: int, fuzzable: bool) -> Iterator[Byte | Word | DWord | Static]:
    """Primitives of one field: a number, or those of an array, of which the first few are swept."""
    width = width if width in _NUMBERS else 1
    if len(raw) == width:
        yield _number(name, raw, fuzzable)
        return
    swept = min(len(raw) // width, _MOST_ELEMENTS) * width
    for at in range(0, swept, width):
        yield _number(f"{name}[{at // width}]", raw[at : at + width], fuzzable)
    if raw[swept:]:
        yield Static(name=f"{name} rest", default_value=raw[swept:])


def _children(descriptor: Descriptor, only: tuple[str, ...] | None) -> Iterator[Byte | Word | DWord | Static]:
    at = 0
    for field, (start, stop, width) in zip(descriptor.fields, descriptor.spans, strict=True):
        if start > at:
            yield from _elements(f"gap at {at}", descriptor.raw[at:start], 1, only is None)
        if stop > start:
            yield from _elements(field.name, descriptor.raw[start:stop], width, only is None or field.name in only)
        at = max(at, stop)
    if descriptor.raw[at:]:
        yield from _elements(f"byte {at}", descriptor.raw[at:], 1, only is None)


def request_of(name: str, raw: bytes, only: tuple[str, ...] | None = None) -> Request:
    """The descriptors in ``raw`` as a boofuzz request: a block each, a primitive a field.

    It renders to ``raw``. ``only`` names the fields that are swept; all of them by default.
    """
    blocks = []
    for position, descriptor in enumerate(split(raw)):
        label = re.sub(r"[^\w ]+", " ", describe(descriptor))[:24].strip()
        blocks.append(Block(name=f"{position} {label}", children=list(_children(descriptor, only))))
    return Request(name=name, children=blocks)


@define(eq=False, slots=False)
class FieldSweep:
    """All single-field mutations of one device, numbered."""

    spec: DeviceSpec

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The device descriptor, then the configurations, then BOS."""
        made = [request_of("device", self.spec.device, _DEVICE_FIELDS)]
        made += [request_of(f"configuration {n}", raw) for n, raw in enumerate(self.spec.configurations)]
        return (*made, request_of("bos", self.spec.bos)) if self.spec.bos else tuple(made)

    @cached_property
    def _mutations(self) -> list[tuple[int, list[Mutation]]]:
        return [(at, mutations) for at, request in enumerate(self.requests) for mutations in request.get_mutations()]

    def __len__(self) -> int:
        """How many mutations there are."""
        return len(self._mutations)

    def __getitem__(self, number: int) -> tuple[DeviceSpec, str]:
        """The device with mutation ``number`` and the name of the field it changes."""
        at, mutations = self._mutations[number]
        raw = self.requests[at].render(MutationContext(mutations=mutations))
        note = f"{self.field(number)} = {mutations[0].value}"
        count = len(self.spec.configurations)
        if at == 0:
            return evolve(self.spec, device=raw), note
        if at > count:
            return evolve(self.spec, bos=raw), note
        configurations = list(self.spec.configurations)
        configurations[at - 1] = raw
        return evolve(self.spec, configurations=tuple(configurations)), note

    def field(self, number: int) -> str:
        """Name of the field that mutation ``number`` changes."""
        return str(self._mutations[number][1][0].qualified_name)

    @cached_property
    def _stride(self) -> int:
        stride = max(1, round(len(self) * 0.618))
        while gcd(stride, len(self)) != 1:
            stride += 1
        return stride

    def spread(self, step: int) -> int:
        """Number of the mutation to try at ``step``: neighbours lie far apart, ``len(self)`` steps visit every one."""
        return step * self._stride % len(self)


def sweep(spec: DeviceSpec) -> Iterator[tuple[DeviceSpec, str]]:
    """Every mutation of every field of the device, one at a time, with the name of the field."""
    fields = FieldSweep(spec)
    return (fields[number] for number in range(len(fields)))
