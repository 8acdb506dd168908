"""Captures: the descriptors and answers of a device come back, from every kind of file."""

from __future__ import annotations

import gzip
import lzma
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.said import Sender
from harness.usbredir.constants import WireStatus
from harness.usbredir.message import Message
from harness.usbredir.messages import DeviceConnect
from harness.usbredir.packets import ControlPacket, InterruptPacket
from tests.usbredir.recorded import recorded
from usbfuzz.case import DeviceSpec, ScriptedDevice
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.importers import add_capture, import_bytes
from usbfuzz.importers.capture.devices import import_capture, import_usbmon, looks_pcap, looks_usbmon, with_conversation
from usbfuzz.importers.model import Imported
from usbfuzz.report.capture import render_capture
from usbfuzz.wire import Answer, Setup, Speed, Status, TransferType, data

from .capture_files import DARWIN, LINUX, MMAPPED, USBPCAP, control, packets, pcap, pcapng, text
from .captured import (
    KEYBOARD,
    VENDOR_READ,
    VENDOR_WRITE,
    answers,
    captured,
    descriptors,
    enumeration,
    moved,
    only,
    timed,
)
from .damage import damaged, survives


@pytest.mark.parametrize("link", [LINUX, MMAPPED, USBPCAP, DARWIN])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_files_of_every_link_type_and_byte_order_give_the_same_device(link: int, order: str, nano: bool) -> None:
    content = pcap(packets(enumeration(KEYBOARD), link, order), link, order, nano=nano)
    assert looks_pcap(content)
    assert descriptors(only(import_capture(content, "x.pcap")).device) == descriptors(KEYBOARD)


@pytest.mark.parametrize("links", [(MMAPPED,), (1, LINUX), (MMAPPED, USBPCAP)])
@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_files_of_several_interfaces_give_the_same_device(links: tuple[int, ...], order: str) -> None:
    content = pcapng(packets(enumeration(KEYBOARD), links[-1], order), links, order)
    assert looks_pcap(content)
    assert descriptors(only(import_capture(content, "x.pcapng")).device) == descriptors(KEYBOARD)


def test_a_capture_of_macos_tells_the_speed_and_what_both_sides_sent() -> None:
    written = control(Setup(0x40, 0x12, 0, 0, 3), Answer(), payload=b"abc")
    frames = [
        evolve(moved(0x83, data(bytes([at] * 3)), 500_000 + at, 500_001 + at), type=TransferType.ISOCHRONOUS)
        for at in range(2)
    ]
    said = [*enumeration(KEYBOARD), *timed([written, control(VENDOR_READ, data(b"ab"))], 90_000), *frames]
    imported = only(import_capture(pcap(packets(said, DARWIN), DARWIN), "mac.pcap"))
    assert imported.device == captured(said).device
    assert imported.device.speed is Speed.LOW
    assert not any("speed" in what for what in imported.synthesised)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_compressed_captures_are_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    content = pack(pcap(packets(enumeration(KEYBOARD)), MMAPPED))
    assert descriptors(only(import_bytes(content, "x.pcap.gz")).device) == descriptors(KEYBOARD)
    (tmp_path / "late.pcap.gz").write_bytes(pack(pcap(packets([control(VENDOR_READ, data(b"ab"))]), MMAPPED)))
    (known,) = add_capture([Imported(KEYBOARD, "Bus 001 Device 005")], tmp_path / "late.pcap.gz")
    assert answers(known.device, VENDOR_READ) == [data(b"ab")]


