"""The MIDI interface without a guest: event packets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.models.audio.midi import MidiInterface
from usbfuzz.models.audio.midi_packets import from_packets, to_packets
from usbfuzz.wire import NAK, data

_DATA = st.integers(0, 0x7F)


def _message(status: st.SearchStrategy[int], count: int) -> st.SearchStrategy[bytes]:
    return st.builds(lambda first, rest: bytes((first, *rest)), status, st.lists(_DATA, min_size=count, max_size=count))


MESSAGES = st.one_of(
    _message(st.integers(0x80, 0xBF) | st.integers(0xE0, 0xEF) | st.just(0xF2), 2),
    _message(st.integers(0xC0, 0xDF) | st.sampled_from((0xF1, 0xF3)), 1),
    _message(st.just(0xF6) | st.integers(0xF8, 0xFF), 0),
    st.lists(_DATA, max_size=20).map(lambda payload: bytes((0xF0, *payload, 0xF7))),
)


@given(st.lists(MESSAGES, max_size=10).map(b"".join), st.integers(0, 15))
def test_messages_come_out_of_their_packets_as_they_went_in(midi: bytes, cable: int) -> None:
    packets = to_packets(midi, cable)
    assert len(packets) % 4 == 0
    assert {packet >> 4 for packet in packets[::4]} <= {cable}
    assert from_packets(packets) == midi


@given(st.binary(max_size=64))
def test_any_packets_are_read(packets: bytes) -> None:
    assert len(from_packets(packets)) <= 3 * (len(packets) // 4)


@pytest.mark.parametrize(
    "broken", ["40", "90", "90 3c", "90 90 40", "f0 01", "f4", "f7", "90 3c 40 3c 40"], ids=lambda text: text
)
def test_what_is_no_message_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="byte"):
        to_packets(bytes.fromhex(broken))


def test_packets_have_the_code_index_numbers_of_the_specification() -> None:
    assert to_packets(bytes.fromhex("92 3c 40")) == bytes.fromhex("09 92 3c 40")
    assert to_packets(bytes.fromhex("c1 05"), 3) == bytes.fromhex("3c c1 05 00")
    assert to_packets(bytes.fromhex("f0 01 f7")) == bytes.fromhex("07 f0 01 f7")
    assert to_packets(bytes.fromhex("f0 01 02 f7")) == bytes.fromhex("04 f0 01 02 05 f7 00 00")
    assert to_packets(bytes.fromhex("f0 f7 f8")) == bytes.fromhex("06 f0 f7 00 0f f8 00 00")


def test_the_interface_delivers_whole_packets_and_wakes_its_host() -> None:
    interface = MidiInterface()
    woken: list[int] = []
    interface.wake = woken.append
    assert interface.on_in(0x81, 64) == NAK
    interface.play(bytes.fromhex("90 3c 40 80 3c 00"))
    assert woken == [0x81]
    assert interface.on_in(0x81, 7) == data(bytes.fromhex("09 90 3c 40"))
    assert interface.on_in(0x81, 64) == data(bytes.fromhex("08 80 3c 00"))
    assert interface.on_in(0x81, 64) == NAK


def test_the_interface_keeps_what_it_hears() -> None:
    interface = MidiInterface()
    interface.on_out(0x01, bytes.fromhex("09 90 3c 40 0c c0 05 00"))
    assert interface.received == bytes.fromhex("90 3c 40 c0 05")
