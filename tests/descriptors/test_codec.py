"""Bytes in, the same bytes out."""

from __future__ import annotations

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.descriptors import Context, RawDescriptor, describe, join, split, typed
from usbfuzz.descriptors.standard import AudioEndpointDescriptor, EndpointDescriptor, InterfaceDescriptor
from usbfuzz.descriptors.uac1 import FeatureUnit, SelectorUnit
from usbfuzz.errors import InputError

from .soup import anything, configurations

contexts = st.builds(Context, st.integers(0, 15), st.integers(0, 3), st.sampled_from([0, 0x20, 0x30]))


@given(configurations, contexts)
def test_splitting_any_bytes_and_joining_them_gives_the_same_bytes(raw: bytes, context: Context) -> None:
    assert join(split(raw, context)) == raw


@given(anything, contexts)
def test_one_descriptor_of_any_bytes_keeps_them(raw: bytes, context: Context) -> None:
    assert typed(raw, context).raw == raw


@given(configurations)
def test_every_descriptor_is_described_on_one_short_line(raw: bytes) -> None:
    for descriptor in split(raw):
        line = describe(descriptor)
        assert line
        assert len(line) <= 160
        assert "\n" not in line


@given(configurations, st.data())
def test_replacing_a_field_changes_the_bytes_of_that_field_alone(raw: bytes, data: st.DataObject) -> None:
    for descriptor in split(raw):
        for field in descriptor.fields:
            start, stop, width = descriptor.spans[field.index]
            if field.kind != "int" or start == stop:
                continue
            value = data.draw(st.integers(0, 256**width - 1))
            changed = descriptor.replace(**{field.name: value})
            assert getattr(changed, field.name) == value
            assert changed.raw == descriptor.raw[:start] + value.to_bytes(width, "little") + descriptor.raw[stop:]


@given(configurations)
def test_replacing_every_field_by_itself_changes_nothing(raw: bytes) -> None:
    for descriptor in split(raw):
        present = [
            field.name
            for field in descriptor.fields
            if descriptor.spans[field.index][1] > descriptor.spans[field.index][0]
        ]
        assert descriptor.replace(**{name: getattr(descriptor, name) for name in present}) == descriptor


def test_a_replaced_raw_descriptor_still_knows_what_it_was_meant_to_be() -> None:
    (descriptor,) = split(bytes.fromhex("060581020002"))
    changed = descriptor.replace(bLength=7)
    assert isinstance(changed, RawDescriptor)
    assert changed.meant is EndpointDescriptor
    assert changed.raw == descriptor.rebuild(bLength=7).raw == bytes.fromhex("070581020002")


@pytest.mark.parametrize("length", [0, 1, 200])
def test_an_impossible_length_keeps_all_remaining_bytes_in_one_last_descriptor(length: int) -> None:
    rest = bytes((length, 5, 0x81)) + b"\x07\x05\x82\x02\x00\x02\x00"
    interface = bytes.fromhex("090400000103000000")
    first, last = split(interface + rest)
    assert isinstance(first, InterfaceDescriptor)
    assert isinstance(last, RawDescriptor)
    assert last.raw == rest
    assert last.meant is EndpointDescriptor


def test_a_stray_byte_is_a_descriptor_without_a_type() -> None:
    (descriptor,) = split(b"\x09")
    assert isinstance(descriptor, RawDescriptor)
    assert (descriptor.raw, descriptor.bLength, descriptor.bDescriptorType, descriptor.meant) == (b"\x09", 9, 0, None)


def test_a_descriptor_too_short_for_its_type_is_raw_and_says_what_it_was_meant_to_be() -> None:
    (descriptor,) = split(bytes.fromhex("060581020002"))
    assert isinstance(descriptor, RawDescriptor)
    assert descriptor.meant is EndpointDescriptor


def test_bytes_after_the_last_field_are_kept_as_trailing() -> None:
    (descriptor,) = split(bytes.fromhex("0805810200020055"))
    assert isinstance(descriptor, EndpointDescriptor)
    assert descriptor.trailing == b"\x55"


def test_an_endpoint_of_nine_bytes_has_the_audio_fields() -> None:
    (descriptor,) = split(bytes.fromhex("09050109c400010082"))
    assert isinstance(descriptor, AudioEndpointDescriptor)
    assert (descriptor.wMaxPacketSize, descriptor.bRefresh, descriptor.bSynchAddress) == (196, 0, 0x82)


