"""A pool has each job done by one worker, and by another process when that one fails, as often as its policy says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from harness.workers.policy import Policy
from harness.workers.pool import JobGivenUpError, Pool
from harness.workers.worker import DeadWorkerError, SilentWorkerError
from usbfuzz.errors import BootError, InfraError, InputError, ProtocolError

from .pretend import Answer, Job, Start, worker

T = TypeVar("T")

_Pool = Pool[Start, Job, Answer]


def _with_pool(use: Callable[[_Pool], Awaitable[T]], policy: Policy | None = None, workers: int = 1) -> T:
    policy = policy or Policy()

    async def run() -> T:
        pool = Pool(tuple(worker(number, policy) for number in range(workers)), policy)
        try:
            return await use(pool)
        finally:
            await pool.close()

    return asyncio.run(run())


def _do(words: Sequence[str], policy: Policy | None = None) -> list[Answer | Exception]:
    """What came of each job, one after another."""

    async def use(pool: _Pool) -> list[Answer | Exception]:
        came: list[Answer | Exception] = []
        for what in words:
            try:
                came.append(await pool.run(Job(what)))
            except InfraError as error:
                came.append(error)
        return came

    return _with_pool(use, policy)


def test_one_process_does_one_job_after_another() -> None:
    first, second = _do(["answer", "answer"])
    assert isinstance(first, Answer)
    assert first == second


def test_jobs_at_the_same_time_go_to_different_workers_and_the_rest_waits() -> None:
    async def use(pool: _Pool) -> list[Answer]:
        return await asyncio.gather(*(pool.run(Job("boot")) for _ in range(3)))

    answers = _with_pool(use, workers=2)
    assert {answer.number for answer in answers} == {0, 1}
    assert len(answers) == 3


def test_one_job_at_a_time_needs_one_worker_only() -> None:
    async def use(pool: _Pool) -> set[int]:
        return {(await pool.run(Job("answer"))).number for _ in range(4)}

    assert _with_pool(use, workers=3) == {0}


def test_a_job_that_kills_two_workers_is_given_up_and_the_next_one_is_done() -> None:
    killed, after = _do(["die", "answer"])
    assert isinstance(killed, JobGivenUpError)
    assert isinstance(killed.failure, DeadWorkerError)
    assert str(killed) == "worker 0: worker ended with status 9: something is wrong"
    assert killed.failure.last_words == "something is wrong"
    assert isinstance(after, Answer)


@pytest.mark.parametrize("what", ["rude", "end", "QemuError"])
def test_whatever_else_a_worker_does_instead_of_its_job_counts_as_a_death(what: str) -> None:
    (came,) = _do([what])
    assert isinstance(came, JobGivenUpError)
    assert isinstance(came.failure, {"rude": ProtocolError}.get(what, InfraError))


def test_failures_in_a_row_end_it_and_a_job_done_in_between_counts_anew() -> None:
    policy = Policy(fruitless=4)
    came = _do(["die", "answer", "die", "die"], policy)
    assert [type(result) for result in came] == [JobGivenUpError, Answer, JobGivenUpError, DeadWorkerError]


@pytest.mark.parametrize(("name", "error"), [("BootError", BootError), ("KernelError", InputError)])
def test_a_guest_that_does_not_boot_and_wrong_input_are_not_tried_again(name: str, error: type[Exception]) -> None:
    with pytest.raises(error, match="as it was told"):
        _with_pool(lambda pool: pool.run(Job(name)))


def test_silence_ends_a_worker_and_may_be_final() -> None:
    policy = Policy(silence=0.2, silent_again=False, fruitless=None)
    silent, after = _do(["hang", "answer"], policy)
    assert isinstance(silent, JobGivenUpError)
    assert isinstance(silent.failure, SilentWorkerError)
    assert silent.failure.seconds == 0.2
    assert isinstance(after, Answer)


def test_a_worker_that_boots_may_be_silent_for_longer() -> None:
    (came,) = _do(["boot"], Policy(silence=0.1, boot_silence=20.0))
    assert isinstance(came, Answer)


def test_the_answer_to_a_cancelled_job_is_not_taken_for_that_to_the_next() -> None:
    async def use(pool: _Pool) -> str:
        job = asyncio.create_task(pool.run(Job("boot")))
        await asyncio.sleep(0.2)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        return (await pool.run(Job("answer"))).what

    assert _with_pool(use) == "answer"


def test_a_closed_pool_starts_no_process() -> None:
    async def use(pool: _Pool) -> Answer:
        await pool.close()
        return await pool.run(Job("answer"))

    with pytest.raises(InfraError, match="no further job"):
        _with_pool(use)