def test_records_with_eight_bytes_more_are_read() -> None:
    plain = pcap([], MMAPPED)
    records = b"".join(
        struct.pack("<IIII8x", time // 1_000_000, time % 1_000_000, len(raw), len(raw)) + raw
        for time, raw in packets(enumeration(KEYBOARD))
    )
    content = struct.pack("<I", 0xA1B2CD34) + plain[4:] + records
    assert descriptors(only(import_capture(content, "x.pcap")).device) == descriptors(KEYBOARD)


def test_descriptors_cut_by_the_capture_are_kept_as_far_as_they_go() -> None:
    imported = only(import_capture(pcap(packets(enumeration(KEYBOARD)), MMAPPED, snap=64 + 32), "x.pcap"))
    assert imported.device.configurations == (KEYBOARD.configurations[0][:32],)
    assert any(
        f"configuration 0: the capture holds 32 of its {len(KEYBOARD.configurations[0])} bytes" in str(problem)
        for problem in imported.problems
    )


def test_answers_cut_by_the_capture_are_filled_up_and_listed() -> None:
    long = evolve(VENDOR_READ, wLength=32)
    content = pcap(
        packets([*enumeration(KEYBOARD), *timed([control(long, data(bytes(range(20))))], 90_000)]),
        MMAPPED,
        snap=64 + 18,
    )
    imported = only(import_capture(content, "x.pcap"))
    assert answers(imported.device, long) == [data(bytes(range(18)) + bytes(2))]
    assert any("1 answers the capture has cut off" in what for what in imported.synthesised)


def test_xhci_captures_show_no_set_address_and_are_stitched_all_the_same() -> None:
    said = [transfer for transfer in enumeration(KEYBOARD) if transfer.setup != Setup(0, 5, 5, 0, 0)]
    early = control(VENDOR_READ, data(b"early"), address=0)
    imported = only(import_capture(pcap(packets(timed([early, *said])), MMAPPED), "x"))
    assert answers(imported.device, VENDOR_READ)[0].data == b"early"


def test_an_address_that_gets_another_device_gives_two() -> None:
    mouse = evolve(KEYBOARD, device=build.device(idVendor=0x1234, idProduct=0x5678))
    said = timed([*enumeration(KEYBOARD), *enumeration(mouse)])
    found = import_capture(pcap(packets(said), MMAPPED), "x")
    assert [imported.device.device for imported in found] == [KEYBOARD.device, mouse.device]


def test_a_device_that_was_there_before_is_left_out_and_told() -> None:
    stranger = evolve(moved(0x81, data(b"hello"), 1, 2), address=9)
    imported = captured([*enumeration(KEYBOARD), stranger])
    assert "Bus 001 Device 009" in str(imported.problems[0])


def test_a_capture_of_a_device_known_from_elsewhere_adds_what_it_said() -> None:
    late = pcap(packets([control(VENDOR_READ, data(b"ab")), moved(0x81, data(b"x"), 2000, 2001)]), MMAPPED)
    known = Imported(evolve(KEYBOARD, control=(), endpoints=()), "Bus 001 Device 005")
    device = with_conversation(known, late, "late.pcap").device
    assert descriptors(device) == descriptors(KEYBOARD)
    assert answers(device, VENDOR_READ) == [data(b"ab")]
    assert [step.answer for step in device.endpoints[0].steps] == [data(b"x")]
    two = pcap(packets([moved(0x81, data(b"x"), 1, 2), evolve(moved(0x81, data(b"y"), 3, 4), address=7)]), MMAPPED)
    assert with_conversation(known, two, "two.pcap").device.endpoints == device.endpoints
    with pytest.raises(InputError, match=r"two\.pcap: holds Bus 001 Device 005, Bus 001 Device 007, not elsewhere"):
        with_conversation(evolve(known, origin="elsewhere"), two, "two.pcap")


def test_root_hubs_are_no_devices() -> None:
    hub = build.device(idVendor=0x1D6B, idProduct=2, bDeviceClass=9)
    said = timed([*enumeration(DeviceSpec("hub", hub), address=1), *enumeration(KEYBOARD)])
    assert only(import_capture(pcap(packets(said), MMAPPED), "x")).device.device == KEYBOARD.device


def test_the_text_of_usbmon_gives_short_devices_whole() -> None:
    content = text([*enumeration(KEYBOARD), *timed([control(VENDOR_READ, data(b"ab"))], 90_000)])
    assert looks_usbmon(content)
    imported = only(import_usbmon(content, "1u.txt"))
    assert imported.device.device == KEYBOARD.device
    assert imported.device.configurations == (KEYBOARD.configurations[0][:32],)
    assert answers(imported.device, VENDOR_READ) == [data(b"ab")]
    assert only(import_usbmon(text(enumeration(KEYBOARD), with_bus=False), "1t.txt")).device.device == KEYBOARD.device


def test_other_lines_in_a_text_of_usbmon_are_told() -> None:
    content = b"$ cat 1u\n" + text(enumeration(KEYBOARD))
    (problem,) = (problem for problem in only(import_usbmon(content, "1u")).problems if problem.line)
    assert str(problem) == "line 1: '$ cat 1u' is no event of usbmon; left out"


@pytest.mark.parametrize("keep", [10, 30, 47])
def test_a_file_that_ends_early_keeps_what_came_before(keep: int) -> None:
    whole = pcap(packets(enumeration(KEYBOARD)), MMAPPED)
    cut = whole + pcap(packets([control(VENDOR_READ, data(b"a"))]), MMAPPED)[24 : 24 + keep]
    imported = only(import_capture(cut, "x.pcap"))
    assert descriptors(imported.device) == descriptors(KEYBOARD)
    assert f"byte {len(whole)}: " in str(imported.problems[0])


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\xd4\xc3\xb2\xa1", "byte 0: the file ends within a header"),
        (pcap([(0, b"x")], 1), "captures link type 1, not USB"),
        (pcap([], MMAPPED), "holds no transfer that tells its device descriptor; start the capture, then plug"),
        (pcap(packets([moved(0x81, data(b"x"), 1, 2)]), MMAPPED), "usbfuzz import lsusb.txt --capture x.pcap"),
        (b"nonsense", "byte 0: no capture begins so"),
        (pcapng([], [MMAPPED])[:20], "byte 0: a record of 28 bytes goes beyond the end of the file"),
    ],
)
def test_a_file_without_a_device_is_refused_by_name_place_and_reason(content: bytes, what: str) -> None:
    with pytest.raises(InputError) as caught:
        import_capture(content, "x.pcap")
    assert str(caught.value).startswith("x.pcap: ")
    assert what in str(caught.value)