def test_the_constructor_computes_length_type_and_counts() -> None:
    unit = SelectorUnit(bUnitID=5, baSourceID=(1, 2, 3))
    assert unit.raw == bytes.fromhex("09 24 05 05 03 01 02 03 00")
    assert (unit.bLength, unit.bDescriptorType, unit.bDescriptorSubtype, unit.bNrInPins) == (9, 0x24, 5, 3)


def test_the_constructor_takes_wrong_lengths_and_counts_on_purpose() -> None:
    unit = SelectorUnit(bUnitID=5, baSourceID=(1,), bNrInPins=200, bLength=3)
    assert unit.raw == bytes.fromhex("03 24 05 05 c8 01 00")
    assert unit.baSourceID == (1,)


def test_a_replaced_count_leaves_the_view_as_it_was_and_a_new_split_sees_it_truncated() -> None:
    unit = SelectorUnit(bUnitID=5, baSourceID=(1, 2)).replace(bNrInPins=200)
    assert unit.baSourceID == (1, 2)
    assert unit.iSelector == 0
    assert isinstance(typed(unit.raw, Context(1, 1, 0)), RawDescriptor)


def test_replace_refuses_a_value_of_another_length_and_rebuild_takes_it() -> None:
    unit = SelectorUnit(bUnitID=5, baSourceID=(1, 2), iSelector=7)
    with pytest.raises(InputError, match=r"SelectorUnit\.baSourceID.*rebuild"):
        unit.replace(baSourceID=(1, 2, 3))
    assert unit.rebuild(baSourceID=(1, 2, 3)).raw == bytes.fromhex("09 24 05 05 03 01 02 03 07")


def test_rebuild_keeps_trailing_bytes_and_the_widths_of_items() -> None:
    unit = FeatureUnit(bUnitID=1, bSourceID=2, bControlSize=2, bmaControls=(3, 0), iFeature=9)
    assert unit.rebuild(bmaControls=(1,)).raw == bytes.fromhex("09 24 06 01 02 02 01 00 09")
    (endpoint,) = split(bytes.fromhex("0805810200020055"))
    assert endpoint.rebuild(bInterval=4).raw == bytes.fromhex("0805810200020455")


def test_a_feature_unit_finds_its_string_index_at_the_end_as_the_kernel_does() -> None:
    unit = FeatureUnit.view(bytes.fromhex("0b 24 06 01 02 02 03 00 ee ee 09"))
    assert unit is not None
    assert unit.bmaControls == (3, 0xEEEE)
    odd = FeatureUnit.view(bytes.fromhex("0a 24 06 01 02 02 03 00 ee 09"))
    assert odd is not None
    assert (odd.bmaControls, odd.iFeature) == ((3,), 9)


@pytest.mark.parametrize("values", [{"bInterval": 256}, {"bInterval": -1}, {"bNoSuchField": 1}])
def test_a_value_that_does_not_fit_names_the_field(values: dict[str, int]) -> None:
    endpoint = EndpointDescriptor(bEndpointAddress=0x81, bmAttributes=3, wMaxPacketSize=8, bInterval=4)
    with pytest.raises(InputError, match=f"EndpointDescriptor.*{next(iter(values))}"):
        endpoint.replace(**values)


def test_a_missing_or_unknown_field_is_a_programming_error() -> None:
    with pytest.raises(TypeError, match="needs bmAttributes"):
        EndpointDescriptor(bEndpointAddress=0x81)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="has no field bInterval2"):
        EndpointDescriptor(bEndpointAddress=0x81, bmAttributes=3, wMaxPacketSize=8, bInterval=4, bInterval2=1)  # type: ignore[call-arg]


def test_descriptors_are_immutable_values() -> None:
    def make() -> EndpointDescriptor:
        return EndpointDescriptor(bEndpointAddress=0x81, bmAttributes=3, wMaxPacketSize=8, bInterval=4)

    assert make() == make()
    assert hash(make()) == hash(make())
    assert make() != make().replace(bInterval=5)
    assert "wMaxPacketSize=8" in repr(make())
    with pytest.raises(FrozenInstanceError):
        make().bInterval = 5  # type: ignore[misc]
