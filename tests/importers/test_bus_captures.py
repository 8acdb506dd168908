"""Captures of bus packets: transfers are put together, and give what a capture of the host gives."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.bus.packets import PID
from usbfuzz.importers.capture.devices import import_capture, with_conversation
from usbfuzz.importers.model import Imported
from usbfuzz.wire import NEVER, STALL, Answer, Setup, Speed, TransferType, data

from .bus_files import FULL, HIGH, LOW, USB_2_0, bus_packets, data_packet, split_token, token
from .capture_files import MMAPPED, Said, control, packets, pcap, pcapng
from .captured import (
    KEYBOARD,
    VENDOR_READ,
    VENDOR_WRITE,
    answers,
    captured,
    enumeration,
    moved,
    only,
    read,
    timed,
)
from .damage import damaged, survives

_SPEEDS = {USB_2_0: None, LOW: Speed.LOW, FULL: Speed.FULL, HIGH: Speed.HIGH}


def imported_from(said: list[Said], link: int = USB_2_0, **how: Any) -> Imported:
    """The one device of a capture of the bus."""
    return only(import_capture(pcap(bus_packets(said, **how), link), "x.pcap"))


def _typed(*reports: bytes, start: int = 200_000) -> list[Said]:
    """Reports of the keyboard, 10 ms apart: each is waited for from the one before on."""
    return [
        Said(data(raw), endpoint=0x81, type=TransferType.INTERRUPT, submitted=at, completed=at + 9_900)
        for at, raw in enumerate(reports)
        for at in [start + 10_000 * at]
    ]


_TALK = [
    *enumeration(KEYBOARD),
    *timed(
        [
            control(VENDOR_READ, data(b"eight by")),
            control(VENDOR_READ, STALL),
            control(VENDOR_WRITE, Answer()),
            control(Setup(0x40, 0x12, 0, 0, 20), Answer(), payload=bytes(range(20))),
            control(Setup(0xC0, 0x13, 0, 0, 255), data(bytes(range(128)))),
            control(evolve(VENDOR_WRITE, bRequest=0x14), STALL),
        ],
        100_000,
    ),
    *_typed(bytes(8), b"\0\0\4\0\0\0\0\0", bytes(8)),
]


@pytest.mark.parametrize("link", [USB_2_0, LOW, FULL, HIGH])
@pytest.mark.parametrize("order", ["<", ">"])
def test_packets_of_a_bus_give_the_device_that_a_capture_of_the_host_gives(link: int, order: str) -> None:
    from_host = captured(_TALK).device
    content = pcap(bus_packets(_TALK), link, order, nano=order == ">")
    from_bus = only(import_capture(content, "x.pcap")).device
    assert from_bus == evolve(from_host, speed=_SPEEDS[link] or from_host.speed)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_small_packets_give_the_same_device(size: int) -> None:
    assert imported_from(_TALK, size=size).device == captured(_TALK).device


def test_a_device_behind_a_hub_is_read_from_split_transactions() -> None:
    imported = imported_from(_TALK, HIGH, behind_hub=True, size=8)
    assert imported.device == evolve(captured(_TALK).device, speed=Speed.LOW)


@settings(deadline=None)
@given(st.lists(st.integers(1, 60), max_size=8), st.sampled_from([8, 64]))
def test_what_is_sent_again_because_its_handshake_was_lost_counts_once(loses: list[int], size: int) -> None:
    assert imported_from(_TALK, loses=loses, size=size).device == captured(_TALK).device


def test_what_an_analyzer_of_several_interfaces_writes_is_read_too() -> None:
    content = pcapng(bus_packets(_TALK), [252, FULL])
    imported = only(import_capture(content, "x.pcapng"))
    assert imported.device == evolve(captured(_TALK).device, speed=Speed.FULL)
    assert not any("speed" in what for what in imported.synthesised)


def test_a_capture_of_the_bus_that_began_late_adds_what_a_known_device_said() -> None:
    late = [control(VENDOR_READ, data(b"ab"), submitted=50, completed=60), *_typed(b"12345678", b"abcdefgh")]
    known = Imported(evolve(KEYBOARD, control=(), endpoints=()), "Bus 001 Device 005")
    from_bus = with_conversation(known, pcap(bus_packets(late), HIGH), "late.pcap").device
    assert from_bus == with_conversation(known, pcap(packets(late), MMAPPED), "late.pcap").device
    assert [step.answer.data for step in from_bus.endpoints[0].steps] == [b"12345678", b"abcdefgh"]


def test_what_the_known_device_says_of_its_endpoints_counts() -> None:
    parts = build.interface(bInterfaceClass=255), build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=8)
    known = Imported(DeviceSpec("x", build.device(idVendor=1, idProduct=2), (build.counted(*parts),)), "x")
    said = pcap(bus_packets([moved(0x81, data(bytes(20)), 1000, 1900)], size=8), FULL)
    (script,) = with_conversation(known, said, "x.pcap").device.endpoints
    assert [len(step.answer.data) for step in script.steps] == [20]


_DISK = Imported(
    DeviceSpec(
        "disk",
        build.device(idVendor=1, idProduct=2),
        (
            build.counted(
                build.interface(bInterfaceClass=8),
                build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=512),
                build.endpoint(0x02, TransferType.BULK, wMaxPacketSize=512),
            ),
        ),
    ),
    "Bus 001 Device 005",
)


def _bulk(endpoint: int, raw: bytes, at: int) -> Said:
    answer = data(raw) if endpoint & 0x80 else Answer()
    return evolve(moved(endpoint, answer, at, at + 10), payload=b"" if endpoint & 0x80 else raw)


def test_full_bulk_packets_end_where_the_command_of_a_disk_says() -> None:
    command = struct.pack("<4sIIBBB16s", b"USBC", 1, 1024, 0x80, 0, 10, b"\x28")
    said = [_bulk(2, command, 100), _bulk(0x81, bytes(1024), 150), _bulk(0x81, b"USBS" + bytes(9), 200)]
    device = with_conversation(_DISK, pcap(bus_packets(said, size=512, knows_lengths=True), HIGH), "disk.pcap").device
    assert [len(step.answer.data) for script in device.endpoints for step in script.steps if step.answer.data] == [
        1024,
        13,
    ]


def test_full_bulk_packets_end_where_the_host_makes_a_pause() -> None:
    said = [_bulk(0x81, bytes(1024), at) for at in (100, 5_000, 5_100)]
    device = with_conversation(_DISK, pcap(bus_packets(said, size=512, knows_lengths=True), HIGH), "reads.pcap").device
    assert [len(step.answer.data) for step in device.endpoints[0].steps] == [1024, 2048]


def test_packets_without_handshakes_are_isochronous() -> None:
    sent = [bytes([at] * 3) for at in range(4)]
    frames = [
        evolve(moved(0x83, data(raw), at * 1000, at * 1000), type=TransferType.ISOCHRONOUS)
        for at, raw in enumerate(sent)
    ]
    known = Imported(evolve(KEYBOARD, endpoints=()), "Bus 001 Device 005")
    device = with_conversation(known, pcap(bus_packets(frames), HIGH), "stream.pcap").device
    assert [step.answer.data for step in device.endpoints[0].steps] == sent


def test_what_is_sent_in_one_microframe_is_one_isochronous_frame() -> None:
    said = [
        (time, raw)
        for time in (0, 125)
        for pid, payload in ((PID.DATA2, b"ab"), (PID.DATA1, b"cd"), (PID.DATA0, b"e"))
        for raw in (token(PID.IN, 5, 3), data_packet(pid, payload))
    ]
    known = Imported(evolve(KEYBOARD, endpoints=()), "Bus 001 Device 005")
    device = with_conversation(known, pcap(said, HIGH), "stream.pcap").device
    assert [(step.answer.data, step.times) for step in device.endpoints[0].steps] == [(b"abcde", 2)]


def test_a_request_that_the_host_gave_up_is_never_answered() -> None:
    asked = [token(PID.SETUP, 5), data_packet(PID.DATA0, VENDOR_READ.pack()), bytes((PID.ACK,))]
    refused = [token(PID.IN, 5), bytes((PID.NAK,))]
    said = [(800_000, raw) for raw in (*asked, *refused)]
    next_ = timed([control(VENDOR_WRITE, Answer())], 5_900_000)
    content = pcap([*bus_packets(enumeration(KEYBOARD)), *said, *bus_packets(next_)], USB_2_0)
    assert answers(only(import_capture(content, "x.pcap")).device, VENDOR_READ, VENDOR_WRITE) == [NEVER, Answer()]


def test_what_a_preamble_announces_is_low_speed() -> None:
    preamble, tokens = bytes((PID.PRE,)), (PID.IN, PID.OUT, PID.SETUP)
    plain = bus_packets(_TALK, size=8)
    together = [(time, preamble + raw if raw[0] in tokens else raw) for time, raw in plain]
    apart = [part for time, raw in plain for part in [(time, preamble)] * (raw[0] in tokens) + [(time, raw)]]
    for said in (together, apart):
        assert only(import_capture(pcap(said, FULL), "x.pcap")).device == captured(_TALK).device


def test_packets_that_the_capture_cut_give_the_beginning_of_a_descriptor() -> None:
    content = pcap(bus_packets(enumeration(KEYBOARD)), USB_2_0, snap=1 + 18)
    imported = only(import_capture(content, "x.pcap"))
    assert imported.device.device == KEYBOARD.device
    assert imported.device.configurations == (KEYBOARD.configurations[0][:18],)
    assert any("configuration 0: the capture holds 18 of its" in str(problem) for problem in imported.problems)


def test_damaged_packets_are_told() -> None:
    said = bus_packets(_TALK)
    noise = [(0, b"\xff"), (0, b"\x69\0\0"), (0, token(PID.IN, 5, 1)), (0, b"\xc3\x01\x02\x03")]
    imported = only(import_capture(pcap([*noise, *said], USB_2_0), "x.pcap"))
    assert imported.device == captured(_TALK).device
    assert str(imported.problems[0]).startswith("3 packets are damaged")


def test_the_checks_are_those_that_every_bus_carries() -> None:
    assert token(PID.SETUP, 0).hex() == "2d0010"
    assert token(PID.IN, 14, 1).hex() == "698e50"
    assert split_token(complete=False, type_=TransferType.CONTROL, is_low=True, hub=12, port=2).hex() == "780c82c8"
    assert data_packet(PID.DATA0, read(DescriptorType.DEVICE, length=64).pack()).hex() == "c38006000100004000dd94"


_SETUPS = st.sampled_from([VENDOR_READ, evolve(VENDOR_READ, wIndex=4), VENDOR_WRITE, Setup(0xA1, 1, 0x0100, 0, 8)])
_ANSWERS = st.one_of(st.just(STALL), st.builds(data, st.binary(max_size=8)))


@settings(deadline=None)
@given(st.lists(st.tuples(_SETUPS, _ANSWERS), max_size=12), st.lists(st.binary(max_size=8), max_size=6), st.booleans())
def test_any_conversation_is_that_of_the_host(
    said: list[tuple[Setup, Answer]], typed: list[bytes], behind_hub: bool
) -> None:
    told = [(setup, answer if setup.is_in or answer == STALL else Answer()) for setup, answer in said]
    all_ = [*enumeration(KEYBOARD), *timed([control(*pair) for pair in told], 100_000), *_typed(*typed)]
    from_bus = imported_from(all_, HIGH if behind_hub else USB_2_0, behind_hub=behind_hub, size=8).device
    assert evolve(from_bus, speed=Speed.LOW) == evolve(captured(all_).device, speed=Speed.LOW)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=12))), st.sampled_from([*_SPEEDS]))
def test_any_packets_raise_nothing_but_input_errors(said: list[tuple[int, bytes]], link: int) -> None:
    with pytest.raises(InputError):
        import_capture(pcap(said, link), "x")


_CAPTURES = [pcap(bus_packets(_TALK), USB_2_0), pcap(bus_packets(_TALK, behind_hub=True, size=8), HIGH)]


@settings(deadline=None)
@given(st.sampled_from(_CAPTURES).flatmap(lambda content: damaged(content, st.integers(0, 255))))
def test_damaged_captures_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_capture, content)
