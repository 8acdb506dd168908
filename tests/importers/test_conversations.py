"""Captured answers become response scripts: an imported device answers as the captured one did."""

from __future__ import annotations

import struct

import pytest
from attrs import evolve

from usbfuzz.case import Case, DeviceSpec, ScriptedDevice, dumps, loads
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.device import build
from usbfuzz.importers.capture.devices import import_capture
from usbfuzz.wire import NEVER, STALL, Answer, Setup, Status, data

from .capture_files import MMAPPED, control, packets, pcap
from .captured import (
    KEYBOARD,
    VENDOR_READ,
    answers,
    captured,
    enumeration,
    moved,
    only,
    read,
    talk,
)


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
