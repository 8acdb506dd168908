"""A supervisor keeps its worker alive until the work is done, or starting it again is no use."""

from __future__ import annotations

import asyncio
import time

import pytest
from attrs import define, field

from harness.workers.policy import Policy
from harness.workers.supervisor import Supervisor
from harness.workers.worker import DeadWorkerError
from usbfuzz.errors import BootError, StorageError, UsbfuzzError

from .pretend import Answer, Job, Start, worker


@define
class Jobs:
    """An assignment: each job once, and what a lost worker had is gone."""

    waiting: list[str]
    answers: list[Answer] = field(factory=list)
    failures: list[UsbfuzzError] = field(factory=list)
    wrong: UsbfuzzError | None = None  #: raised when an answer comes

    @property
    def left(self) -> bool:
        return bool(self.waiting)

    def begin(self, supervisor: Supervisor[Start, Job, Answer]) -> None:
        supervisor.send(Job(self.waiting.pop(0) if self.waiting else "end"))

    def act(self, supervisor: Supervisor[Start, Job, Answer], reply: Answer) -> bool:
        if self.wrong is not None:
            raise self.wrong
        self.answers.append(reply)
        if not supervisor.stopping:
            self.begin(supervisor)
        return True

    def lost(self, failure: UsbfuzzError) -> None:
        self.failures.append(failure)


def _supervise(jobs: Jobs, policy: Policy | None = None) -> None:
    asyncio.run(Supervisor(worker(policy=policy), jobs).run())


def test_one_process_does_all_the_work_and_ends() -> None:
    jobs = Jobs(["answer"] * 3)
    _supervise(jobs)
    assert len({answer.pid for answer in jobs.answers}) == 1
    assert len(jobs.answers) == 3
    assert not jobs.failures


def test_a_worker_that_dies_is_replaced_and_the_work_goes_on() -> None:
    jobs = Jobs(["answer", "die", "answer"])
    _supervise(jobs)
    assert len({answer.pid for answer in jobs.answers}) == 2
    assert [str(failure) for failure in jobs.failures] == ["worker 0: worker ended with status 9: something is wrong"]


def test_failures_in_a_row_end_it_with_the_last_of_them() -> None:
    jobs = Jobs(["die"] * 5)
    with pytest.raises(DeadWorkerError):
        _supervise(jobs, Policy(fruitless=3))
    assert len(jobs.failures) == 3


def test_guests_that_do_not_boot_end_it_sooner() -> None:
    jobs = Jobs(["BootError"] * 5)
    with pytest.raises(BootError, match="as it was told"):
        _supervise(jobs, Policy(fruitless_boots=2))
    assert len(jobs.failures) == 2


def test_an_error_of_the_assignment_is_not_the_workers() -> None:
    jobs = Jobs(["answer"], wrong=StorageError("disk full"))
    with pytest.raises(StorageError, match="disk full"):
        _supervise(jobs)
    assert not jobs.failures


def test_told_to_stop_it_ends_its_worker_and_starts_no_other() -> None:
    async def run() -> Jobs:
        jobs = Jobs(["boot", "answer"])
        supervisor = Supervisor(worker(), jobs)
        running = asyncio.create_task(supervisor.run())
        await asyncio.sleep(0.3)
        supervisor.stop(Job("end"))
        await running
        return jobs

    began = time.monotonic()
    jobs = asyncio.run(run())
    assert time.monotonic() - began < 10
    assert [answer.what for answer in jobs.answers] == ["boot"]
    assert not jobs.failures