def test_superspeed_and_high_speed_are_told_from_the_descriptors() -> None:
    bulk = build.endpoint(0x81, TransferType.BULK, wMaxPacketSize=512)
    fast = DeviceSpec(
        "x", build.device(idVendor=1, idProduct=2), (build.configuration(build.interface(bInterfaceClass=255), bulk),)
    )
    assert captured(enumeration(fast)).device.speed is Speed.HIGH


# Any conversation comes back as it was, and no bytes break an importer.

_SETUPS = st.sampled_from([VENDOR_READ, evolve(VENDOR_READ, wIndex=4), VENDOR_WRITE, Setup(0xA1, 1, 0x0100, 0, 8)])
_WIRE = {
    Status.OK: WireStatus.SUCCESS,
    Status.STALL: WireStatus.STALL,
    Status.BABBLE: WireStatus.BABBLE,
    Status.IO_ERROR: WireStatus.IOERROR,
}
_ANSWERS = st.builds(Answer, st.sampled_from([Status.OK, Status.STALL, Status.IO_ERROR]), st.binary(max_size=8))


def _told(setup: Setup, answer: Answer) -> Answer:
    return answer if setup.is_in and answer.status is Status.OK else Answer(answer.status)


@given(st.lists(st.tuples(_SETUPS, _ANSWERS), max_size=12), st.sampled_from([LINUX, MMAPPED, USBPCAP, DARWIN]))
def test_any_conversation_is_repeated_word_for_word(said: list[tuple[Setup, Answer]], link: int) -> None:
    told = [(setup, _told(setup, answer)) for setup, answer in said]
    transfers = timed([control(setup, answer) for setup, answer in told], start=100_000)
    content = pcap(packets([*enumeration(KEYBOARD), *transfers], link), link)
    device = ScriptedDevice(only(import_capture(content, "x")).device)
    assert [device.on_control(setup, b"") for setup, _ in told] == [answer for _, answer in told]


