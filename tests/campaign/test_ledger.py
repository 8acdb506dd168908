"""The ledger of a campaign: every case is run once, or skipped for a reason."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.case.limits import BLOCK_CASES
from usbfuzz.jobs.campaign.case_queue import ranges
from usbfuzz.jobs.campaign.ledger import STRIKES, CaseLedger


@given(
    st.integers(0, 400),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["done", "dies"])), max_size=30),
)
def test_whatever_dies_every_case_below_the_limit_is_done_exactly_once(
    limit: int, lanes: int, fates: list[tuple[int, str]]
) -> None:
    ledger, ran = CaseLedger(limit=limit, lanes=lanes), []
    holding: dict[int, list[int]] = {}
    for lane, fate in [*fates, *((lane, "done") for _ in range(60) for lane in range(3))]:
        block = ledger.take(lane)
        if block is not None:
            holding.setdefault(lane, []).extend(block.indices)
        if fate == "dies":
            ledger.lost(lane, ())
            holding.pop(lane, None)
        else:
            ran += holding.get(lane, [])
            ledger.done(lane, holding.pop(lane, []))
    assert sorted(ran) == list(range(limit))
    assert ledger.exhausted


def test_near_the_end_every_lane_gets_some() -> None:
    ledger = CaseLedger(limit=64, lanes=2)
    shares = []
    for lane in (0, 1):
        while ledger.wants_more(lane):
            block = ledger.take(lane)
            assert block is not None
        shares.append(ledger.held(lane))
    assert shares == [16, 12]


def test_blocks_end_where_the_generators_do() -> None:
    ledger = CaseLedger(next=10)
    block = ledger.take(0)
    assert block is not None
    assert block.indices == tuple(range(10, BLOCK_CASES))


def test_a_suspect_runs_alone_and_is_skipped_after_it_took_down_lanes_alone() -> None:
    ledger = CaseLedger(limit=8)
    first = ledger.take(0)
    assert first is not None
    assert first.alone == ()
    assert ledger.lost(0, suspects=(3, 4)) == []
    for strike in range(1, STRIKES + 1):
        block = ledger.take(0)
        assert block is not None
        assert block.alone == (3, 4)
        assert ledger.lost(0, suspects=(3,)) == ([3] if strike == STRIKES else [])
    last = ledger.take(0)
    assert last is not None
    assert last.indices == (0, 1, 2, 4, 5, 6, 7)


def test_cases_of_an_earlier_run_come_first() -> None:
    ledger = CaseLedger(next=100, returned=[7, 5])
    block = ledger.take(0)
    assert block is not None
    assert block.indices == (5, 7)
    assert ledger.unfinished == [5, 7]


@given(st.lists(st.integers(0, 50), unique=True).map(sorted))
def test_ranges_for_the_generator_cover_the_indices_and_nothing_else(indices: list[int]) -> None:
    made = list(ranges(indices))
    assert [wanted.first + n for wanted in made for n in range(wanted.count)] == indices
    assert all(b.first > a.first + a.count for a, b in itertools.pairwise(made))
