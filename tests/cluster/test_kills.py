"""Workers are killed, schedulers die, networks are cut: nothing is lost, nothing is done twice.

Lanes are those of the simulation: every ``EVERY``th case shows a bug of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, field

from tests.campaign.pretend import MODULES
from tests.campaign.running import Listener, until
from usbfuzz.crashes.record import read_crashes
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.supervisor import Campaign
from usbfuzz.jobs.cluster.program import lanes_at

from .chatter import LIKE, VARIABLE
from .lab import Lab
from .simulation import like, seeing

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

#: Moments at which workers are killed; 20 by hand, which take two minutes.
KILLS = int(os.environ.get("USBFUZZ_TEST_KILLS", "8"))
EVERY, CASES = 50, 2000


@define
class Chatty:
    """A lab whose lanes are those of the simulation."""

    lab: Lab
    out: Path
    said: list[str] = field(factory=list)

    def run(self, on_update: Callable[[Progress], None], cases: int = CASES) -> Campaign:
        """A campaign of so many cases."""
        view = Listener(self.said, on_update=on_update)
        options = CampaignOptions(
            out=self.out, cases=cases, lanes=1, seed=7, minimize=False, confirm=False, guided=False
        )

        async def campaign() -> Campaign:
            async with lanes_at(self.lab.address, view.say, None, "tests.cluster.chatter") as lanes:
                return await run_campaign(options, seeing(), MODULES, view, elsewhere=lanes)

        return asyncio.run(campaign())

    def check(self, campaign: Campaign, cases: int = CASES) -> None:
        """Each case was counted once, and each bug is there once."""
        assert campaign.progress.totals.cases == campaign.progress.totals.plugs == cases
        assert campaign.ledger.exhausted
        assert campaign.ledger.skipped == []
        titles = [crash.title for crash in read_crashes(self.out).values()]
        assert sorted(titles) == sorted(f"WARNING in simulated_probe_{n}" for n in range(cases // EVERY))


@pytest.fixture
def chatty(tmp_path: Path) -> Iterator[Chatty]:
    wanted = like(rate=100.0, every=EVERY, bugs=100_000, reached=0.0)
    (tmp_path / LIKE).write_text(json.dumps(wanted))
    with Lab(tmp_path, {VARIABLE: str(tmp_path)}) as lab:
        yield Chatty(lab, tmp_path / "out")


def test_what_killed_workers_had_is_done_by_others_once(chatty: Chatty) -> None:
    chatty.lab.start(3)
    moments = random.Random(5)
    due = sorted(moments.sample(range(50, CASES - 300), KILLS))

    def kill(progress: Progress) -> None:
        busy = [lane.ppid() for lane in chatty.lab.lanes()]
        if busy and due and progress.session.cases >= due[0]:
            due.pop(0)
            chatty.lab.kill(moments.choice(busy))
            chatty.lab.join()

    campaign = chatty.run(kill)
    assert not due
    chatty.check(campaign)
    assert sum(lane.deaths for lane in campaign.progress.lanes) >= KILLS // 2


def test_a_scheduler_that_dies_is_waited_for_and_the_campaign_goes_on(chatty: Chatty) -> None:
    chatty.lab.start(2)
    dead: list[str] = []

    def end(progress: Progress) -> None:
        if progress.session.cases >= 500 and not dead:
            dead.append(chatty.lab.address)
            chatty.lab.end_scheduler()
        elif len(dead) == 1 and any("the scheduler is gone" in line for line in chatty.said):
            dead.append("is there again")
            chatty.lab.start(port=int(chatty.lab.address.rpartition(":")[2]))
            for _ in range(2):
                chatty.lab.join()

    campaign = chatty.run(end, 1500)
    chatty.check(campaign, 1500)
    assert sum("the scheduler is gone" in line for line in chatty.said) == 1
    assert sum("the scheduler is there again" in line for line in chatty.said) == 1


def _ip(*words: str) -> bool:
    return subprocess.run(["ip", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A network of two: the name of the other's namespace, and our address in it."""
    name = f"usbfuzz{os.getpid() % 10000}"
    ours, theirs = f"uf{os.getpid() % 10000}a", f"uf{os.getpid() % 10000}b"
    try:
        if not (
            _ip("netns", "add", name)
            and _ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
            and _ip("addr", "add", "10.213.7.1/30", "dev", ours)
            and _ip("link", "set", ours, "up")
            and _ip("-n", name, "addr", "add", "10.213.7.2/30", "dev", theirs)
            and _ip("-n", name, "link", "set", theirs, "up")
            and _ip("-n", name, "link", "set", "lo", "up")
        ):
            pytest.skip("this machine makes no network namespaces")
        yield name, ours
    finally:
        _ip("link", "del", ours)
        _ip("netns", "del", name)


def test_a_network_that_is_cut_costs_nothing_and_what_comes_late_counts_nowhere(
    chatty: Chatty, apart: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, ours = apart
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP", "11s")
    chatty.lab.prefix = ("ip", "netns", "exec", name)
    chatty.lab.start(2, host="10.213.7.1")
    cut: list[float] = []

    def cut_once(progress: Progress) -> None:
        if progress.session.cases >= 500 and not cut:
            cut.append(progress.session.cases)
            _ip("link", "set", ours, "down")
        elif cut and len(cut) == 1 and any("starts again" in line for line in chatty.said):
            cut.append(progress.session.cases)
            _ip("link", "set", ours, "up")
            until(lambda: _ip("link", "show", ours))
            chatty.lab.join(2)

    campaign = chatty.run(cut_once, 3000)
    chatty.check(campaign, 3000)
    assert len(cut) == 2
