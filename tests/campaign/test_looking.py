"""A lane looks into what its rounds reported: within a share of its time, what is fast first, and nothing twice."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest
from attrs import define, evolve, field

from harness.lane.outcome import Outcome, Verdict
from harness.workers.upstream import Upstream
from usbfuzz.jobs.campaign.attribute import ENOUGH
from usbfuzz.jobs.campaign.case_queue import CaseQueue
from usbfuzz.jobs.campaign.inbox import Inbox
from usbfuzz.jobs.campaign.looking import Looking
from usbfuzz.jobs.campaign.messages import (
    Attributed,
    Free,
    Manifested,
    Order,
    Reply,
    Sighted,
    SightingSaved,
    Stop,
    ToShrink,
)
from usbfuzz.triage import Report
from usbfuzz.triage.types import CrashType

from .pretend import PretendLane, case, report

_HANG = evolve(report("INFO: task hung in x"), type=CrashType.HANG)


@define
class _Campaign:
    """Stands in for the supervisor: saves each sighting, and has one case to be made small."""

    inbox: Inbox = field(factory=lambda: Inbox(cast("CaseQueue", None)))
    said: list[Reply] = field(factory=list)
    to_shrink: ToShrink = field(factory=ToShrink)

    def send(self, message: Reply) -> None:
        self.said.append(message)
        if isinstance(message, Sighted):
            title = message.evidence.report.title
            self.inbox.take(SightingSaved(title, attribute=True))
        elif isinstance(message, Free):
            self.inbox.take(self.to_shrink)
            self.to_shrink = ToShrink()

    def of(self, kind: type[Reply]) -> list[Any]:
        return [message for message in self.said if isinstance(message, kind)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """One number: what ``time.monotonic()`` says."""
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def _looking(lane: PretendLane, campaign: _Campaign, *, minimize: bool = False) -> Looking:
    return Looking(lane, cast("Upstream[Order, Reply]", campaign), campaign.inbox, minimize)


def _outcome(*reports: Report, verdict: Verdict = Verdict.CRASH) -> Outcome:
    quiet = asyncio.run(PretendLane({}).run(case(5)))
    return evolve(quiet, reports=reports, verdict=verdict, restored=True)


def _look(looking: Looking, *outcomes: Outcome, between: bool = True) -> list[list[str]]:
    async def all_of_them() -> list[list[str]]:
        hits = []
        for outcome in outcomes:
            hits.append(await looking.look_into(outcome, (case(5),), ()))
            if between:
                await looking.between()
        return hits

    return asyncio.run(all_of_them())


def _lane(*titles: str) -> PretendLane:
    return PretendLane({"crashes": [{"needs": [5], "title": title} for title in titles]})


def test_a_new_report_is_saved_before_anything_runs_and_a_known_one_costs_no_run() -> None:
    lane, campaign = _lane("oops"), _Campaign()
    outcome = _outcome(report("oops"))
    assert _look(_looking(lane, campaign), outcome, outcome) == [[], ["oops"]]
    assert next(type(message) for message in campaign.said if not isinstance(message, Free)) is Sighted
    assert len(campaign.of(Sighted)) == len(campaign.of(Attributed)) == 1
    assert lane.runs == [[5]] * ENOUGH


def test_what_follows_broken_memory_is_noted_with_its_bug_and_not_looked_into() -> None:
    lane, campaign = _lane("oops"), _Campaign()
    _look(_looking(lane, campaign), _outcome(report("oops"), report("rot")))
    (consequence,) = campaign.of(Manifested)
    assert (consequence.slug, consequence.evidence.report.title) == ("oops", "rot")
    assert [message.evidence.report.title for message in campaign.of(Sighted)] == ["oops"]


def test_a_hang_is_made_last_although_the_lane_names_it_first() -> None:
    campaign = _Campaign()
    hang = evolve(report("hang in y"), type=CrashType.HANG)
    _look(_looking(_lane("oops"), campaign), _outcome(hang, report("oops"), verdict=Verdict.HANG))
    assert [message.slug for message in campaign.of(Manifested)] == ["oops"]


def test_what_the_case_shows_besides_is_told_with_it_and_saved_nowhere_else() -> None:
    campaign = _Campaign()
    _look(_looking(_lane("oops", "rot"), campaign), _outcome(report("oops")))
    (found,) = campaign.of(Attributed)
    assert [other.report.title for other in found.companions] == ["rot"]
    assert len(campaign.of(Sighted)) == 1


def test_a_bug_that_was_not_reproduced_is_tried_again_at_its_next_sighting() -> None:
    campaign = _Campaign()
    outcome = _outcome(report("oops"))
    _look(_looking(PretendLane({}), campaign), outcome, outcome)
    assert len(campaign.of(Sighted)) == 2


def test_what_is_slow_waits_until_the_lane_has_earned_the_time_for_it(clock: list[float]) -> None:
    lane, campaign = _lane(_HANG.title), _Campaign()
    looking = _looking(lane, campaign)
    _look(looking, _outcome(_HANG))
    assert campaign.of(Attributed) == []
    clock[0] += 120
    asyncio.run(looking.between())
    assert [message.slug for message in campaign.of(Attributed)] == [_HANG.title]


def test_when_the_rounds_are_over_what_waits_is_looked_into_and_what_is_fast_first(clock: list[float]) -> None:
    campaign = _Campaign()
    looking = _looking(_lane(_HANG.title, "oops"), campaign)
    _look(looking, _outcome(_HANG), _outcome(report("oops")), between=False)
    campaign.inbox.take(Stop())
    asyncio.run(looking.between())
    assert campaign.of(Attributed) == []
    asyncio.run(looking.finish())
    assert [message.slug for message in campaign.of(Attributed)] == ["oops", _HANG.title]


def test_a_hang_by_our_own_clock_only_takes_nothing_of_the_last_seconds() -> None:
    campaign = _Campaign()
    looking = _looking(PretendLane({}), campaign)
    _look(looking, _outcome(evolve(report("hang in y"), type=CrashType.HANG)), between=False)
    asyncio.run(looking.finish())
    assert campaign.of(Attributed) == []


def test_a_lane_minimizes_what_the_campaign_gives_it_once_it_has_the_time(clock: list[float]) -> None:
    lane, campaign = _lane("oops"), _Campaign(to_shrink=ToShrink("oops", case(5), report("oops")))
    looking = _looking(lane, campaign, minimize=True)
    asyncio.run(looking.between())
    assert campaign.of(Free) == []
    clock[0] += 150
    assert asyncio.run(looking.between())
    assert [message.last for message in campaign.of(Free)] == [False]
    assert lane.runs


def test_in_a_hurry_a_search_is_given_up_at_once() -> None:
    async def hurry() -> float:
        campaign = _Campaign()
        looking = _looking(PretendLane({"seconds": 30}), campaign)
        await looking.look_into(_outcome_of, (case(5),), ())
        asyncio.get_running_loop().call_later(0.05, campaign.inbox.take, Stop(hurry=True))
        started = time.monotonic()
        await looking.between()
        assert campaign.of(Attributed) == []
        return time.monotonic() - started

    _outcome_of = _outcome(report("oops"))
    assert asyncio.run(hurry()) < 20


def test_a_hang_in_a_guest_that_was_answered_late_is_in_doubt() -> None:
    campaign = _Campaign()
    late = evolve(_outcome(_HANG), dilated=True)
    _look(_looking(PretendLane({}), campaign), late, _outcome(evolve(_HANG, title="INFO: task hung in z")))
    assert ["answered late" in message.evidence.doubt for message in campaign.of(Sighted)] == [True, False]
