"""What drivers send is looked through for kernel addresses and unwritten memory, and nothing else is called so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.addresses import UNKNOWN_KERNEL, AddressMap, Found, Range
from harness.channel.leaks import LeakWatch
from harness.channel.protocol import ChannelState
from tests.usbredir.peer import Dummy, endpoint, in_loop
from usbfuzz.wire import Setup, TransferType, data

from .ends import ENDS, End, brought

#: Of a guest of 512 MiB, as its /proc/kcore had them.
GUEST = AddressMap(
    (
        Range("kernel text", 0xFFFFFFFFAB400000, 0xFFFFFFFFAE42C000),
        Range("vmalloc", 0xFFFFA53780000000, 0xFFFFA53880000000),
        Range("modules", 0xFFFFFFFFC0000000, 0xFFFFFFFFD0000000),
        Range("direct map", 0xFFFF8E0140100000, 0xFFFF8E015FFE0000),
    )
)
MAPS = pytest.mark.parametrize("addresses", [GUEST, UNKNOWN_KERNEL], ids=["a guest's", "any kernel's"])
INSIDE = [0xFFFFFFFFAB400000, 0xFFFFA5387FFFFFFF, 0xFFFFFFFFC2BEA010, 0xFFFF8E015C8EBC40]
OUT = Setup(0x21, 9, 0x0302, 0, 16)


def _bytes(value: int) -> bytes:
    return value.to_bytes(8, "little")


def _watch(addresses: AddressMap = GUEST, *, poisoned: bool = True) -> LeakWatch:
    return LeakWatch(addresses, poisoned)


def _leaks(watch: LeakWatch, payload: bytes, setup: Setup | None = OUT) -> list[tuple[int, int]]:
    """Offset and address of what a transfer leaks."""
    if watch.suspects(payload):
        watch.look(Dummy(), 0, payload, setup)
    return [(leak.offset, leak.address) for leak in watch.take()]


@MAPS
@given(st.sampled_from(INSIDE), st.binary(max_size=40).filter(lambda raw: b"\xff" not in raw), st.binary(max_size=9))
def test_an_address_is_found_at_any_offset(addresses: AddressMap, value: int, before: bytes, after: bytes) -> None:
    text = before + _bytes(value) + b"\0" + after
    assert Found(len(before), value, addresses.where(value) or "") in addresses.addresses(text)
    assert addresses.gate in text


@MAPS
@given(st.binary(max_size=300))
def test_whatever_is_found_in_any_bytes_is_an_address_of_the_map(addresses: AddressMap, text: bytes) -> None:
    for found in addresses.addresses(text):
        assert _bytes(found.value) == text[found.at : found.at + 8]
        assert addresses.where(found.value) == found.where
        assert addresses.gate in text


@given(st.lists(st.tuples(st.integers(0, 2**64 - 2), st.integers(1, 2**40)), max_size=5), st.binary(max_size=64))
def test_any_map_can_be_searched_for(spans: list[tuple[int, int]], text: bytes) -> None:
    ranges = tuple(Range("r", start, min(start + size, 2**64)) for start, size in spans)
    addresses = AddressMap(ranges)
    for found in addresses.addresses(text):
        assert addresses.where(found.value)
    for each in ranges:
        if not _bytes(each.start).endswith(b"\xff" * 8):
            assert addresses.gate in _bytes(each.start)


@pytest.mark.parametrize(
    "payload",
    [
        bytes(64),
        b"\xff" * 64,
        b"\x00\x00\x00\xc0" + b"\xff" * 12,
        b"\x01\x02\x03\x81\xff\xff\xff\xff\xff\xff",
        (-2).to_bytes(8, "little", signed=True) * 4,
        (-100_000).to_bytes(8, "little", signed=True) * 4,
        (-20_000_000).to_bytes(8, "little", signed=True) * 4,
        bytes(range(256)) * 4,
        b"UVWXYZZZZZZZ"[:10],
        b"\x6b" * 6 + b"\xa5",
    ],
)
def test_counters_small_negatives_and_rows_of_ff_are_no_leak(payload: bytes) -> None:
    assert _leaks(_watch(), payload) == []


@given(st.integers(-(2**24), 2**24), st.integers(0, 7))
def test_no_small_number_is_an_address_of_any_kernel(number: int, shift: int) -> None:
    text = bytes(shift) + number.to_bytes(8, "little", signed=True) + bytes(8)
    assert [found.at for found in UNKNOWN_KERNEL.addresses(text) if found.at == shift] == []


def test_what_the_device_sent_before_is_no_leak() -> None:
    watch = _watch()
    watch.heard(b"name" + _bytes(INSIDE[3]))
    watch.heard(b"\x6b" * 4)
    assert _leaks(watch, b"\0\0" + _bytes(INSIDE[3])) == []
    assert _leaks(watch, b"\x6b" * 30) == []
    assert _leaks(watch, b"\0\0" + _bytes(INSIDE[2])) == [(2, INSIDE[2])]
    watch.plugged()
    assert _leaks(watch, b"\0\0" + _bytes(INSIDE[3])) == [(2, INSIDE[3])]


@pytest.mark.parametrize("row", [b"\x6b" * 8, b"\x6b" * 7 + b"\xa5", b"\x5a" * 9, b"\x6b" * 600])
def test_a_row_of_poison_is_a_leak_where_memory_is_poisoned(row: bytes) -> None:
    watch = _watch()
    watch.look(Dummy(), 2, b"abc" + row + b"d")
    (leak,) = watch.take()
    assert (leak.address, leak.row, leak.offset, leak.length) == (0, row, 3, len(row) + 4)
    assert _leaks(_watch(poisoned=False), b"abc" + row) == []


def test_a_place_is_told_once_a_round_and_so_many_at_most() -> None:
    watch = _watch()
    for _ in range(5):
        watch.look(Dummy(), 0, _bytes(INSIDE[3]), OUT)
    assert len(watch.found) == 1
    for offset in range(100):
        watch.look(Dummy(), 0, bytes(offset) + _bytes(INSIDE[3]), OUT)
    assert len(watch.take()) == 16
    assert _leaks(watch, _bytes(INSIDE[3])) == [(0, INSIDE[3])]


def test_the_bytes_around_it_are_kept() -> None:
    watch = _watch()
    payload = bytes(range(200)) + _bytes(INSIDE[3]) + bytes(100)
    watch.look(Dummy(), 0, payload)
    (leak,) = watch.take()
    assert leak.excerpt_at <= 200 - 16
    assert leak.excerpt == payload[leak.excerpt_at : leak.excerpt_at + 64]
    assert _bytes(INSIDE[3]) in leak.excerpt


@pytest.mark.parametrize(
    "piece", [b"\xff", b"\x90\xff\xff", b"\x6b\x6b\x6b\x6b\x6b\x6b\x6b\0", b"\0\0\0\x81\xff\xff\xff\xff"]
)
def test_a_hostile_payload_takes_no_longer_than_its_size(piece: bytes) -> None:
    watch = LeakWatch(UNKNOWN_KERNEL, poisoned=True)
    payload = piece * ((1 << 20) // len(piece))
    began = time.process_time()
    watch.suspects(payload)
    watch.look(Dummy(), 0, payload)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("kind", ENDS)
@in_loop
async def test_every_channel_has_its_devices_watched(tmp_path: Path, kind: type[End]) -> None:
    watch = _watch()
    device = Dummy(endpoint(0x01, TransferType.BULK))
    device.control = lambda _: data(_bytes(INSIDE[1]))
    async with brought(kind, tmp_path, ChannelState.EMPTY) as end:
        end.channel.leaks = watch
        await end.channel.plug(device)
        await end.ask()
        await end.tell(OUT, b"12345678" + _bytes(INSIDE[3]))
        await end.tell(OUT, b"echo it!" + _bytes(INSIDE[1]))
        await end.tell(OUT, b"nothing special.")
    (leak,) = watch.take()
    assert (leak.device, leak.endpoint, leak.offset, leak.length) == (device, 0, 8, 16)
    assert leak.setup == OUT
