"""What a lane counts of its rounds besides crashes: drivers that bound or gave up, sources, the guest's time."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field

from .messages import Bound, GaveUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.lane.outcome import Outcome
    from usbfuzz.case.model import Case

__all__ = ["CORE_DRIVERS", "GuestClock", "bound", "gave_up", "sources"]

#: Drivers of the USB core itself, which bind to every device or hub.
CORE_DRIVERS = frozenset({"usb", "hub"})
_STAMP = re.compile(r"^\[ *(\d{1,8}\.\d{6})\] ", re.MULTILINE)
_LONGEST = 7200.0  #: guest seconds of a round; a stamp further away is no clock's


def bound(outcome: Outcome) -> tuple[Bound, ...]:
    """How often each driver bound, and the module it is in, where that can be seen."""
    modules = outcome.covered.drivers if outcome.covered is not None else {}
    times = Counter(binding.driver for binding in outcome.bindings if binding.driver not in CORE_DRIVERS)
    return tuple(Bound(driver, modules.get(driver, ""), count) for driver, count in sorted(times.items()))


def gave_up(outcome: Outcome) -> tuple[GaveUp, ...]:
    """The modules that saw a device made for them and did not bind it, each with the last request they made.

    That a module's code ran is what the probe sees; without it nothing is known. Where a module bound another device of
    the round, its code may have run for that one: such rounds say nothing of it.
    """
    covered = outcome.covered
    wanted = [(_module(played.name), played) for played in outcome.played if played.name and played.configured]
    if covered is None or not wanted:
        return ()
    drivers = {binding.driver for binding in outcome.bindings}
    # Drivers of usbserial's are named after their module, and sysfs shows usbserial as it.
    took = {covered.drivers.get(driver, "") for driver in drivers} | {driver.replace("-", "_") for driver in drivers}
    ran = covered.ran()
    found: Counter[tuple[str, str]] = Counter()
    for module, played in wanted:
        if module in ran and module not in took:
            asked = played.asked
            found[module, "" if asked is None or asked.enumerates else asked.words] += 1
    return tuple(GaveUp(module, at, times) for (module, at), times in sorted(found.items()))


def _module(name: str) -> str:
    """The module that a generated device was made for: its name begins with it (strategies/board.py)."""
    return name.partition(" ")[0].replace("-", "_")


def sources(cases: Sequence[Case]) -> dict[str, int]:
    """How many of the cases each strategy made, by its name (``Provenance.strategy``)."""
    return dict(Counter(case.provenance.strategy for case in cases))


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
