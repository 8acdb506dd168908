"""What a lane counts of a round: drivers that bound or gave up, and the guest's time."""

from __future__ import annotations

import asyncio
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.asked import Asked
from harness.lane.outcome import Binding, Outcome, Played
from usbfuzz.jobs.campaign.messages import Bound, GaveUp
from usbfuzz.jobs.campaign.tally import GuestClock, bound, gave_up, sources
from usbfuzz.wire import Setup

from .covered import covered
from .pretend import PretendLane, case

_OWN = Asked(0, Setup(0xC0, 0x2D, 0, 0, 1))
_CORES = Asked(0, Setup(0, 9, 1, 0, 0))


def _outcome(*played: Played, ran: tuple[str, ...] = (), binds: tuple[str, ...] = ()) -> Outcome:
    quiet = asyncio.run(PretendLane({}).run(case(0)))
    bindings = tuple(Binding(0, "1-1:1.0", name) for name in binds)
    return evolve(quiet, played=played, covered=covered(*ran), bindings=bindings)


def test_a_driver_that_ran_and_did_not_bind_gave_up_at_its_last_request() -> None:
    outcome = _outcome(
        Played(0, "asix 0b95:7720", _OWN, configured=True),
        Played(1, "asix 0b95:772a", _OWN, configured=True),
        ran=("asix", "usbcore"),
    )
    assert gave_up(outcome) == (GaveUp("asix", "vendor request 0x2d IN", 2),)


def test_a_driver_that_asked_nothing_of_its_own_gave_up_without_a_request() -> None:
    assert gave_up(_outcome(Played(0, "asix 0b95:7720", _CORES, configured=True), ran=("asix",))) == (
        GaveUp("asix", ""),
    )


def test_nothing_is_said_of_drivers_that_bound_never_ran_or_were_never_tried() -> None:
    device = Played(0, "asix 0b95:7720", _OWN, configured=True)
    assert gave_up(_outcome(device, ran=("asix",), binds=("AX88179",))) == ()
    assert gave_up(_outcome(device, ran=("usbcore",))) == ()
    assert gave_up(_outcome(evolve(device, name="usbcore 0451:8140"), ran=("usbcore",), binds=("hub",))) == ()
    assert gave_up(_outcome(evolve(device, configured=False), ran=("asix",))) == ()
    assert gave_up(evolve(_outcome(device, ran=("asix",)), covered=None)) == ()


def test_drivers_are_counted_by_binding_with_their_modules_and_without_the_cores() -> None:
    outcome = _outcome(binds=("usb", "AX88179", "AX88179", "strange"))
    assert bound(outcome) == (Bound("AX88179", "asix", 2), Bound("strange", "", 1))


def test_a_driver_that_another_module_registers_is_in_the_module_named_as_it() -> None:
    outcome = _outcome(ran=("ch341", "usbserial"), binds=("ch341",))
    assert bound(outcome) == (Bound("ch341", "ch341"),)
    assert bound(_outcome(ran=("usbserial",), binds=("navman",))) == (Bound("navman", "navman"),)


def test_cases_are_counted_by_the_strategy_that_made_them() -> None:
    made: Any = [evolve(case(n), provenance=evolve(case(n).provenance, strategy=s)) for n, s in enumerate("aab")]
    assert sources(made) == {"a": 2, "b": 1}


def test_guest_time_is_what_the_stamps_tell_over_lives_of_a_guest() -> None:
    clock = GuestClock()
    clock.heard("[  100.000000] first\nno stamp\n[  103.500000] last\n", 1)
    clock.heard("nothing printed", 1)
    clock.heard("[  110.000000] later\n", 1)
    assert clock.seconds == 10.0
    clock.heard("[  101.000000] restored\n", 2)
    assert clock.seconds == 11.0


@given(st.lists(st.tuples(st.text(), st.integers(0, 3)), max_size=8))
def test_no_console_makes_time_run_backwards_or_away(said: list[tuple[str, int]]) -> None:
    clock, before = GuestClock(), 0.0
    for console, life in said:
        clock.heard(f"[99999999.999999] {console}\n[    0.000001] \n[ 50.000000] {console}", life)
        assert before <= clock.seconds <= before + 7200.0
        before = clock.seconds
