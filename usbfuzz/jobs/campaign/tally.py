"""What a lane counts of its rounds besides crashes: drivers that bound or gave up, sources, the guest's time."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field

from harness.guest.image.policy import CORES
from harness.lane.drivers import CORE_DRIVERS
from strategies.target import module_of

from .messages import Bound, GaveUp, Ran

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from harness.lane.outcome import Outcome
    from usbfuzz.case.model import Case

    from .messages import Made

__all__ = ["GuestClock", "bound", "costs", "gave_up", "sources", "to_blame"]

_STAMP = re.compile(r"^\[ *(\d{1,8}\.\d{6})\] ", re.MULTILINE)
_LONGEST = 7200.0  #: guest seconds of a round; a stamp further away is no clock's


def bound(outcome: Outcome) -> tuple[Bound, ...]:
    """How often each driver bound, and the module it is in, where that can be seen."""
    times = Counter(binding.driver for binding in outcome.bindings if binding.driver not in CORE_DRIVERS)
    modules = {} if outcome.covered is None else outcome.covered.owners(times)
    return tuple(Bound(driver, modules.get(driver, ""), count) for driver, count in sorted(times.items()))


def gave_up(outcome: Outcome) -> tuple[GaveUp, ...]:
    """The drivers that saw a device made for them and did not bind it, each with the last request they made.

    That a module's code ran is what the probe sees; without it nothing is known. Where a module bound another device of
    the round, its code may have run for that one: such rounds say nothing of it.
    """
    covered = outcome.covered
    made_for = ((module_of(played.name), played) for played in outcome.played if played.name and played.configured)
    wanted = [(module, played) for module, played in made_for if module not in CORES]
    if covered is None or not wanted:
        return ()
    took = {each.module for each in bound(outcome)}
    ran = covered.ran()
    found: Counter[tuple[str, str]] = Counter()
    for module, played in wanted:
        if module in ran and module not in took:
            asked = played.asked
            found[module, "" if asked is None or asked.enumerates else asked.words] += 1
    return tuple(GaveUp(module, at, times) for (module, at), times in sorted(found.items()))


def sources(cases: Sequence[Case]) -> dict[str, int]:
    """How many of the cases each strategy made, by its name (``Provenance.strategy``)."""
    return dict(Counter(case.provenance.strategy for case in cases))


def to_blame(made: Sequence[Made], outcome: Outcome | None) -> frozenset[str]:
    """The drivers that a round's cases were made for and that its crash blames; all of them where it blames none."""
    modules = frozenset(each.module for each in made)
    reports = () if outcome is None else outcome.reports
    guilty = {report.guilty.replace("-", "_") for report in reports}
    return modules & guilty or modules


def costs(made: Sequence[Made], blamed: Collection[str] | None, seconds: float) -> tuple[Ran, ...]:
    """What a round of so many wall seconds cost for each source and driver: a crash is paid for by those it blames."""
    payers = [each for each in made if blamed is None or each.module in blamed]
    counts = Counter((each.source, each.module) for each in made)
    paid = Counter((each.source, each.module) for each in payers)
    return tuple(
        Ran(source, module, count, seconds * paid[source, module] / len(payers))
        for (source, module), count in sorted(counts.items(), key=lambda item: (item[0][0].value, item[0][1]))
    )


@define
class GuestClock:
    """The time that passed in a lane's guests while rounds ran, as the stamps on their consoles tell it.

    A round in which the kernel prints nothing counts with the next one that it does. All guests start from one
    snapshot, at a time that is taken to be the earliest stamp.
    """

    seconds: float = 0.0
    _origin: float | None = field(default=None, init=False)
    _last: float | None = field(default=None, init=False)
    _life: int | None = field(default=None, init=False)

    def heard(self, console: str, life: int) -> None:
        """What a round printed; ``life`` differs when the guest was restored in between."""
        if life != self._life:
            self._life, self._last = life, self._origin
        stamps = [float(stamp) for stamp in _STAMP.findall(console)]
        if not stamps:
            return
        if self._origin is None or stamps[0] < self._origin:
            self._origin = stamps[0]
        begin = stamps[0] if self._last is None else self._last
        if 0 <= stamps[-1] - begin <= _LONGEST:
            self.seconds += stamps[-1] - begin
            self._last = stamps[-1]
