"""A campaign from its options to its end: the directory opened, the lanes started, everything closed."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import define, evolve, field

from harness.guest.image.policy import CORES
from harness.guest.kernels import default_cache
from harness.guest.kernels.objects import KernelObjects
from harness.guest.rundir import sweep
from harness.lane.config import LaneConfig
from harness.workers.policy import Policy
from harness.workers.procs import core_of
from harness.workers.worker import Program, Worker, WorkerProgram
from strategies.learning.learned import LEARNED, load_all
from usbfuzz.crashes.layout import LESSONS
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InputError
from usbfuzz.jobs.aim import Aim, AimedCode
from usbfuzz.report.render import render

from .assignment import POLICY, POLICY_ELSEWHERE, LaneAssignment, LaneSupervisor
from .case_queue import GENERATOR
from .elsewhere import Elsewhere
from .facts import other_aim, run_facts
from .gathered import Gathered
from .guide import Guide
from .history import History
from .ledger import CaseLedger
from .messages import MESSAGES, GeneratorStart, Order, Reply, WorkerStart
from .options import CampaignOptions
from .progress import LaneProgress, Progress
from .state import CampaignState
from .supervisor import Campaign
from .view import View

__all__ = ["WORKER", "run_campaign"]

_SEED_BITS = 32
#: Command of a worker process, without its arguments.
WORKER = (sys.executable, "-m", "usbfuzz.jobs.campaign.worker")


async def run_campaign(
    options: CampaignOptions,
    config: LaneConfig,
    modules: Sequence[str],
    view: View,
    commands: tuple[tuple[str, ...], tuple[str, ...]] = (WORKER, GENERATOR),
    aim: Aim | None = None,
    elsewhere: Elsewhere | None = None,
) -> Campaign:
    """Run a campaign to its end and return it, for its numbers.

    ``modules`` are those of the guest that devices are made for; all but the cores' count as drivers that can bind.
    ``commands`` are those of worker and generator processes.
    ``aim`` is what the cases are for; None: everything. ``elsewhere`` is where lanes run; None: on this machine.
    Raises StorageError, InputError (another seed, nothing left to do), BootError, InfraError; what was found by then
    is saved.
    """
    worker, generator = commands
    lock = DirectoryLock.acquire(options.out)
    try:
        campaign = _open(options, config, modules, view, aim)
        if options.guided and generator == GENERATOR:
            campaign.guide = _guide(options, config, modules, campaign.state.history, view, aim)
        try:
            lanes = _Lanes.of(campaign, config, worker, generator, elsewhere)
            await campaign.run(lanes.up_to(options.lanes))
            await campaign.confirm(config)
            campaign.state.history.end()
        finally:
            campaign.state.close()
            view.close()
    finally:
        lock.release()
        sweep()
    return campaign


def _open(
    options: CampaignOptions, config: LaneConfig, modules: Sequence[str], view: View, aim: Aim | None
) -> Campaign:
    kernel = config.kernel.name
    state = CampaignState.open(
        options.out,
        kernel=kernel,
        params=config.kernel_params,
        seed=options.seed,
        new_seed=secrets.randbits(_SEED_BITS),
    )
    can_bind = sorted(set(modules) - CORES)
    facts = run_facts(options, config, can_bind, aim)
    if other := other_aim(state.history.last_facts(), facts):
        view.say(f"{options.out}: {other}")
    state.history.begin(facts)
    ledger = CaseLedger(next=state.next, limit=options.cases, lanes=options.lanes, returned=list(state.unfinished))
    if ledger.exhausted:
        state.close()
        raise InputError(
            f"{options.out}: all {options.cases} cases of seed {state.seed} were run on {kernel}; "
            "raise --cases to go on, or give another --out"
        )
    store = CrashStore.open(options.out, kernel=kernel, timing=config.timing, render=render, suppress=options.suppress)
    if store.ignored:
        view.say(f"{options.out}: not crash directories, left alone: {', '.join(store.ignored)}")
    progress = Progress(
        kernel=kernel,
        seed=state.seed,
        lanes=[LaneProgress(number) for number in range(options.lanes)],
        totals=state.totals,
        modules=len(can_bind),
        seconds=options.seconds,
        limit=options.cases,
        drivers=state.drivers,
        crashes=store.crashes,
    )
    gathered = Gathered.open(options.out, config, view.say) if config.probing.coverage else None
    return Campaign(
        options, progress=progress, state=state, store=store, ledger=ledger, view=view, gathered=gathered, aim=aim
    )


def _guide(
    options: CampaignOptions,
    config: LaneConfig,
    modules: Sequence[str],
    history: History,
    view: View,
    aim: Aim | None,
) -> Guide | None:
    """What guides the campaign; None, and a line, when nothing can."""
    if not config.sees_coverage:
        view.say("nothing is seen of what the guests execute: cases are what their numbers say, as with --unguided")
        return None
    aimed = None if aim is None else AimedCode.of(aim, KernelObjects.of(config.kernel, default_cache()))
    return Guide.open(options.out_corpus, options.out / LESSONS, config, modules, history, view.say, aimed)


def _learned(options: CampaignOptions, say: Callable[[str], None]) -> tuple[Path, ...]:
    """The directories of what was learned of drivers, the campaign's own last; says which files cannot be used."""
    directories = [options.learned or LEARNED]
    if options.guided:
        directories.append(options.out / LESSONS)
    problems: list[str] = []
    for directory in directories:
        load_all(directory, problems)
    for problem in problems:
        say(problem)
    return tuple(directory.resolve() for directory in directories)


