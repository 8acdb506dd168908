"""What an account comes to, in words: what ran, what was found, whether it still pays to run."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from usbfuzz.jobs.campaign.messages import LaneState

from .data import Account, Course, Sample

__all__ = ["BUSY", "Pay", "ago", "clock", "headline", "pay", "span", "state_words"]

#: States of a lane in the order of a page; a stopped lane is none.
BUSY = tuple(state.value for state in LaneState if state is not LaneState.STOPPED)

_LEAST = 600.0  #: seconds before anything is said of whether it pays
_SHARE = 0.25  #: of the time: what came in the last quarter decides
_GROWTH = 0.01  #: new blocks in it, of all


def clock(seconds: float) -> str:
    """``1:02:03``, or ``2:03`` below an hour."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """``3 min 40 s``, ``8 h 2 min``, ``40 s``."""
    total = int(seconds)
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    for at, (size, unit) in enumerate(units):
        if total >= size and at + 1 < len(units):
            below, small = units[at + 1]
            rest = total % size // below
            return f"{total // size} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{total} s"


@frozen
class Pay:
    """Whether a campaign still finds something."""

    words: str
    since_bug: float | None  #: seconds from the last bug confirmed to the last sample; None: none yet, or not known
    since_block: float | None  #: the same of new code


def pay(course: Course) -> Pay:
    """By what came in the last quarter of its time: a new bug, or a hundredth more of the code."""
    last = course.last
    if last is None:
        return Pay("whether it still pays to run is not known", None, None)
    since_bug = _since(course.samples, [sample.bugs for sample in course.samples])
    since_block = _since(course.samples, [sample.blocks or 0 for sample in course.samples])
    if last.wall < _LEAST:
        return Pay(f"too early to say whether it still pays to run ({span(_LEAST)} are needed)", since_bug, since_block)
    earlier = (sample for sample in reversed(course.samples) if sample.wall <= (1 - _SHARE) * last.wall)
    before = next(earlier, course.samples[0])
    bugs = last.bugs - before.bugs
    grown = (last.blocks or 0) - (before.blocks or 0)
    pays = bugs > 0 or grown > _GROWTH * (last.blocks or 1)
    verdict = "it still pays to run" if pays else "it hardly pays to run on"
    quarter = f"in the last quarter of the time: {bugs} new bug{'s' * (bugs != 1)}"
    code = f", {grown:,} new blocks" if last.blocks is not None else ""
    return Pay(f"{verdict} ({quarter}{code})", since_bug, since_block)


def _since(samples: Sequence[Sample], values: Sequence[int]) -> float | None:
    """Seconds from the sample in which the value last rose to the last one; None when it never did."""
    rises = [at for at, value in enumerate(values) if value > (values[at - 1] if at else 0)]
    return samples[-1].wall - samples[rises[-1]].wall if rises else None


def ago(seconds: float | None, running: bool) -> str:
    """``3 min ago``, ``3 min before the end``."""
    if seconds is None:
        return "not known"
    if seconds < 1:
        return "just now" if running else "at the very end"
    return f"{span(seconds)} {'ago' if running else 'before the end'}"


def state_words(account: Account) -> str:
    """Whether the campaign runs, and what that means for the page."""
    match account.state:
        case "running":
            who = f" (process {account.process})" if account.process else ""
            return f"The campaign still runs{who}: this page is how it stood."
        case "killed":
            return "The last run was killed: what came after its last sample is missing."
        case "ended":
            return "The campaign has ended."
        case _:
            return "When the campaign ran and how it ended is not known."


def headline(account: Account) -> list[str]:
    """The top of a page, a sentence each."""
    return [*_what_ran(account), _found(account), *_pays(account)]


def _what_ran(account: Account) -> list[str]:
    said = []
    for course in account.courses:
        cases, devices = int(course.totals.get("cases", 0)), int(course.totals.get("plugs", 0))
        lasted = span(course.last.wall) if course.last else "For a time that is not known"
        lanes = _lanes(course)
        of = f" of {course.modules:,} modules" if course.modules else ""
        said.append(
            f"{lasted} on {course.kernel}{lanes}: {cases:,} cases plugged {devices:,} devices; "
            f"{course.bound:,} drivers{of} bound."
        )
    return said


def _lanes(course: Course) -> str:
    lanes = course.runs[-1].facts.get("options", {}).get("lanes") if course.runs else None
    return f" with {lanes} lane{'s' * (lanes != 1)}" if isinstance(lanes, int) else ""


def _found(account: Account) -> str:
    if not account.bugs:
        return "No bug was found." if account.state != "running" else "No bug was found so far."
    confirmed, seen, evidence = (account.count(word) for word in ("confirmed", "seen", "evidence"))
    parts = [f"{confirmed} bug{'s' * (confirmed != 1)} confirmed"]
    if seen:
        parts.append(f"{seen} seen and not reproduced")
    if evidence:
        parts.append(f"{evidence} report{'s' * (evidence != 1)} kept as evidence")
    tried = [bug.real for bug in account.bugs if bug.real is not None]
    shown = sum(hits > 0 for hits in tried)
    real = f"{shown} of {len(tried)} tried happened in real time, too" if tried else "none was tried in real time"
    return f"{', '.join(parts)}; {real}."


def _pays(account: Account) -> list[str]:
    said = []
    running = account.state == "running"
    for course in account.courses:
        if not course.samples:
            continue
        found = pay(course)
        bug = ago(found.since_bug, running) if found.since_bug is not None else "none yet"
        block = ago(found.since_block, running)
        where = f"On {course.kernel}, " if len(account.courses) > 1 else ""
        words = found.words if where else found.words[:1].upper() + found.words[1:]
        said.append(f"{where}{words}. Last bug confirmed: {bug}; last new code: {block}.")
    return said
