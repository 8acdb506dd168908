"""Scheduling of child processes: which core they run on, and how soon."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness.workers.procs import answering_first, may_answer_first


def elsewhere(task: str) -> str:
    """What ``task`` prints in a process of its own, which it may pin and hurry as it likes."""
    words = "import os, subprocess, sys; from harness.workers.procs import *; from harness.workers import procs; "
    done = subprocess.run([sys.executable, "-c", words + task], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_answering_first_shares_one_core_with_what_is_started_meanwhile_and_gives_it_back() -> None:
    if not may_answer_first():
        pytest.xfail("this machine's kernel has no time slices to ask for (before Linux 6.12)")
    seen = elsewhere(
        "before = os.sched_getaffinity(0)\n"
        "with answering_first():\n"
        "    mine = os.sched_getaffinity(0)\n"
        "    child = subprocess.run(['nproc'], capture_output=True, text=True).stdout.strip()\n"
        "print(len(mine), mine <= before, child, os.sched_getaffinity(0) == before)"
    )
    assert seen == "1 True 1 True"


def test_a_kernel_without_slices_leaves_everything_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")  # its numbers are not in the table
    before = os.sched_getaffinity(0)
    with answering_first():
        assert os.sched_getaffinity(0) == before


def test_trying_it_out_changes_nothing() -> None:
    with ThreadPoolExecutor(1) as pool:
        before = pool.submit(os.sched_getaffinity, 0).result()
        may_answer_first.cache_clear()
        may_answer_first()
        assert pool.submit(os.sched_getaffinity, 0).result() == before


def test_a_thread_of_another_policy_is_left_alone() -> None:
    task = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)); print(may_answer_first())"
    assert elsewhere(task) == "False"
