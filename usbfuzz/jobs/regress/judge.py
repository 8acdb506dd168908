"""What the runs of a cell mean, and whether another one would tell more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.lane.trial import TRIES
from usbfuzz.case.model import Expectation
from usbfuzz.triage import CrashType, Report

from .matrix import Finding, Observation, Status
from .observe import stable_line
from .userspace import changes

__all__ = ["enough", "enough_to_bless", "judge", "tries_for"]

#: Runs that must all show a difference before it is believed.
_RUNS = 3
#: A recorded crash counts as gone when the probability that it only stayed away by chance is below this.
_CHANCE = 0.01
_MOST_RUNS = 20
_MINOR = frozenset({CrashType.WARNING, CrashType.BOGUS_URB})


def tries_for(expected: Expectation | None) -> int:
    """Runs after which the recorded crash, if still there, would have shown (for a harmless case: runs that agree)."""
    return _RUNS if expected is None else min(max(_RUNS, expected.runs_for(_CHANCE)), _MOST_RUNS)


def enough(expected: Expectation | None, runs: Sequence[Observation]) -> bool:
    """Whether the runs so far decide the cell."""
    believed = [seen for seen in runs if seen.trusted]
    if not believed:
        return len(runs) >= TRIES
    if judge(expected, runs).status.good:
        return True
    if expected is None or not expected.title:
        # Only a fresh guest tells that this case is to blame: an earlier one in the same guest may be the cause.
        crashed = [seen for seen in believed if seen.reports]
        if any(seen.fresh for seen in crashed):
            return True
    return len(believed) >= tries_for(expected) or len(runs) >= tries_for(expected) + TRIES


def judge(expected: Expectation | None, runs: Sequence[Observation]) -> Finding:
    """What the runs (at least one) mean; those that cannot be trusted count only when there are no others."""
    believed = [seen for seen in runs if seen.trusted] or list(runs)
    if expected is not None and expected.title:
        return _judge_crash(expected, believed)
    crashed = [seen for seen in believed if seen.reports]
    if crashed:
        return _surprise(crashed[-1].reports[0], believed, _hint(expected))
    if expected is None:
        return Finding(Status.NEW)
    differences = [tuple(_differences(expected, seen)) for seen in believed]
    return Finding(Status.CHANGED, notes=differences[-1]) if all(differences) else Finding(Status.OK)


def _judge_crash(expected: Expectation, believed: Sequence[Observation]) -> Finding:
    hits = sum(seen.shows(expected.names) for seen in believed)
    if hits:
        return Finding(Status.OK, expected.title, hits=hits)
    other = next((seen.reports[0] for seen in reversed(believed) if seen.reports), None)
    if other is not None:
        return _surprise(other, believed, f"recorded here: {expected.title}")
    note = f"did not come in {_runs(believed)}: fixed? --bless records it"
    return Finding(Status.GONE, expected.title, (note,))


def _surprise(report: Report, believed: Sequence[Observation], hint: str) -> Finding:
    hits = sum(seen.shows(report.names) for seen in believed)
    notes = [hint]
    if hits < len(believed):
        notes.append(f"in {hits} of {_runs(believed)}" + _blame(report, believed))
    status = Status.WARNING if report.type in _MINOR and not report.panicked else Status.CRASH
    return Finding(status, report.title, tuple(notes), hits)


def _blame(report: Report, believed: Sequence[Observation]) -> str:
    """What to add about a crash that no fresh guest showed, else ""."""
    if any(seen.fresh for seen in believed if seen.shows(report.names)):
        return ""
    return ", on no fresh guest: possibly caused by an earlier case in the same guest"


def _hint(expected: Expectation | None) -> str:
    return "recorded as harmless here" if expected else "nothing is recorded for this kernel"


def _differences(expected: Expectation, seen: Observation) -> Iterator[str]:
    """What a harmless run did differently from what is recorded, as lines of a diff."""
    # What was recorded before a rule about lines that differ by chance is read by that rule, too.
    log = None if expected.log is None else tuple(dict.fromkeys(map(stable_line, expected.log)))
    for what, recorded, now in (("drivers", expected.drivers, seen.drivers), ("log", log, seen.log)):
        if recorded is not None:
            yield from (f"{what}: - {line}" for line in recorded if line not in now)
            yield from (f"{what}: + {line}" for line in now if line not in recorded)
    if expected.userspace is not None and seen.userspace is not None:
        yield from (f"userspace: {change}" for change in changes(expected.userspace, seen.userspace))


def _runs(runs: Sequence[Observation]) -> str:
    return f"{len(runs)} run{'s' if len(runs) != 1 else ''}"


def enough_to_bless(runs: Sequence[Observation]) -> bool:
    """Whether runs, each on a fresh guest, tell what to record: two agree in each respect, or a crash's frequency."""
    believed = [seen for seen in runs if seen.trusted]
    if any(seen.reports for seen in believed):
        return len(believed) >= _RUNS or len(runs) >= _RUNS + TRIES
    aspects = zip(*(seen.behaviour for seen in believed), strict=True)
    agree = len(believed) > 1 and all(len(set(lines)) < len(believed) for lines in aspects)
    return agree or len(runs) >= _RUNS + TRIES
