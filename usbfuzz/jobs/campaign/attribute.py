"""Which case of a round crashed the guest: run the suspects, likeliest first, and what shows the bug on fresh guests.

The cases of a round run alone one after another in the same guest, since most do nothing and a fresh guest costs more
than a case. One that shows the bug there is believed only if it shows it on a fresh guest as well.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence

from attrs import define, evolve, field, frozen

from harness.lane.drivers import CORE_DRIVERS
from harness.lane.outcome import Binding, Outcome, Verdict
from harness.lane.trial import believable, run_believably
from strategies.target import module_of
from usbfuzz.case.model import Case
from usbfuzz.crashes.companions import Companion, Place, companions
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.report.capture import render_capture
from usbfuzz.report.ran import coverage_text
from usbfuzz.triage import Report, doubt_of, same_bug
from usbfuzz.triage.types import CrashType

from .lanes import CampaignLane, recorded
from .merge import in_sequence, side_by_side

__all__ = [
    "CONFIRMATIONS",
    "ENOUGH",
    "Attributor",
    "Found",
    "Suspicion",
    "bound_drivers",
    "in_time",
    "suspects",
]

#: Runs of the winner on fresh guests, the N of "reproduced n of N": enough if each shows the bug, and the most.
ENOUGH, CONFIRMATIONS = 2, 3
#: Wall seconds after which no further run is started for one bug; a hang takes most of a minute to be sure of.
_SECONDS, _HANG_SECONDS = 30.0, 60.0
_AGAIN = 2  #: further runs of a case that was made for the guilty driver and has not shown the bug
#: The module of a stack's frame: ``uvc_probe+0x1c/0x90 [uvcvideo]``.
_MODULE = re.compile(r"\+0x[0-9a-f]+/0x[0-9a-f]+ \[(\w+)")


def bound_drivers(bindings: Sequence[Binding]) -> tuple[str, ...]:
    """Names of the drivers that bound, sorted, without those of the USB core."""
    return tuple(sorted({binding.driver for binding in bindings} - CORE_DRIVERS))


def in_time(outcome: Outcome) -> tuple[Report, ...]:
    """The reports in the order of their events: that of a hang is made last, when the guest is given up."""
    first, rest = outcome.reports[:1], outcome.reports[1:]
    return (*rest, *first) if outcome.verdict is Verdict.HANG else outcome.reports


@frozen
class Suspicion:
    """A report, the round it appeared in, and the rounds before that in the same guest."""

    report: Report
    cases: tuple[Case, ...]
    history: tuple[tuple[Case, ...], ...]
    console: str
    drivers: tuple[str, ...]
    before: tuple[Report, ...] = ()  #: reports of the same run that came earlier
    late: bool = False  #: the guest was answered late in that run

    @property
    def slow(self) -> bool:
        """Each run takes long: a hang is certain after half a minute only."""
        return self.report.type is CrashType.HANG

    @property
    def doubt(self) -> str:
        """Why it may be no bug of its own; "" when nothing says so."""
        return doubt_of(self.report, late=self.late)

    def evidence(self, runs: int = 0) -> Evidence:
        """What is known when none of ``runs`` runs showed the report again: the whole round may be behind it."""
        case = side_by_side(self.cases)
        return Evidence(self.report, case, self.console, self.drivers, runs=runs, doubt=self.doubt)


def suspects(suspicion: Suspicion) -> Iterator[tuple[How, Case]]:
    """Inputs that may show the bug, simplest first; of the cases alone, those made for a driver on its stack.

    Where such a case is in the round, the others are not tried alone. What cannot be more than a consequence, and what
    takes long to run, is not looked for in earlier rounds.
    """
    cases, report = suspicion.cases, suspicion.report
    on_stack = {report.guilty} if report.guilty else set(_MODULE.findall(report.text))
    likely = [case for case in cases if not on_stack.isdisjoint(_made_for(case))]
    others = [] if likely and report.guilty else [case for case in cases if case not in likely]
    for case in (*likely, *others):
        yield How.ALONE, case
    if len(cases) > 1:
        yield How.ROUND, side_by_side(cases)
    # A race may show in a further run.
    again = likely * _AGAIN if report.guilty else []
    for case in again or (cases if len(cases) == 1 else ()):
        yield How.ALONE, case
    if suspicion.history and not suspicion.slow and not suspicion.doubt:
        yield How.HISTORY, in_sequence((*suspicion.history, cases))


def _made_for(case: Case) -> set[str]:
    """The drivers that a generated case's devices are named after, spelled as modules are."""
    return {module_of(spec.name) for spec in case.devices}


@frozen
class Found:
    """What became of a suspicion: its evidence, what the case showed besides it, and how long a run takes."""

    evidence: Evidence
    companions: tuple[Companion, ...] = ()
    seconds: float = 0.0  #: wall time of a run that showed the bug, and of the restore after it


@frozen
class _Sighting:
    """A run that showed the bug."""

    report: Report
    outcome: Outcome
    exact: bool  #: nothing else had run in the guest


@frozen
class _Run:
    """A run of a suspect, and the bug if it showed it."""

    outcome: Outcome
    sighting: _Sighting | None

    @property
    def believable(self) -> bool:
        return believable(reported=self.sighting is not None, dilated=self.outcome.dilated)


