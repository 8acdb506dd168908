"""A device leaves a stock kernel at moments of its conversation; what is bad is found, kept, and shown again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from usbfuzz.case import load
from usbfuzz.case.model import Action, Case, GuestNeeds
from usbfuzz.jobs.replay import replay
from usbfuzz.jobs.stress.plan import WAYS, Grain, Moment, Plan
from usbfuzz.jobs.stress.run import Wanted, stress
from usbfuzz.jobs.stress.subjects import subjects
from usbfuzz.jobs.stress.sweep import Options
from usbfuzz.jobs.stress.view import Progress

pytestmark = pytest.mark.guest

KERNEL = "debian:5.10.223"
EXTIGY = "corpus/known-bugs/extigy-unplug-gpf.toml"  #: its second device descriptor frees what was never allocated


def _plain(named: str) -> Case:
    """What the user named, in the guest that most tests have."""
    (case,) = subjects([named], (), print)
    return evolve(case, guest=GuestNeeds())


class Quiet:
    """A view that says nothing."""

    def update(self, progress: Progress) -> None: ...

    def say(self, text: str) -> None: ...

    def close(self) -> None: ...


def _swept(config: LaneConfig, cases: list[Case], out: Path, options: Options) -> Progress:
    progress = Progress(config.kernel.name, subjects=len(cases))
    asyncio.run(stress(cases, config, Wanted(out, 1, None, options), Quiet(), progress))
    return progress


def test_a_known_bug_shows_at_the_moments_behind_its_cause_and_is_replayed(
    guest: Callable[..., LaneConfig], tmp_path: Path
) -> None:
    config, cases = guest(KERNEL), [_plain(EXTIGY)]
    options = Options(("unplug",), (Grain.BETWEEN,))
    progress = _swept(config, cases, tmp_path, options)
    assert progress.complete
    (sweep,) = progress.sweeps
    bad, first = sweep.bad, sweep.bad[0]
    ends = ("general protection fault", "BUG: unable to handle kernel paging request")  # whatever the freed word holds
    assert {found.why for found in bad} <= {f"{end} in usb_destroy_configuration" for end in ends}
    assert all(found.hits for found in bad)
    assert 0 < len(bad) < len(sweep.numbers)
    shown = asyncio.run(replay(load(tmp_path / first.slug), config, 1))
    assert shown.hits == 1
    again = _swept(config, cases, tmp_path, options)
    assert (again.plugs, again.sweeps[0].bad) == (0, bad)


async def _every_way(config: LaneConfig) -> list[tuple[Moment, Outcome]]:
    """Every way to leave, after the driver has bound."""
    case = _plain("boot-keyboard")
    lane = await Lane.open(config.for_case(case))
    try:
        lane.metering = True
        recorded = await lane.run(case)
        plan = Plan(case, recorded.played[0].packets)
        last = len(plan.packets)
        moments = [plan.moment(number) for number in plan.numbers((), (Grain.BETWEEN,))]
        chosen = [moment for moment in moments if moment.mark.packets == last]
        return [(moment, await lane.run(plan.case_of(moment))) for moment in chosen]
    finally:
        await lane.close()


def test_a_keyboard_can_leave_in_every_way_but_those_its_kernel_does_not_have(
    guest: Callable[..., LaneConfig],
) -> None:
    found = asyncio.run(_every_way(guest(KERNEL)))
    assert {moment.way for moment, _ in found} == set(WAYS)
    assert {outcome.title for _, outcome in found} == {""}
    hitches = {moment.way.name: [hitch.reason for hitch in outcome.hitches] for moment, outcome in found}
    missing = "disable: No such file or directory"  # before Linux 6.0
    assert hitches.pop("power off") == [f"power-off: {missing}", f"power-on: {missing}"]
    assert hitches.pop("suspend, resume") == ["resume: the device was not asleep"]
    assert {name for name, reasons in hitches.items() if reasons} == set()
    plugs = {moment.way.name: outcome.plugs for moment, outcome in found}
    assert plugs["other device"] == 2
    unloading = next(outcome for moment, outcome in found if Action.UNLOAD in moment.way.actions)
    assert unloading.restored
