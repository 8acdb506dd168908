"""Configurations that are given what a driver was seen to look for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.learning.shape import broad, reshaped
from usbfuzz.descriptors.tree import parse
from usbfuzz.wire import TransferType

#: Two interfaces; the first has a bulk IN endpoint.
_RAW = bytes.fromhex("090229000201008032 090400 0001ff000000 07058102000200 090401 0001ff000000 07050203400004")


def _endpoints(raw: bytes, interface: int) -> list[tuple[int, int]]:
    setting = parse(raw).settings[interface]
    return [(end.head.bEndpointAddress, end.head.bmAttributes & 3) for end in setting.endpoints]


def test_a_byte_that_counts_nothing_is_replaced() -> None:
    assert reshaped(_RAW, 20, 0x83) == _RAW[:20] + b"\x83" + _RAW[21:]


def test_more_endpoints_are_of_the_kinds_that_the_interface_lacks_and_have_addresses_of_their_own() -> None:
    raw = reshaped(_RAW, 13, 4)
    assert _endpoints(raw, 0) == [(0x81, 2), (0x01, 2), (0x82, 3), (0x03, 3)]
    assert _endpoints(raw, 1) == [(0x02, 3)]
    assert int.from_bytes(raw[2:4], "little") == len(raw)


def test_more_interfaces_are_like_the_last_and_have_numbers_and_endpoints_of_their_own() -> None:
    raw = reshaped(_RAW, 4, 4)
    assert [setting.head.bInterfaceNumber for setting in parse(raw).settings] == [0, 1, 2, 3]
    assert [_endpoints(raw, interface) for interface in (2, 3)] == [[(0x01, 3)], [(0x03, 3)]]
    assert raw[4] == 4


def test_a_broad_interface_has_endpoints_of_one_type_both_ways() -> None:
    raw = broad(_RAW, TransferType.BULK)
    assert [setting.head.bInterfaceNumber for setting in parse(raw).settings] == [0]
    assert sorted(_endpoints(raw, 0)) == [(way | number, 2) for way in (0, 0x80) for number in range(1, 7)]
    assert (raw[4], int.from_bytes(raw[2:4], "little")) == (1, len(raw))
    assert broad(b"\x09\x02", TransferType.BULK) == b"\x09\x02"  # nothing to make broad


@pytest.mark.parametrize("offset", [4, 13])
def test_fewer_are_only_said(offset: int) -> None:
    assert len(reshaped(_RAW, offset, 0)) == len(_RAW)


@given(st.binary(min_size=1, max_size=64), st.integers(0, 63), st.integers(0, 255))
def test_any_bytes_can_be_reshaped(raw: bytes, offset: int, value: int) -> None:
    assert reshaped(raw, offset % len(raw), value)
