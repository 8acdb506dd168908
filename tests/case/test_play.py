"""A scripted device answers from its scripts first, in order and as often as they say, then as its descriptors say."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript, RequestPattern, Step
from usbfuzz.case.play import ScriptedDevice, spec_of
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Speed, Status, data

DEVICE = bytes.fromhex("12 01 00 02 00 00 00 40 34 12 78 56 00 01 00 00 00 01")
CONFIGURATION = bytes.fromhex("09 02 19 00 01 01 00 80 32  09 04 00 00 01 ff 00 00 00  07 05 81 02 00 02 00")
GET_DEVICE = Setup(0x80, 6, 0x0100, 0, 18)
VENDOR_IN = Setup(0xC0, 0x33, 1, 2, 4)
VENDOR_OUT = Setup(0x40, 0x10, 0, 0, 0)
OK = Answer()
A, B, C = data(b"a"), data(b"b"), data(b"c")


def device(*control: ControlScript, endpoints: tuple[EndpointScript, ...] = ()) -> ScriptedDevice:
    return ScriptedDevice(DeviceSpec("d", DEVICE, (CONFIGURATION,), control=control, endpoints=endpoints))


def ask(played: ScriptedDevice, setup: Setup, times: int) -> list[Answer]:
    return [played.on_control(setup, b"") for _ in range(times)]


def test_steps_are_given_in_order_and_as_often_as_they_say() -> None:
    played = device(ControlScript((Step(A, 2), Step(STALL), Step(B)), bRequest=0x33))
    assert ask(played, VENDOR_IN, 6) == [A, A, STALL, B, STALL, STALL]


def test_a_step_of_zero_times_answers_for_ever() -> None:
    played = device(ControlScript((Step(A), Step(B, 0), Step(C)), bRequest=0x33))
    assert ask(played, VENDOR_IN, 100) == [A] + [B] * 99


def test_the_next_matching_script_goes_on_where_the_first_ends() -> None:
    played = device(ControlScript((Step(A),), bRequest=0x33), ControlScript((Step(B, 0),)))
    assert ask(played, VENDOR_IN, 3) == [A, B, B]
    assert ask(played, VENDOR_OUT, 1) == [B]


@pytest.mark.parametrize("field", ["bmRequestType", "bRequest", "wValue", "wIndex", "wLength"])
def test_a_script_matches_on_every_field_of_the_setup_packet(field: str) -> None:
    value = getattr(VENDOR_IN, field)
    assert ask(device(ControlScript((Step(A),), **{field: value})), VENDOR_IN, 1) == [A]
    assert ask(device(ControlScript((Step(A),), **{field: value + 1})), VENDOR_IN, 1) == [STALL]


def test_a_script_sleeps_until_the_request_it_waits_for_has_been_sent() -> None:
    grown = data(DEVICE[:17] + b"\xff")
    script = ControlScript((Step(grown, 0),), bRequest=6, wValue=0x0100, after=RequestPattern(bRequest=0x10))
    played = device(script)
    assert ask(played, GET_DEVICE, 2) == [data(DEVICE)] * 2
    assert ask(played, VENDOR_OUT, 1) == [STALL]
    assert ask(played, GET_DEVICE, 2) == [grown] * 2


def test_a_request_does_not_wake_a_script_for_itself() -> None:
    played = device(ControlScript((Step(A, 0),), bRequest=0x33, after=RequestPattern(bRequest=0x33)))
    assert ask(played, VENDOR_IN, 2) == [STALL, A]


@given(st.binary(max_size=50), st.integers(0, 20), st.sampled_from(Status), st.integers(0, 100))
def test_a_scripted_answer_goes_out_as_it_is(raw: bytes, wLength: int, status: Status, delay_ms: int) -> None:
    answer = Answer(status, raw, delay_ms)
    played = device(ControlScript((Step(answer),)))
    assert played.on_control(Setup(0xC0, 1, 0, 0, wLength), b"") == answer


def test_when_scripts_run_out_the_descriptors_answer() -> None:
    played = device(ControlScript((Step(NEVER),), bRequest=6))
    assert ask(played, GET_DEVICE, 2) == [NEVER, data(DEVICE)]


def test_scripts_keep_their_place_across_a_reset() -> None:
    played = device(ControlScript((Step(A), Step(B)), bRequest=0x33))
    assert ask(played, VENDOR_IN, 1) == [A]
    played.on_reset()
    assert ask(played, VENDOR_IN, 1) == [B]


def test_each_plugged_device_plays_its_scripts_from_the_start() -> None:
    spec = DeviceSpec("d", DEVICE, control=(ControlScript((Step(A),)),))
    assert [ScriptedDevice(spec).on_control(VENDOR_IN, b"") for _ in range(2)] == [A, A]


def test_endpoints_play_their_scripts_and_then_fall_silent() -> None:
    scripts = (
        EndpointScript(0x81, (Step(A, 2),)),
        EndpointScript(0x02, (Step(STALL),)),
        EndpointScript(0x81, (Step(B),)),
    )
    played = device(endpoints=scripts)
    assert [played.on_in(0x81, 64) for _ in range(5)] == [A, A, B, NEVER, NEVER]
    assert [played.on_out(0x02, b"x") for _ in range(3)] == [STALL, OK, OK]
    assert played.on_in(0x83, 64) == NEVER
    assert played.on_out(0x04, b"x") == OK


def test_a_nak_holds_the_endpoint_until_the_host_sends_something() -> None:
    woken: list[int] = []
    played = device(endpoints=(EndpointScript(0x81, (Step(NAK), Step(A), Step(NAK), Step(B))),))
    played.wake = woken.append
    assert played.on_in(0x81, 64) == NAK
    assert woken == []
    played.on_out(0x02, b"command")
    assert woken == [0x81]
    assert [played.on_in(0x81, 64) for _ in range(2)] == [A, NAK]
    played.on_control(VENDOR_OUT, b"")
    assert woken == [0x81, 0x81]
    assert [played.on_in(0x81, 64) for _ in range(2)] == [B, NEVER]
    played.on_out(0x02, b"more")
    assert woken == [0x81, 0x81]


def test_an_endpoint_is_held_until_the_request_that_it_waits_for() -> None:
    woken: list[int] = []
    scripts = (EndpointScript(0x81, (Step(A),)), EndpointScript(0x81, (Step(B),), after=RequestPattern(bRequest=0)))
    played = device(endpoints=scripts)
    played.wake = woken.append
    assert [played.on_in(0x81, 64) for _ in range(2)] == [A, NAK]
    played.on_control(VENDOR_OUT, b"")
    assert played.on_in(0x81, 64) == NAK
    played.on_control(Setup(0x80, 0, 0, 0, 2), b"")
    assert woken == [0x81, 0x81]
    assert [played.on_in(0x81, 64) for _ in range(2)] == [B, NEVER]


def test_a_nak_for_ever_is_no_answer() -> None:
    played = device(endpoints=(EndpointScript(0x81, (Step(NAK, 0),)),))
    assert played.on_in(0x81, 64) == NEVER


def test_a_halted_endpoint_stalls_and_keeps_its_script() -> None:
    played = device(endpoints=(EndpointScript(0x81, (Step(A),)),))
    played.on_control(Setup(0x02, 3, 0, 0x81, 0), b"")
    assert played.on_in(0x81, 64) == STALL
    played.on_control(Setup(0x02, 1, 0, 0x81, 0), b"")
    assert played.on_in(0x81, 64) == A


def test_set_configuration_takes_any_value_and_lays_out_the_first() -> None:
    played = device()
    assert played.on_set_configuration(7) == OK
    assert played.configuration == 7
    assert [endpoint.bEndpointAddress for endpoint in played.layout().endpoints] == [0x81]


def test_the_layout_is_that_of_the_configuration_the_script_told_last() -> None:
    made_up = CONFIGURATION.replace(b"\x07\x05\x81", b"\x07\x05\x84")
    steps = (Step(data(CONFIGURATION)), Step(data(made_up)), Step(STALL))
    played = device(ControlScript(steps, bmRequestType=0x80, bRequest=6, wValue=0x0200))
    whole = Setup(0x80, 6, 0x0200, 0, len(CONFIGURATION))
    addresses = []
    for wLength in (9, 255, 255, 255):
        played.on_control(attrs.evolve(whole, wLength=wLength), b"")
        played.on_set_configuration(1)
        addresses.append([endpoint.bEndpointAddress for endpoint in played.layout().endpoints])
    assert addresses == [[0x81], [0x84], [0x84], [0x84]]


def test_a_script_can_refuse_set_configuration_and_set_interface() -> None:
    played = device(
        ControlScript((Step(STALL),), bmRequestType=0x00, bRequest=9),
        ControlScript((Step(STALL),), bmRequestType=0x01, bRequest=11, wValue=2, wIndex=1),
    )
    assert [played.on_set_configuration(1), played.configuration] == [STALL, 0]
    assert [played.on_set_configuration(1), played.configuration] == [OK, 1]
    assert [played.on_set_interface(1, 2), played.alternate] == [STALL, {}]
    assert [played.on_set_interface(1, 2), played.alternate] == [OK, {1: 2}]


@given(st.binary(max_size=60), st.binary(max_size=60), st.tuples(*[st.integers(0, 0xFFFF)] * 4), st.sampled_from(Speed))
def test_odd_descriptors_and_requests_raise_nothing(
    raw: bytes, configuration: bytes, numbers: tuple[int, int, int, int], speed: Speed
) -> None:
    played = ScriptedDevice(DeviceSpec("d", raw, (configuration, b""), speed, reports=((0, raw),)))
    request, *words = numbers
    played.on_set_configuration(request & 0xFF)
    played.on_set_interface(words[0] & 0xFF, words[1] & 0xFF)
    answer = played.on_control(Setup(request >> 8, request & 0xFF, *words), raw)
    assert answer == STALL or len(answer.data) <= words[2]
    assert played.device_descriptor() == raw
    assert len(played.layout().interfaces) <= 32


@pytest.mark.parametrize("model", [BootMouse, Keyboard])
def test_a_python_device_played_as_a_spec_answers_the_same(model: type[BootMouse | Keyboard]) -> None:
    real, played = model(), ScriptedDevice(spec_of(model()))
    asked = [(0x80, 0x0100, 0), (0x80, 0x0200, 0), (0x81, 0x2200, 0), (0x81, 0x2100, 0)]
    asked += [(0x80, 0x0300 + index, 0x0409) for index in range(4)]
    for bmRequestType, wValue, wIndex in asked:
        setup = Setup(bmRequestType, 6, wValue, wIndex, 255)
        assert real.on_control(setup, b"") == played.on_control(setup, b"")
