"""Moments of a device: what is answered before them, and nothing beyond."""

from __future__ import annotations

from harness.channel.metered import Mark, Metered, Mood
from usbfuzz.device import Device
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Status

ASK = Setup(0x80, 6, 0x100, 0, 18)


class Four(Device):
    """Answers four bytes to whatever it is asked, and reads of endpoint 0x82 later."""

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        return Answer(data=b"abcd")

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        return NAK if bEndpointAddress == 0x82 else Answer(data=b"abcd")


def _meter() -> tuple[Metered, list[str], list[int]]:
    meter, reached, woken = Metered(Four()), list[str](), list[int]()
    meter.wake = woken.append
    return meter, reached, woken


def test_nothing_is_answered_after_so_many_packets_until_the_device_may_go_on() -> None:
    meter, reached, woken = _meter()
    meter.stop_at(Mark(2), lambda: reached.append("now"))
    assert meter.on_control(ASK, b"").data == b"abcd"
    assert not reached
    assert meter.on_in(0x81, 64).data == b"abcd"
    assert reached == ["now"]
    assert meter.on_control(ASK, b"") == NAK
    meter.go_on()
    assert woken == [0]
    assert meter.on_control(ASK, b"").data == b"abcd"


def test_an_answer_is_cut_after_so_many_bytes_and_fails() -> None:
    meter, reached, _ = _meter()
    meter.stop_at(Mark(1, 3), lambda: reached.append("now"))
    meter.on_control(ASK, b"")
    assert meter.on_control(ASK, b"") == Answer(Status.IO_ERROR, b"abc")
    assert reached == ["now"]


def test_with_no_byte_of_it_a_packet_is_asked_for_and_not_answered() -> None:
    meter, reached, _ = _meter()
    meter.stop_at(Mark(0, 0), lambda: reached.append("now"))
    assert meter.on_control(ASK, b"") == NAK
    assert (reached, meter.packets) == (["now"], 0)


def test_a_moment_that_is_over_is_now() -> None:
    meter, reached, _ = _meter()
    meter.on_control(ASK, b"")
    meter.stop_at(Mark(1), lambda: reached.append("now"))
    assert reached == ["now"]


def test_what_is_put_off_is_no_packet() -> None:
    meter, _, _ = _meter()
    meter.on_in(0x82, 64)
    assert (meter.packets, meter.said) == (0, [])


def test_a_device_that_has_left_in_its_own_way_answers_nothing_or_stalls_all() -> None:
    meter, _, _ = _meter()
    meter.go_on(Mood.SILENT)
    assert meter.on_in(0x81, 64) == NEVER
    meter.go_on(Mood.STALLS)
    assert meter.on_control(ASK, b"") == STALL
