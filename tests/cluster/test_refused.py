"""Wrong input and workers that cannot be used: a clear line each, and the others go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from harness.cluster.admission import Admission, clock_words, different
from tests.campaign.running import Listener
from usbfuzz.errors import InfraError
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.supervisor import Campaign

from .lab import Lab

pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]

Run = Callable[..., Campaign]

HERE = Admission("lab1", "1.2", "abc", "2026.8.0", 1000.0)


@pytest.mark.parametrize(
    ("there", "words"),
    [
        (HERE, ""),
        (Admission("lab2", "1.1", "abc", "2026.8.0", 0.0), "usbfuzz 1.1 there, 1.2 here; install the same"),
        (
            Admission("lab2", "1.2", "abd", "2026.8.0", 0.0),
            "usbfuzz 1.2 there too, but its files differ (abd",
        ),
        (Admission("lab2", "1.2", "abc", "2024.1.0", 0.0), "dask.distributed 2024.1.0 there, 2026.8.0 here"),
    ],
)
def test_another_version_is_refused(there: Admission, words: str) -> None:
    assert different(there, HERE).startswith(words)
    assert bool(different(there, HERE)) == bool(words)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1000.0, ""),
        (1002.0, ""),
        (1059.0, ""),
        (940.0, ""),
        (4605.0, "its clock is 3,600 s ahead of ours"),
        (100.0, "its clock is 900 s behind ours"),
    ],
)
def test_a_clock_that_is_off_gets_a_line(seconds: float, words: str) -> None:
    there = Admission("lab2", "1.2", "abc", "2026.8.0", seconds)
    said = clock_words(there, asked=1000.0, answered=1005.0)
    assert said.startswith(words)
    assert bool(said) == bool(words)


@pytest.mark.parametrize("said", [None, 7, ("lab2",), ("lab2", "1.2", "abc", "2026", "noon"), {"host": "lab2"}])
def test_a_machine_that_does_not_say_who_it_is_is_none(said: object) -> None:
    assert Admission.of(said) is None


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: no scheduler there"),
        ("lab", "lab: cannot be used as a scheduler"),
        ("carrier://pigeon:1", "carrier://pigeon:1: cannot be used as a scheduler"),
    ],
)
def test_no_scheduler_is_one_line(address: str, words: str) -> None:
    script = (
        "import asyncio, sys\nfrom harness.cluster.scheduler import Scheduler\nfrom usbfuzz.errors import InputError\n"
        f"try:\n    asyncio.run(Scheduler.open({address!r}))\nexcept InputError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert ran.stdout.startswith(words)
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


def test_a_worker_that_lies_one_that_is_too_old_and_one_that_lacks_something_are_used_no_more(
    lab: Lab, run: Run, write_script: Callable[..., str]
) -> None:
    write_script(seconds=0.05)
    lab.start(1)
    lab.join(script=write_script("liar", lie="it has run a case that it was not given"))
    lab.join(script=write_script("bare", machine=["QemuError", "qemu-system-x86_64: not found on PATH"]))
    lab.join(host="lab3", version="0.1")
    view = Listener()
    stopped: list[bool] = []

    def stop_when_refused(progress: Progress) -> None:
        if sum("is not used any more: " in line for line in view.said) == 3 and progress.session.cases and not stopped:
            stopped.append(True)
            os.kill(os.getpid(), signal.SIGINT)

    view.on_update = stop_when_refused
    campaign = run(view)
    text = "\n".join(line for line in view.said if "is not used any more: " in line)
    assert "was not given" in text
    assert "qemu-system-x86_64: not found on PATH" in text
    assert "usbfuzz 0.1 there" in text
    ledger = campaign.ledger
    assert campaign.progress.session.cases == ledger.next - len(ledger.unfinished)
    assert ledger.skipped == []


def test_a_campaign_ends_when_no_worker_can_be_used(lab: Lab, run: Run, write_script: Callable[..., str]) -> None:
    write_script(machine=["StorageError", "/root/.cache/usbfuzz: no space left"])
    lab.start(1)
    with pytest.raises(InfraError, match=r"no worker can be used.*no space left"):
        run(cases=50)
