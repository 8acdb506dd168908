"""How likely cases are to end their guest."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.engine.risk import Risks


def test_a_driver_that_was_never_tried_is_unlikely_to_crash() -> None:
    assert 0 < Risks().of("uvcvideo") < 0.05


def test_a_driver_that_crashes_is_avoided_and_forgiven_when_it_does_not() -> None:
    risks = Risks()
    risks.ran(["uvcvideo", "usbhid"], ["uvcvideo"])
    crashed = risks.of("uvcvideo")
    assert crashed > 0.2
    assert risks.of("usbhid") < 0.05
    for _ in range(20):
        risks.ran(["uvcvideo"])
    assert risks.of("uvcvideo") < crashed / 4


def test_only_what_was_in_the_guest_is_blamed() -> None:
    risks = Risks()
    risks.ran(["usbhid"], ["uvcvideo"])
    assert risks.of("uvcvideo") == Risks().of("uvcvideo")


@given(st.lists(st.booleans(), max_size=300))
def test_a_risk_is_a_probability(crashes: list[bool]) -> None:
    risks = Risks()
    for crashed in crashes:
        risks.ran(["uvcvideo"], ["uvcvideo"] if crashed else [])
        assert 0 < risks.of("uvcvideo") <= 1
