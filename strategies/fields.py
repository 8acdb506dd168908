"""The field sweep: every field of a device's descriptors as a boofuzz primitive, one mutated at a time.

boofuzz renders, and says which values a field gets; its Session, which sleeps between test cases, is not used. The
mutations of a device are numbered as boofuzz enumerates them (``Request.get_mutations``).
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import accumulate
from math import gcd
from typing import TypeAlias

from attrs import define, evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import Descriptor, describe, split

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # boofuzz still imports names that Python is about to remove
    from boofuzz import Block, Byte, DWord, Request, Static, Word
    from boofuzz.mutation import Mutation
    from boofuzz.mutation_context import MutationContext

__all__ = ["FieldSweep", "request_of", "sweep"]

Primitive: TypeAlias = Byte | Word | DWord

_NUMBERS = {1: Byte, 2: Word, 4: DWord}
_MOST_ELEMENTS = 8  #: of an array field that are swept one by one
#: The only fields of the device descriptor that are swept: the others decide whether the kernel talks to it at all.
_DEVICE_FIELDS = ("bDeviceClass", "bNumConfigurations")


def _number(name: str, raw: bytes, fuzzable: bool) -> Primitive:
    return _NUMBERS[len(raw)](name=name, default_value=int.from_bytes(raw, "little"), fuzzable=fuzzable)


@lru_cache
def _values(bits: int) -> tuple[int, ...]:
    """What boofuzz puts in the place of any number of that width."""
    return tuple(_NUMBERS[bits // 8](name="any", default_value=0).mutations(0))


def _elements(name: str, raw: bytes, width: int, fuzzable: bool) -> Iterator[Primitive | Static]:
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


def _children(descriptor: Descriptor, only: tuple[str, ...] | None) -> Iterator[Primitive | Static]:
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
    def _swept(self) -> list[tuple[int, Primitive]]:
        """Each field that is swept, behind the number of its request, in the order of boofuzz's own enumeration."""
        return [
            (at, field)
            for at, request in enumerate(self.requests)
            for block in request.stack
            for field in block.stack
            if field.fuzzable
        ]

    @cached_property
    def _ends(self) -> list[int]:
        """The number behind the last mutation of each of these fields."""
        return list(accumulate(len(_values(field.width)) for _, field in self._swept))

    def _mutation(self, number: int) -> tuple[int, Mutation]:
        """A mutation, behind the number of its request: those of a device are thousands, and few are asked for."""
        nth = bisect_right(self._ends, number)
        at, field = self._swept[nth]
        values = _values(field.width)
        index = number - self._ends[nth] + len(values)
        return at, Mutation(value=values[index], qualified_name=field.qualified_name, index=index)

    def __len__(self) -> int:
        """How many mutations there are."""
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, number: int) -> tuple[DeviceSpec, str]:
        """The device with mutation ``number`` and the name of the field it changes."""
        at, mutation = self._mutation(number)
        raw = self.requests[at].render(MutationContext(mutations=[mutation]))
        note = f"{mutation.qualified_name} = {mutation.value}"
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
        return str(self._mutation(number)[1].qualified_name)

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
