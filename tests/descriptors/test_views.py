"""Every typed view goes through bytes and back, field by field."""

from __future__ import annotations

import re
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.descriptors import (
    bos,
    ccid,
    cdc,
    describe,
    dfu,
    hid,
    hub,
    midi,
    printer,
    standard,
    uac1,
    uac2,
    uac3,
    uas,
    uvc,
    uvc_streaming,
)
from usbfuzz.descriptors.base import Descriptor, RawDescriptor
from usbfuzz.descriptors.fields import REQUIRED, Computed, CountOf, Field, Fixed, WidthOf
from usbfuzz.descriptors.structure import Structure

TABLES = {
    "standard": standard.STANDARD,
    "bos": bos.BOS,
    "hid": hid.HID,
    "uac1.control": uac1.CONTROL,
    "uac1.streaming": uac1.STREAMING,
    "uac2.control": uac2.CONTROL,
    "uac2.streaming": uac2.STREAMING,
    "uac3.control": uac3.CONTROL,
    "uac3.streaming": uac3.STREAMING,
    "midi": midi.MIDI,
    "uvc.control": uvc.CONTROL,
    "uvc.streaming": uvc_streaming.STREAMING,
    "cdc": cdc.CDC,
    "hub": hub.HUB,
    "dfu": dfu.DFU,
    "ccid": ccid.CCID,
    "printer": printer.PRINTER,
    "uas": uas.UAS,
}
CLASSES: dict[str, type[Descriptor]] = {
    f"{room}.{cls.__name__}": cls for room, table in TABLES.items() for cls in table
}
VIEWS = [pytest.param(cls, id=name) for name, cls in CLASSES.items()]


Instance = TypeVar("Instance", bound=Structure)


def _value(field: Field, count: int, width: int) -> st.SearchStrategy:
    if field.kind == "int":
        return st.integers(0, 256 ** (field.width or 1) - 1)
    if field.kind == "bytes":
        size = count if field.size is None else field.size
        return st.binary(min_size=size, max_size=size)
    if field.kind == "ints":
        return st.tuples(*[st.integers(0, 256 ** (field.width or width) - 1)] * count)
    assert field.group is not None
    return st.tuples(*[_values(field.group)] * count)


@st.composite
def _values(draw: st.DrawFn, cls: type[Instance]) -> Instance:
    """An instance of ``cls`` with drawn fields and consistent counts."""
    counts: dict[str, int] = {}
    for field in cls.fields:
        if isinstance(field.default, CountOf):
            counts |= dict.fromkeys(field.default.fields, draw(st.integers(1, 4)))
    width = draw(st.integers(1, 3))
    drawn = {}
    for field in cls.fields:
        if isinstance(field.default, WidthOf):
            drawn[field.name] = width
        elif not isinstance(field.default, Computed | Fixed):
            drawn[field.name] = draw(_value(field, counts.get(field.name, 3), width))
    return cls(**drawn)


@pytest.mark.parametrize("cls", VIEWS)
@settings(max_examples=10)
@given(data=st.data())
def test_a_view_built_from_fields_reads_the_same_fields_from_its_bytes(
    cls: type[Descriptor], data: st.DataObject
) -> None:
    built = data.draw(_values(cls))
    read = cls.view(built.raw)
    assert read is not None
    assert read == built
    assert read.spans == built.spans
    assert repr(read) == repr(built)
    assert read.bLength == len(built.raw)
    assert describe(read) == describe(built)
    assert not any(cls.view(built.raw[:length]) for length in range(cls.minimum))
    assert built.rebuild() == built
    assert built.rebuild(**{f.name: getattr(built, f.name) for f in cls.fields if f.default is REQUIRED}) == built


FIXED = [
    pytest.param(cls, id=name) for name, cls in CLASSES.items() if all(field.size is not None for field in cls.fields)
]


@pytest.mark.parametrize("cls", FIXED)
def test_a_view_of_fixed_size_has_the_size_its_docstring_gives(cls: type[Descriptor]) -> None:
    stated = re.search(r"(\d+) bytes", cls.__doc__ or "")
    assert stated is not None
    assert int(stated[1]) == cls.minimum


@pytest.mark.parametrize("cls", VIEWS)
def test_every_view_has_a_name_for_people_and_a_source(cls: type[Descriptor]) -> None:
    assert cls.label not in ("descriptor", "unknown", "CS_INTERFACE", "CS_ENDPOINT")
    assert cls.__doc__
    assert not issubclass(cls, RawDescriptor)