_ENDS = st.sampled_from([WireStatus.SUCCESS, WireStatus.STALL, WireStatus.BABBLE, WireStatus.IOERROR])


def _asked(number: int, setup: Setup, status: int, raw: bytes) -> list[tuple[Sender, ControlPacket]]:
    """A control request on the usbredir channel, and its answer."""
    words = (setup.bmRequestType & 0x80, setup.bRequest, setup.bmRequestType)
    values = (setup.wValue, setup.wIndex)
    ask = ControlPacket(*words, 0, *values, setup.wLength, id=number)
    return [
        (Sender.GUEST, ask),
        (Sender.HOST, ControlPacket(*words, status, *values, len(raw), payload=raw, id=number)),
    ]


@given(
    st.lists(st.tuples(_SETUPS, _ENDS, st.binary(max_size=8)), max_size=10), st.lists(st.binary(max_size=8), max_size=6)
)
def test_what_a_report_writes_down_is_what_is_imported(
    requests: list[tuple[Setup, WireStatus, bytes]], typed: list[bytes]
) -> None:
    told = [(setup, end, raw if setup.is_in and end is WireStatus.SUCCESS else b"") for setup, end, raw in requests]
    known = [
        (transfer.setup, WireStatus.SUCCESS, transfer.answer.data)
        for transfer in enumeration(KEYBOARD)
        if transfer.setup
    ]
    heard: list[tuple[Sender, Message]] = [(Sender.HOST, DeviceConnect(1, 0, 0, 0, 0x0627, 0x0002, 0))]
    for number, (setup, end, raw) in enumerate([*known, *told]):
        heard += _asked(number + 1, setup, end, raw)
    heard += [(Sender.HOST, InterruptPacket(0x81, 0, len(raw), payload=raw)) for raw in typed]
    said = recorded((1e9 + at / 1e4, 0, who, what) for at, (who, what) in enumerate(heard))
    imported = only(import_capture(render_capture(said), "usb.pcapng"))
    assert descriptors(imported.device) == descriptors(KEYBOARD)
    device = ScriptedDevice(imported.device)
    answers_ = [device.on_control(setup, b"") for setup, _, _ in told]
    assert [(answer.data, _WIRE[answer.status]) for answer in answers_] == [(raw, end) for _, end, raw in told]
    assert [device.on_in(0x81, 8).data for _ in typed] == typed


_HEADS = [
    b"",
    b"\xd4\xc3\xb2\xa1",
    b"\xa1\xb2\x3c\x4d",
    b"\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a",
    b"ffff8881 1 S Ci:1:001:0 s ",
]


@given(st.sampled_from(_HEADS), st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_input_errors(head: bytes, tail: bytes) -> None:
    looks_pcap(head + tail), looks_usbmon(head + tail)
    for importer in (import_capture, import_usbmon):
        with pytest.raises(InputError):
            importer(head + tail, "x")


_RECORDS = {link: packets(enumeration(KEYBOARD), link) for link in (LINUX, MMAPPED, USBPCAP, DARWIN)}
_CAPTURES = [pcap(records, link) for link, records in _RECORDS.items()]
_CAPTURES += [pcapng(records, [link]) for link, records in _RECORDS.items()]


@given(st.sampled_from(_CAPTURES).flatmap(lambda content: damaged(content, st.integers(0, 255))))
def test_damaged_captures_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_capture, content)


@given(damaged(text(enumeration(KEYBOARD)), st.integers(32, 126)))
def test_damaged_texts_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_usbmon, content)
