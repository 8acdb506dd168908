"""The list of a campaign's cases: every case is run once, or skipped for a reason."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from strategies.generate import BLOCK
from usbfuzz.jobs.campaign.feed import stretches
from usbfuzz.jobs.campaign.work import BLOCK_CASES, STRIKES, Work


def test_a_block_is_what_the_generator_makes_in_one_go() -> None:
    assert BLOCK_CASES == BLOCK


@given(
    st.integers(0, 400),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["done", "dies"])), max_size=30),
)
def test_whatever_dies_every_case_below_the_limit_is_done_exactly_once(
    limit: int, lanes: int, fates: list[tuple[int, str]]
) -> None:
    work, ran = Work(limit=limit, lanes=lanes), []
    holding: dict[int, list[int]] = {}
    for lane, fate in [*fates, *((lane, "done") for _ in range(60) for lane in range(3))]:
        block = work.take(lane)
        if block is not None:
            holding.setdefault(lane, []).extend(block.indices)
        if fate == "dies":
            work.lost(lane, ())
            holding.pop(lane, None)
        else:
            ran += holding.get(lane, [])
            work.done(lane, holding.pop(lane, []))
    assert sorted(ran) == list(range(limit))
    assert work.exhausted


def test_near_the_end_every_lane_gets_some() -> None:
    work = Work(limit=64, lanes=2)
    shares = []
    for lane in (0, 1):
        while work.hungry(lane):
            block = work.take(lane)
            assert block is not None
        shares.append(work.held(lane))
    assert shares == [16, 12]


def test_blocks_end_where_the_generators_do() -> None:
    work = Work(next=10)
    block = work.take(0)
    assert block is not None
    assert block.indices == tuple(range(10, BLOCK_CASES))


def test_a_suspect_runs_alone_and_is_skipped_after_it_took_down_lanes_alone() -> None:
    work = Work(limit=8)
    first = work.take(0)
    assert first is not None
    assert first.alone == ()
    assert work.lost(0, suspects=(3, 4)) == []
    for strike in range(1, STRIKES + 1):
        block = work.take(0)
        assert block is not None
        assert block.alone == (3, 4)
        assert work.lost(0, suspects=(3,)) == ([3] if strike == STRIKES else [])
    last = work.take(0)
    assert last is not None
    assert last.indices == (0, 1, 2, 4, 5, 6, 7)


def test_cases_of_an_earlier_run_come_first() -> None:
    work = Work(next=100, returned=[7, 5])
    block = work.take(0)
    assert block is not None
    assert block.indices == (5, 7)
    assert work.unfinished == [5, 7]


@given(st.lists(st.integers(0, 50), unique=True).map(sorted))
def test_orders_to_the_generator_cover_the_indices_and_nothing_else(indices: list[int]) -> None:
    orders = list(stretches(indices))
    assert [order.first + n for order in orders for n in range(order.count)] == indices
    assert all(b.first > a.first + a.count for a, b in itertools.pairwise(orders))
