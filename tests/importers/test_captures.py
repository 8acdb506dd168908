"""Captures: the descriptors and answers of a device come back, from every kind of file."""

from __future__ import annotations

import struct

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
from usbfuzz.case import Case, DeviceSpec, ScriptedDevice, dumps, loads, spec_of
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.devices import import_capture, import_usbmon, looks_pcap, looks_usbmon, with_conversation
from usbfuzz.importers.model import Imported
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.report.capture import render_capture
from usbfuzz.wire import NEVER, STALL, Answer, Setup, Speed, Status, TransferType, data

from .capture_files import LINUX, MMAPPED, USBPCAP, Said, control, packets, pcap, pcapng, text
from .damage import damaged, survives

KEYBOARD = spec_of(Keyboard(), "keyboard")
GET_DESCRIPTOR = 6
VENDOR_READ = Setup(0xC0, 0x10, 2, 3, 8)
VENDOR_WRITE = Setup(0x40, 0x11, 2, 3, 0)


def read(kind: int, index: int = 0, language: int = 0, length: int = 255) -> Setup:
    return Setup(0x80, GET_DESCRIPTOR, kind << 8 | index, language, length)


def enumeration(spec: DeviceSpec, address: int = 5) -> list[Said]:
    """What Linux asks of a device, as a capture of EHCI shows it: the first two requests go to address 0."""
    said = [
        control(read(DescriptorType.DEVICE, length=64), data(spec.device), address=0),
        control(Setup(0, 5, address, 0, 0), Answer(), address=0),
        control(read(DescriptorType.DEVICE, length=18), data(spec.device), address),
    ]
    for index, raw in enumerate(spec.configurations):
        said.append(control(read(DescriptorType.CONFIGURATION, index, length=9), data(raw[:9]), address))
        said.append(control(read(DescriptorType.CONFIGURATION, index, length=len(raw)), data(raw), address))
    for index, raw in spec.strings:
        said.append(control(read(DescriptorType.STRING, index, 0x409 if index else 0), data(raw), address))
    for number, raw in spec.reports:
        setup = Setup(0x81, GET_DESCRIPTOR, DescriptorType.HID_REPORT << 8, number, len(raw))
        said.append(control(setup, data(raw), address))
    return timed(said)


def timed(said: list[Said], start: int = 1000) -> list[Said]:
    """One transfer after the other, 10 µs each."""
    return [
        evolve(transfer, submitted=start + 20 * i, completed=start + 20 * i + 10) for i, transfer in enumerate(said)
    ]


def only(found: tuple[Imported, ...]) -> Imported:
    assert len(found) == 1
    return found[0]


def captured(said: list[Said]) -> Imported:
    return only(import_capture(pcap(packets(said), MMAPPED), "x.pcap"))


def descriptors(spec: DeviceSpec) -> tuple[object, ...]:
    return (spec.device, spec.configurations, spec.strings, spec.reports, spec.bos, spec.qualifier)


@pytest.mark.parametrize("link", [LINUX, MMAPPED, USBPCAP])
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


def talk(*said: Said, spec: DeviceSpec = KEYBOARD) -> Imported:
    """The keyboard, plugged in, and then what it said."""
    before = enumeration(spec)
    return captured([*before, *timed(list(said), start=100_000)])


def answers(spec: DeviceSpec, *setups: Setup) -> list[Answer]:
    device = ScriptedDevice(spec)
    return [device.on_control(setup, b"") for setup in setups]


def moved(endpoint: int, answer: Answer, submitted: int, completed: int) -> Said:
    """A transfer of another endpoint; microseconds."""
    return Said(answer, endpoint=endpoint, type=TransferType.BULK, submitted=submitted, completed=completed)


def test_a_device_imported_from_a_capture_is_a_case_that_can_be_written_down() -> None:
    device = talk(control(VENDOR_READ, data(b"12")), moved(0x81, data(b"x"), 5, 9)).device
    case = Case((device,), ())
    assert loads(dumps(case)) == case


def test_answers_to_vendor_requests_come_back_in_order_and_the_last_for_ever() -> None:
    said = [control(VENDOR_READ, data(bytes((value,)))) for value in (0, 0, 7)]
    device = talk(*said).device
    assert [step.times for step in device.control[0].steps] == [2, 0]
    assert [answer.data for answer in answers(device, *[VENDOR_READ] * 5)] == [b"\0", b"\0", b"\7", b"\7", b"\7"]


