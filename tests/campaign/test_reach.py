"""Whose code of a round was whose: a driver's, whose case was made for it or bound it."""

from __future__ import annotations

from harness.lane.outcome import Binding
from usbfuzz.jobs.campaign import reach
from usbfuzz.jobs.campaign.messages import Made

from .covered import covered
from .pretend import case

_TWO = (Made(0, case(0)), Made(1, case(1)))


_NEEDS = {
    "snd_usb_audio": ("usbcore", "snd_pcm"),
    "uvcvideo": ("usbcore", "videodev"),
    "stk1160": ("usbcore", "videodev"),
}


def _owners(*bindings: Binding, ran: tuple[str, ...], cases: tuple[Made, ...] = _TWO) -> dict[str, int]:
    return reach._owners(cases, bindings, covered(*ran), 2, _NEEDS)


def test_a_module_belongs_to_the_only_case_that_bound_it() -> None:
    assert _owners(Binding(1, "2-1:1.0", "wacom"), ran=("wacom",)) == {"wacom": 1}
    assert _owners(Binding(0, "1-1:1.0", "wacom"), Binding(1, "2-1:1.0", "wacom"), ran=("wacom",)) == {}


def test_a_serial_converters_module_is_the_one_that_is_named_as_the_driver() -> None:
    bound = Binding(0, "1-1:1.0", "ftdi-sio")
    assert _owners(bound, ran=("ftdi_sio", "usbserial")) == {"ftdi_sio": 0}
    assert _owners(Binding(0, "1-1:1.0", "quatech-serial"), ran=("quatech2", "usbserial")) == {"usbserial": 0}


def test_a_driver_whose_module_cannot_be_seen_is_nobodys() -> None:
    assert _owners(Binding(0, "1-1:1.0", "unheard-of"), ran=("usbcore",)) == {}


def test_a_module_that_a_case_was_made_for_is_that_cases_whoever_bound_it() -> None:
    made = (Made(0, case(0), module="wacom"), Made(1, case(1)))
    assert _owners(Binding(1, "2-1:1.0", "wacom"), ran=("wacom",), cases=made) == {"wacom": 0}


def test_a_module_is_the_cases_whose_driver_alone_needs_it() -> None:
    made = (Made(0, case(0), module="snd_usb_audio"), Made(1, case(1), module="uvcvideo"))
    owners = _owners(ran=("snd_pcm", "videodev", "usbcore"), cases=made)
    assert (owners["snd_pcm"], owners["videodev"]) == (0, 1)
    assert "usbcore" not in owners  # runs for every device


def test_a_module_that_two_cases_drivers_need_is_nobodys() -> None:
    made = (Made(0, case(0), module="stk1160"), Made(1, case(1)))
    bound = Binding(1, "2-1:1.0", "uvcvideo")
    assert "videodev" not in _owners(bound, ran=("uvcvideo", "videodev"), cases=made)
    assert _owners(bound, ran=("uvcvideo", "videodev"))["videodev"] == 1