@define
class Attributor:
    """Runs suspects on a lane. Reports of other bugs met on the way collect in ``strays``, each with its exact case."""

    lane: CampaignLane
    hurry: Callable[[], bool]  #: true once no further run may start
    past: list[Case] | None = None  #: what has run in the guest since its snapshot, without a report; None: not known
    strays: list[Suspicion] = field(factory=list)
    runs: int = 0  #: of any case
    dilated: int = 0  #: of them, those repeated because the guest was answered too late
    _deadline: float = field(default=0.0, init=False)
    _shown: list[tuple[Report, ...]] = field(factory=list, init=False)  #: what each run of the suspect showed, in time

    @property
    def fresh(self) -> bool:
        """The guest has run nothing since its snapshot."""
        return self.past == []

    async def attribute(self, suspicion: Suspicion, seconds: float = _HANG_SECONDS) -> Found:
        """The smallest input that showed the bug again, with what it showed; or the whole round and 0 hits.

        No run is started after ``seconds``, less where each is fast. What the lane raises passes through.
        """
        runs = 0
        self._deadline = time.monotonic() + min(seconds, _HANG_SECONDS if suspicion.slow else _SECONDS)
        for how, case in suspects(suspicion):
            if self._over():
                break
            strays = len(self.strays)
            self._shown.clear()
            fresh = how is not How.ALONE or len(suspicion.cases) == 1
            seen = await self._seen_again(case, suspicion.report, fresh=fresh)
            runs += 1
            if seen is None:
                continue
            started = time.monotonic()
            hits, confirmations = await self._confirm(case, suspicion.report, seen)
            if hits:
                evidence = _evidence(suspicion, how, case, hits, confirmations)
                seconds = (time.monotonic() - started) / max(confirmations, 1)
                if how is How.ALONE:
                    return Found(evidence, self._companions(evidence.report, strays), seconds)
                return Found(evidence, seconds=seconds)
            runs += confirmations
        return Found(suspicion.evidence(runs))

    def _companions(self, wanted: Report, strays: int) -> tuple[Companion, ...]:
        """What the case showed of the same cause; of that, only what came before it stays among the ``strays``."""
        found = companions(wanted, self._shown)
        explained = [other.report for other in found if other.place is not Place.BEFORE]
        mine = self.strays[strays:]
        self.strays[strays:] = [
            stray for stray in mine if not any(same_bug(stray.report, report) for report in explained)
        ]
        return found

    def _over(self) -> bool:
        return self.hurry() or time.monotonic() > self._deadline

    async def _confirm(self, case: Case, wanted: Report, seen: _Sighting) -> tuple[list[_Sighting], int]:
        """The runs on fresh guests that show the bug, ``seen`` included if it was one, and how many there were."""
        tries: list[_Sighting | None] = [seen] if seen.exact else []
        while len(tries) < (CONFIRMATIONS if None in tries else ENOUGH) and not self._over():
            tries.append(await self._seen_again(case, wanted, fresh=True))
        return [sighting for sighting in tries if sighting is not None], len(tries)

    async def _seen_again(self, case: Case, wanted: Report, *, fresh: bool) -> _Sighting | None:
        """Run ``case`` until a run shows the bug, or is not dilated; ``fresh``: each time on a fresh guest."""
        trial = await run_believably(lambda: self._run(case, wanted, fresh=fresh), lambda run: run.believable)
        self.dilated += trial.doubted
        return trial.result.sighting

    async def _run(self, case: Case, wanted: Report, *, fresh: bool) -> _Run:
        if self.past is None or (fresh and self.past):
            await self.lane.restore()
            self.past = []
        before = self.past
        self.runs += 1
        outcome = await recorded(self.lane, case)
        self.past = [] if outcome.restored else None if outcome.reports else [*before, case]
        found = self._sort(case, before, outcome, wanted)
        return _Run(outcome, None if found is None else _Sighting(found, outcome, exact=not before))

    def _sort(self, case: Case, past: list[Case], outcome: Outcome, wanted: Report) -> Report | None:
        """The first report of the wanted bug; reports of other bugs become strays."""
        found = None
        history = tuple((earlier,) for earlier in past)
        reports = in_time(outcome)
        drivers = bound_drivers(outcome.bindings)
        self._shown.append(reports)
        for nth, report in enumerate(reports):
            if same_bug(report, wanted):
                found = found or report
            else:
                before, late = reports[:nth], outcome.dilated
                self.strays.append(Suspicion(report, (case,), history, outcome.console, drivers, before, late))
        return found


def _evidence(suspicion: Suspicion, how: How, case: Case, hits: Sequence[_Sighting], runs: int) -> Evidence:
    """The evidence of a case that showed the bug in ``hits``, of ``runs`` runs."""
    outcome, report = hits[0].outcome, hits[0].report
    return Evidence(
        evolve(report, guilty=report.guilty or suspicion.report.guilty),
        case,
        outcome.console,
        bound_drivers(outcome.bindings) or suspicion.drivers,
        how,
        len(hits),
        runs,
        render_capture(outcome.conversation, f"{report.title}: {how.value}"),
        coverage_text(outcome, report),
    )
