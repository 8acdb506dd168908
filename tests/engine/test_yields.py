"""What sources and drivers bring, and what they get for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.engine.plan import Source
from usbfuzz.jobs.engine.yields import Yields

_MODULES = ("usbhid", "uvcvideo", "redrat3")


def _ran(yields: Yields, source: Source, module: str, *, rounds: int, blocks: int, seconds: float = 0.05) -> None:
    for _ in range(rounds):
        yields.brought(source, module, blocks=blocks)
        yields.ran(source, module, 1, seconds)


def test_at_first_all_drivers_are_alike() -> None:
    modules = Yields(_MODULES).plan(64).modules
    assert set(modules) == set(_MODULES)
    assert max(modules.values()) == min(modules.values())


def test_a_source_that_brings_more_is_dealt_more_cases() -> None:
    yields = Yields(_MODULES)
    _ran(yields, Source.HAVOC, "usbhid", rounds=600, blocks=5)
    _ran(yields, Source.FRESH, "uvcvideo", rounds=600, blocks=0)
    sources = yields.plan(64).sources
    assert sources[Source.HAVOC] > 4 * sources[Source.FRESH]
    assert sources[Source.FRESH] > 0.02


def test_a_source_is_weighed_by_time_and_not_by_cases() -> None:
    yields = Yields(_MODULES)
    _ran(yields, Source.HAVOC, "usbhid", rounds=600, blocks=2, seconds=0.2)
    _ran(yields, Source.SWEEP, "usbhid", rounds=600, blocks=2, seconds=0.05)
    sources = yields.plan(64).sources
    assert sources[Source.SWEEP] > 8 * sources[Source.HAVOC]  # four times the rate, and four cases for the time of one


def test_a_driver_that_brings_nothing_any_more_makes_room_for_others() -> None:
    yields = Yields(_MODULES)
    _ran(yields, Source.FRESH, "usbhid", rounds=400, blocks=0)
    modules = yields.plan(64).modules
    assert modules["redrat3"] > 9 * modules["usbhid"] > 0


def test_time_that_crashes_cost_counts_against_their_driver() -> None:
    yields = Yields(_MODULES)
    _ran(yields, Source.FRESH, "usbhid", rounds=20, blocks=1)
    _ran(yields, Source.FRESH, "uvcvideo", rounds=20, blocks=1, seconds=0.6)
    modules = yields.plan(64).modules
    assert modules["usbhid"] > 1.5 * modules["uvcvideo"]


def test_a_bug_counts_for_its_source_and_not_for_its_driver() -> None:
    yields = Yields(_MODULES)
    before = yields.plan(64)
    yields.brought(Source.SWEEP, "usbhid", bugs=1)
    after = yields.plan(64)
    assert after.sources[Source.SWEEP] > before.sources[Source.SWEEP]
    assert after.modules == before.modules


def test_what_earlier_runs_brought_is_counted_and_says_nothing_of_now() -> None:
    yields = Yields(_MODULES)
    before = yields.plan(64).sources
    yields.sources[Source.HAVOC].earlier(100, 10.0, 5000, 3)
    account = yields.sources[Source.HAVOC]
    assert (account.cases, account.seconds, account.blocks, account.bugs) == (100, 10.0, 5000, 3)
    assert account.rate == pytest.approx(Yields(_MODULES).sources[Source.HAVOC].rate)
    assert yields.plan(64).sources[Source.FRESH] == pytest.approx(before[Source.FRESH], rel=0.9)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Source),
            st.sampled_from(_MODULES),
            st.floats(0, 100),
            st.integers(0, 10**6),
            st.integers(0, 2),
        ),
        max_size=50,
    )
)
def test_whatever_happens_every_source_and_driver_keeps_a_share(
    rounds: list[tuple[Source, str, float, int, int]],
) -> None:
    yields = Yields(_MODULES)
    for source, module, seconds, blocks, bugs in rounds:
        yields.ran(source, module, 1, seconds)
        yields.brought(source, module, blocks=blocks, bugs=bugs)
    plan = yields.plan(64)
    assert min(plan.modules.values()) > 0
    assert sum(plan.modules.values()) == pytest.approx(1, abs=1e-3)
    assert sum(plan.sources.values()) == pytest.approx(1, abs=1e-2)
    assert min(plan.sources.values()) >= 0


def test_a_lesson_is_paid_for_what_cases_reach_by_it() -> None:
    idle, paying = Yields(_MODULES), Yields(_MODULES)
    for yields in (idle, paying):
        _ran(yields, Source.FRESH, "usbhid", rounds=200, blocks=3)
        _ran(yields, Source.LEARNING, "usbhid", rounds=50, blocks=0)
    paying.taught(500)
    assert paying.plan(64).learning > 2 * idle.plan(64).learning
    assert paying.sources[Source.LEARNING].blocks == 0  # they are the other source's