def test_requests_are_told_apart_by_their_values() -> None:
    other = evolve(VENDOR_READ, wValue=9)
    device = talk(control(VENDOR_READ, data(b"a")), control(other, data(b"b"))).device
    assert [answer.data for answer in answers(device, other, VENDOR_READ)] == [b"b", b"a"]


def test_a_request_of_two_lengths_keeps_the_answer_of_each() -> None:
    short = evolve(VENDOR_READ, wLength=1)
    device = talk(control(VENDOR_READ, data(b"ab")), control(short, data(b"c"))).device
    assert [answer.data for answer in answers(device, short, VENDOR_READ)] == [b"c", b"ab"]


def test_writes_that_are_always_accepted_become_one_script() -> None:
    writes = [control(Setup(0x40, 0x11, value, 0, 0), Answer()) for value in range(100)]
    device = talk(*writes).device
    assert len(device.control) == 1
    assert answers(device, Setup(0x40, 0x11, 4711, 0, 0)) == [Answer()]


@pytest.mark.parametrize("status", [Status.STALL, Status.BABBLE, Status.IO_ERROR, Status.TIMEOUT, Status.INVAL])
def test_a_failure_in_the_middle_stays_where_it_was(status: Status) -> None:
    failed = control(VENDOR_READ, Answer(status))
    device = talk(control(VENDOR_READ, data(b"a")), failed, control(VENDOR_READ, data(b"b"))).device
    first, second, third = answers(device, *[VENDOR_READ] * 3)
    assert (first.data, second.status, third.data) == (b"a", status, b"b")


def test_a_request_the_host_gave_up_is_never_answered() -> None:
    device = talk(control(VENDOR_READ, Answer(Status.NEVER))).device
    assert answers(device, VENDOR_READ) == [NEVER]


def test_a_string_that_was_refused_stays_refused_and_none_is_made_up() -> None:
    spec = evolve(KEYBOARD, strings=KEYBOARD.strings[:1])
    refused = [control(read(DescriptorType.STRING, i, 0x409), STALL) for i in range(4) if i not in dict(spec.strings)]
    imported = talk(*refused, spec=spec)
    assert imported.device.strings == spec.strings
    assert not any("string" in what for what in imported.synthesised)


def test_what_the_host_never_asked_for_is_made_up_and_listed() -> None:
    spec = evolve(KEYBOARD, strings=(), reports=())
    imported = talk(spec=spec)
    assert [number for number, _ in imported.device.reports] == [0]
    assert any("HID report descriptor of interface 0" in what for what in imported.synthesised)


def test_class_answers_are_made_up_only_where_the_host_never_asked() -> None:
    ncm = build.configuration(build.interface(bInterfaceClass=2, bInterfaceSubClass=0x0D, bNumEndpoints=0))
    spec = DeviceSpec("ncm", build.device(idVendor=1, idProduct=2), (ncm,))
    parameters = Setup(0xA1, 0x80, 0, 0, 28)
    assert answers(captured(enumeration(spec)).device, parameters)[0].status is Status.OK
    refused = talk(control(parameters, STALL), spec=spec)
    assert answers(refused.device, parameters) == [STALL]
    assert not any("GET_NTB_PARAMETERS" in what for what in refused.synthesised)


def test_a_slow_answer_keeps_its_delay_and_a_quick_one_has_none() -> None:
    slow = evolve(control(VENDOR_READ, data(b"a")), submitted=200_000, completed=1_700_000)
    device = captured([*enumeration(KEYBOARD), slow]).device
    assert answers(device, VENDOR_READ) == [Answer(Status.OK, b"a", 1500)]
    assert answers(talk(control(VENDOR_READ, data(b"a"))).device, VENDOR_READ) == [data(b"a")]


def test_an_endpoint_says_what_it_said() -> None:
    said = [moved(0x82, answer, 10 * i, 10 * i + 5) for i, answer in enumerate([data(b"a"), data(b"a"), STALL])]
    device = ScriptedDevice(captured([*enumeration(KEYBOARD), *said]).device)
    assert [device.on_in(0x82, 64) for _ in range(4)] == [data(b"a"), data(b"a"), STALL, NEVER]


