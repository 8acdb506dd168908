"""Once the rounds are over: do the crashes of guests with a warped clock happen in real time, too?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workers.procs import usable_cores
from usbfuzz.case import load
from usbfuzz.case.model import Case
from usbfuzz.crashes.companions import Companion, companions
from usbfuzz.crashes.layout import CASE_FILE
from usbfuzz.crashes.record import Crash
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import UsbfuzzError, first_of
from usbfuzz.jobs.minimize.confirm import Confirmation, RealTime

from .attribute import in_time

__all__ = ["confirm_new"]

#: Wall seconds for all crashes, without the boot of a kernel's first real-time guest.
_SECONDS = 22.0

Shown = Callable[[str, Iterable[Companion]], None]


async def confirm_new(
    store: CrashStore,
    slugs: list[str],
    config: LaneConfig,
    hurry: Callable[[], bool],
    say: Callable[[str], None],
    shown: Shown,
) -> None:
    """Run each crash in ``slugs`` on a real-time guest and write down what was seen, while there is time.

    ``shown`` is told what else the runs showed. An error on the way is passed to ``say`` and ends it: the crashes are
    saved anyway.
    """
    todo = [slug for slug in slugs if not store.crashes[slug].confirmations]
    if not todo or not config.timing.warped or hurry():
        return
    try:
        real = await RealTime.of(config.kernel.name, config, say)
        say(f"in real time: {len(todo)} bugs, for at most {_SECONDS:.0f} s besides the first boot of such a guest")
        work = _Confirming(store, real, hurry, say, shown, todo)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(usable_cores(), len(todo))):
                group.create_task(work.run())
    except* UsbfuzzError as errors:
        say(f"not confirmed in real time: {first_of(errors)}")
    else:
        if work.todo:
            say(f"not tried in real time: {len(work.todo)}, such as: usbfuzz minimize {store.directory / work.todo[0]}")


@define
class _Confirming:
    """Crashes that wait for a real-time guest; as many at a time as there are cores: such guests wait a lot."""

    store: CrashStore
    real: RealTime
    hurry: Callable[[], bool]
    say: Callable[[str], None]
    shown: Shown
    todo: list[str]
    _deadline: float = field(factory=lambda: time.monotonic() + _SECONDS, init=False)

    async def run(self) -> None:
        """One after another until none waits, or the time is up."""
        while self.todo and not self.hurry() and (left := self._deadline - time.monotonic()) > 0:
            slug = self.todo.pop(0)
            crash = self.store.crashes.get(slug)
            if crash is None:  # in the meantime it turned out to be another's
                continue
            case = load(self.store.directory / slug / CASE_FILE)
            seen = await self.real.confirm(case, crash.names, left, self.say)
            if slug in self.store.crashes:
                self._keep(crash, case, seen)

    def _keep(self, crash: Crash, case: Case, seen: Confirmation) -> None:
        if seen.runs:
            self.store.confirmed(crash.slug, seen.hits, seen.runs)
        self.say(f"{seen}: {crash.title}")
        wanted = next((report for run in seen.shown for report in run.reports if crash.is_bug_of(report)), None)
        if wanted is not None and len(case.devices) == 1:
            self.shown(crash.slug, companions(wanted, map(in_time, seen.shown)))