@define
class _Lanes:
    """The lanes of a campaign, here or elsewhere."""

    campaign: Campaign
    program: Program[WorkerStart, Order, Reply]
    start: WorkerStart  #: of lane 0
    policy: Policy
    _count: int = field(default=0, init=False)

    @classmethod
    def of(
        cls,
        campaign: Campaign,
        config: LaneConfig,
        worker: tuple[str, ...],
        generator: tuple[str, ...],
        elsewhere: Elsewhere | None,
    ) -> _Lanes:
        options = campaign.options
        making = GeneratorStart(
            campaign.state.seed,
            config.image.aliases,
            config.kernel.modules,
            config.kernel.arch,
            learned=_learned(options, campaign.view.say),
            tables=options.tables,
            corpus=campaign.guide.corpus.directory.resolve() if campaign.guide else None,
            aim=() if campaign.aim is None else tuple(sorted(campaign.aim.modules)),
        )
        reached = str(campaign.gathered.directory.resolve()) if campaign.gathered else ""
        start = WorkerStart(0, core_of(0), generator, making, config, options.minimize, reached)
        if elsewhere is None:
            here: WorkerProgram[WorkerStart, Order, Reply] = WorkerProgram(worker, MESSAGES)
            return cls(campaign, here, start, POLICY)
        lanes = cls(campaign, elsewhere.program(start), start, POLICY_ELSEWHERE)
        elsewhere.when_more(lanes.join_up_to)
        return lanes

    def up_to(self, count: int) -> list[LaneSupervisor]:
        """The lanes up to so many that there were not yet."""
        numbers = range(self._count, count)
        self._count += len(numbers)
        return [self._lane(number) for number in numbers]

    def join_up_to(self, count: int) -> None:
        """There are so many places now."""
        for supervisor in self.up_to(count) if self.campaign.may_join else ():
            self.campaign.join(supervisor)

    def _lane(self, number: int) -> LaneSupervisor:
        start = evolve(self.start, lane=number, cpu=core_of(number))
        worker = Worker(f"lane {number}", self.program, start, self.policy)
        return LaneSupervisor(worker, LaneAssignment(number, self.campaign.ledger, self.campaign))
