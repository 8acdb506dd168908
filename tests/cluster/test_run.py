"""Campaigns at a scheduler and workers in processes of their own."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.campaign.running import Listener, until
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.supervisor import Campaign

from .lab import Lab

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

Run = Callable[..., Campaign]


def test_every_case_is_run_once_at_workers_that_are_there_and_at_one_that_joins(
    lab: Lab, run: Run, write_script: Callable[..., str]
) -> None:
    write_script(seconds=0.1, crashes=[{"needs": [6], "title": "oops in x"}])
    lab.start(2)
    joined: list[int] = []
    stopped: list[bool] = []

    def join(progress: Progress) -> None:
        if not joined and all(lane.cases for lane in progress.lanes):
            joined.append(lab.join())
        if len(progress.lanes) == 3 and progress.lanes[2].cases and not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    campaign = run(Listener(on_update=join))
    ledger = campaign.ledger
    assert campaign.progress.session.cases == campaign.progress.totals.plugs == ledger.next - len(ledger.unfinished)
    assert len(campaign.progress.lanes) == 3
    assert all(lane.cases for lane in campaign.progress.lanes)
    (crash,) = campaign.store.crashes.values()
    assert (crash.title, crash.reproduced, crash.total) == ("oops in x", 2, 1)
    until(lambda: not lab.lanes())
