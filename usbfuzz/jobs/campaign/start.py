"""A campaign from its options to its end: the directory opened, the lanes started, everything closed."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.guest.rundir import sweep
from harness.lane.config import LaneConfig
from harness.workers.procs import core_of
from harness.workers.worker import Worker, WorkerProgram
from strategies.learning.learned import LEARNED, load_all
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InputError
from usbfuzz.report.render import render

from .assignment import POLICY, LaneAssignment, LaneSupervisor
from .case_queue import GENERATOR
from .facts import run_facts
from .gathered import Gathered
from .ledger import CaseLedger
from .messages import MESSAGES, WorkerStart
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
) -> Campaign:
    """Run a campaign to its end and return it, for its numbers.

    ``modules`` are those of the guest that can bind; ``commands`` are those of worker and generator processes.
    Raises StorageError, InputError (another seed, nothing left to do), BootError, InfraError; what was found by then
    is saved.
    """
    worker, generator = commands
    lock = DirectoryLock.acquire(options.out)
    try:
        campaign = _open(options, config, modules, view)
        try:
            await campaign.run(_supervisors(campaign, config, worker, generator))
            await campaign.confirm(config)
            campaign.state.history.end()
        finally:
            campaign.state.close()
            view.close()
    finally:
        lock.release()
        sweep()
    return campaign


def _open(options: CampaignOptions, config: LaneConfig, modules: Sequence[str], view: View) -> Campaign:
    kernel = config.kernel.name
    state = CampaignState.open(
        options.out,
        kernel=kernel,
        params=config.kernel_params,
        seed=options.seed,
        new_seed=secrets.randbits(_SEED_BITS),
    )
    state.history.begin(run_facts(options, config, modules))
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
        modules=len(modules),
        seconds=options.seconds,
        limit=options.cases,
        drivers=state.drivers,
        crashes=store.crashes,
    )
    gathered = Gathered.open(options.out, config, view.say) if config.probing.coverage else None
    return Campaign(options, progress=progress, state=state, store=store, ledger=ledger, view=view, gathered=gathered)


def _learned(directory: Path, say: Callable[[str], None]) -> str:
    """The directory of what was learned of drivers, "" if there is none; says which of its files cannot be used."""
    if not directory.is_dir():
        return ""
    problems: list[str] = []
    load_all(directory, problems)
    for problem in problems:
        say(problem)
    return str(directory.resolve())


def _supervisors(
    campaign: Campaign, config: LaneConfig, worker: tuple[str, ...], generator: tuple[str, ...]
) -> list[LaneSupervisor]:
    program, options = WorkerProgram(worker, MESSAGES), campaign.options
    supervisors = []
    learned = _learned(options.learned or LEARNED, campaign.view.say)
    reached = str(campaign.gathered.directory.resolve()) if campaign.gathered else ""
    for lane in range(options.lanes):
        start = WorkerStart(
            lane, campaign.state.seed, core_of(lane), generator, config, options.minimize, reached, learned
        )
        assignment = LaneAssignment(lane, campaign.ledger, campaign)
        supervisors.append(LaneSupervisor(Worker(f"lane {lane}", program, start, POLICY), assignment))
    return supervisors
