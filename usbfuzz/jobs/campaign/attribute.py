"""Which case of a round crashed the guest: run the suspects, likeliest first, and what shows the bug on fresh guests.

The cases of a round run alone one after another in the same guest, since most do nothing and a fresh guest costs more
than a case. One that shows the bug there is believed only if it shows it on a fresh guest as well.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field, frozen

from harness.lane.outcome import Binding, Outcome, Verdict
from harness.lane.trial import believable, run_believably
from usbfuzz.case.model import Case
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.report.capture import render_capture
from usbfuzz.triage import Report, doubt_of, same_bug

from .lanes import CampaignLane, recorded
from .merge import in_sequence, side_by_side
from .tally import CORE_DRIVERS

__all__ = [
    "CONFIRMATIONS",
    "Attributor",
    "Suspicion",
    "bound_drivers",
    "in_time",
    "suspects",
]

#: Runs of the winner on fresh guests: the N of "reproduced n of N".
CONFIRMATIONS = 3
#: Wall seconds after which no further run is started for one bug: a hang takes most of a minute to be sure of.
_SECONDS = 180.0
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

    def evidence(self, runs: int = 0) -> Evidence:
        """What is known when none of ``runs`` runs showed the report again: the whole round may be behind it."""
        case, doubt = side_by_side(self.cases), doubt_of(self.report)
        return Evidence(self.report, case, self.console, self.drivers, runs=runs, doubt=doubt)


def suspects(suspicion: Suspicion) -> Iterator[tuple[How, Case]]:
    """Inputs that may show the bug, simplest first; of the cases alone, those made for a driver on its stack."""
    on_stack = set(_MODULE.findall(suspicion.report.text))
    for case in sorted(suspicion.cases, key=lambda case: on_stack.isdisjoint(_made_for(case))):
        yield How.ALONE, case
    if len(suspicion.cases) > 1:
        yield How.ROUND, side_by_side(suspicion.cases)
    else:
        yield How.ALONE, suspicion.cases[0]  # a race may show in a second run
    if suspicion.history:
        yield How.HISTORY, in_sequence((*suspicion.history, suspicion.cases))


def _made_for(case: Case) -> set[str]:
    """The drivers that a generated case's devices are named after, spelled as modules are."""
    return {spec.name.partition(" ")[0].replace("-", "_") for spec in case.devices}


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

    @property
    def fresh(self) -> bool:
        """The guest has run nothing since its snapshot."""
        return self.past == []

    async def attribute(self, suspicion: Suspicion) -> Evidence:
        """The smallest input that showed the bug again, with what it showed; or the whole round and 0 hits.

        What the lane raises passes through.
        """
        runs = 0
        self._deadline = time.monotonic() + _SECONDS
        for how, case in suspects(suspicion):
            if self._over():
                break
            fresh = how is not How.ALONE or len(suspicion.cases) == 1
            seen = await self._seen_again(case, suspicion.report, fresh=fresh)
            runs += 1
            if seen is None:
                continue
            hits, confirmations = await self._confirm(case, suspicion.report, seen)
            if hits:
                outcome, title = hits[0].outcome, f"{hits[0].report.title}: {how.value}"
                return Evidence(
                    hits[0].report,
                    case,
                    outcome.console,
                    bound_drivers(outcome.bindings) or suspicion.drivers,
                    how,
                    len(hits),
                    confirmations,
                    render_capture(outcome.conversation, title),
                )
            runs += confirmations
        return suspicion.evidence(runs)

    def _over(self) -> bool:
        return self.hurry() or time.monotonic() > self._deadline

    async def _confirm(self, case: Case, wanted: Report, seen: _Sighting) -> tuple[list[_Sighting], int]:
        """The runs on fresh guests that show the bug, ``seen`` included if it was one, and how many there were."""
        tries: list[_Sighting | None] = [seen] if seen.exact else []
        while len(tries) < CONFIRMATIONS and not self._over():
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

    def _sort(self, case: Case, before: list[Case], outcome: Outcome, wanted: Report) -> Report | None:
        """The first report of the wanted bug; reports of other bugs become strays."""
        found = None
        history = tuple((case,) for case in before)
        reports = in_time(outcome)
        for nth, report in enumerate(reports):
            if same_bug(report, wanted):
                found = found or report
            else:
                self.strays.append(
                    Suspicion(report, (case,), history, outcome.console, bound_drivers(outcome.bindings), reports[:nth])
                )
        return found