def test_an_answer_that_came_after_a_write_waits_for_one() -> None:
    write = moved(0x02, Answer(), 520_000, 520_010)
    said = [moved(0x82, data(b"greeting"), 500_000, 510_000), write, moved(0x82, data(b"reply"), 510_001, 530_000)]
    device = ScriptedDevice(captured([*enumeration(KEYBOARD), *said]).device)
    assert device.on_in(0x82, 64) == data(b"greeting")
    assert device.on_in(0x82, 64).status is Status.NAK
    woken: list[int] = []
    device.wake = woken.append
    device.on_out(0x02, b"command")
    assert woken == [0x82]
    assert device.on_in(0x82, 64) == data(b"reply")


def test_an_answer_that_was_asked_for_after_the_write_does_not_wait() -> None:
    said = [moved(0x02, Answer(), 500_000, 500_010), moved(0x82, data(b"reply"), 500_020, 500_030)]
    device = ScriptedDevice(captured([*enumeration(KEYBOARD), *said]).device)
    device.on_out(0x02, b"command")
    assert device.on_in(0x82, 64) == data(b"reply")


def test_reads_the_host_took_back_are_no_answers() -> None:
    said = [moved(0x82, Answer(Status.NEVER), 500_000, 500_010)]
    assert captured([*enumeration(KEYBOARD), *said]).device.endpoints == ()


def test_bus_errors_of_a_device_that_is_pulled_out_are_left_out() -> None:
    ends = [data(b"a"), Answer(Status.IO_ERROR), data(b"b"), Answer(Status.IO_ERROR), Answer(Status.IO_ERROR)]
    said = [moved(0x82, answer, 500_000 + 20 * i, 500_010 + 20 * i) for i, answer in enumerate(ends)]
    (script,) = captured([*enumeration(KEYBOARD), *said]).device.endpoints
    assert [step.answer for step in script.steps] == ends[:3]


def test_a_long_stream_keeps_its_beginning_and_says_so() -> None:
    said = [moved(0x82, data(struct.pack("<I", i)), 500_000 + 9 * i, 500_005 + 9 * i) for i in range(2000)]
    imported = captured([*enumeration(KEYBOARD), *said])
    (script,) = imported.device.endpoints
    assert len(script.steps) == 512
    assert [str(problem) for problem in imported.problems] == ["endpoint 0x82: the first 512 of 2000 answers are kept"]


def test_isochronous_packets_are_answers_of_their_own() -> None:
    frames = struct.pack("<iIIIiIII", 0, 0, 2, 0, -18, 8, 1, 0)
    head = struct.pack("<QcBBBHBBqiiIIii", 9, b"C", 0, 0x83, 5, 1, ord("-"), 0, 1, 0, 0, 3, 41, 0, 2)
    packet = (1_000_000, head + struct.pack("<iiII", 1, 0, 0, 2) + frames + b"abcdefghi")
    device = only(import_capture(pcap([*packets(enumeration(KEYBOARD)), packet], MMAPPED), "x")).device
    assert [step.answer for step in device.endpoints[0].steps] == [data(b"ab"), Answer(Status.IO_ERROR, b"i")]


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
        (pcap(packets([moved(0x81, data(b"x"), 1, 2)]), MMAPPED), "1 devices talk in it, but none tells"),
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


@given(st.lists(st.tuples(_SETUPS, _ANSWERS), max_size=12), st.sampled_from([LINUX, MMAPPED, USBPCAP]))
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


_RECORDS = {link: packets(enumeration(KEYBOARD), link) for link in (LINUX, MMAPPED, USBPCAP)}
_CAPTURES = [pcap(records, link) for link, records in _RECORDS.items()]
_CAPTURES += [pcapng(records, [link]) for link, records in _RECORDS.items()]


@given(st.sampled_from(_CAPTURES).flatmap(lambda content: damaged(content, st.integers(0, 255))))
def test_damaged_captures_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_capture, content)


@given(damaged(text(enumeration(KEYBOARD)), st.integers(32, 126)))
def test_damaged_texts_raise_nothing_but_input_errors(content: bytes) -> None:
    survives(import_usbmon, content)
