"""A sweep over pretended guests: what is judged how, what is run again, and what goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, evolve, field
from click.testing import CliRunner

from harness.guest.qemu import Timing
from usbfuzz.case.model import Action, Case
from usbfuzz.cli import cli
from usbfuzz.crashes.store import CrashStore
from usbfuzz.errors import InputError
from usbfuzz.jobs.stress.books import Books, Verdict
from usbfuzz.jobs.stress.keeping import Keeper
from usbfuzz.jobs.stress.messages import Ran, Trial
from usbfuzz.jobs.stress.plan import Grain, Plan
from usbfuzz.jobs.stress.subjects import subjects
from usbfuzz.jobs.stress.sweep import Options, Sweep, record
from usbfuzz.report.render import render
from usbfuzz.triage import Report

from .test_plan import KEYBOARD, PACKETS

BUG = Report("BUG: unable to handle kernel NULL pointer dereference in usbhid_stop", text="BUG: …")
Answer = Callable[[Trial], Ran | None]


@define
class Pretended:
    """Guests that answer as they are told."""

    answer: Answer
    lanes: int = 1
    trials: list[Trial] = field(factory=list)

    async def run(self, trial: Trial) -> Ran | None:
        self.trials.append(trial)
        return self.answer(trial)

    async def close(self) -> None: ...


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    opened = Books.open(tmp_path, KEYBOARD, "debian:6.1", ())
    opened.record(PACKETS)
    yield opened
    opened.close()


def _swept(books: Books, out: Path, answer: Answer, options: Options | None = None) -> tuple[Sweep, Pretended]:
    guests = Pretended(answer)
    store = CrashStore.open(out, kernel="debian:6.1", timing=Timing.WARP, render=render)
    chosen = options or Options(("unplug",), (Grain.BETWEEN,))
    sweep = Sweep(Plan(KEYBOARD, PACKETS), books, guests, Keeper(store), chosen)
    asyncio.run(sweep.run())
    return sweep, guests


def _after(case: Case) -> int | None:
    return next(event.after_packets for event in case.events if event.action is Action.UNPLUG)


def test_every_moment_is_tried_once_and_is_clean_when_nothing_is_said(books: Books, tmp_path: Path) -> None:
    sweep, guests = _swept(books, tmp_path, lambda _: Ran(plugs=1))
    assert sweep.counts == {Verdict.CLEAN: len(PACKETS) + 1}
    assert len(guests.trials) == len(PACKETS) + 1 == sweep.plugs


def test_a_bad_moment_is_run_again_alone_on_fresh_guests_and_kept_with_its_case(books: Books, tmp_path: Path) -> None:
    sweep, guests = _swept(books, tmp_path, lambda trial: Ran((BUG,)) if _after(trial.case) in {1, 2} else Ran())
    assert [(found.why, found.hits, found.runs) for found in sweep.bad] == [(BUG.title, 2, 2), (BUG.title, 1, 1)]
    assert sum(trial.fresh for trial in guests.trials) == 3
    slugs = {found.slug for found in sweep.bad}
    assert len(slugs) == 1
    assert (tmp_path / slugs.pop() / "case.toml").exists()
    assert len(list((books.directory / "bad").iterdir())) == 2


def test_what_cannot_be_brought_about_is_counted_with_its_reason_and_the_sweep_goes_on(
    books: Books, tmp_path: Path
) -> None:
    def answer(trial: Trial) -> Ran | None:
        return Ran(hitches=("no driver",)) if _after(trial.case) == 0 else None if _after(trial.case) == 1 else Ran()

    sweep, _ = _swept(books, tmp_path, answer)
    assert sweep.counts == {Verdict.IMPOSSIBLE: 2, Verdict.CLEAN: 2}
    assert set(sweep.reasons) == {"no driver", "each guest that tried it failed"}


def test_a_guest_that_was_answered_late_is_not_believed_and_its_moment_tried_again_next_time(
    books: Books, tmp_path: Path
) -> None:
    late, guests = _swept(books, tmp_path, lambda _: Ran(dilated=True))
    assert late.counts == {Verdict.LATE: len(PACKETS) + 1}
    assert len(guests.trials) == 2 * 3 * (len(PACKETS) + 1)
    assert late.left == late.numbers
    sweep, _ = _swept(books, tmp_path, lambda _: Ran())
    assert sweep.counts == {Verdict.CLEAN: len(PACKETS) + 1}


def test_what_was_tried_is_not_tried_again_also_in_another_order(books: Books, tmp_path: Path) -> None:
    _swept(books, tmp_path, lambda _: Ran())
    everything = Options(("unplug",), seed=7)
    sweep, guests = _swept(books, tmp_path, lambda _: Ran(), everything)
    assert len(guests.trials) == len(sweep.numbers) - len(PACKETS) - 1
    assert len(sweep.found) == len(sweep.numbers)


def test_the_longest_conversation_counts_and_a_device_that_no_guest_survives_has_none(tmp_path: Path) -> None:
    store = CrashStore.open(tmp_path, kernel="debian:6.1", timing=Timing.WARP, render=render)
    said = iter((PACKETS[:1], PACKETS))
    plan = asyncio.run(record(Plan(KEYBOARD, ()), Pretended(lambda _: Ran(packets=next(said))), Keeper(store)))
    assert plan is not None
    assert plan.packets == PACKETS
    assert asyncio.run(record(Plan(KEYBOARD, ()), Pretended(lambda _: None), Keeper(store))) is None


def test_each_device_of_a_case_is_a_subject_with_what_its_guest_needs() -> None:
    cases = subjects(["corpus/found/vub300-timer-uaf.toml", "boot-mouse"], ("quiet",), print)
    assert [case.devices[0].name for case in cases] == ["vub300", "boot-mouse"]
    assert all("quiet" in case.guest.kernel_params for case in cases)
    assert all(evolve(case, expect=()) == case for case in cases)


@pytest.mark.parametrize("device", ["no-such-device", "no/such/file.toml"])
def test_a_device_that_does_not_exist_is_said_in_one_line(device: str) -> None:
    result = CliRunner().invoke(cli, ["stress", device])
    assert isinstance(result.exception, InputError)
    assert device in str(result.exception)
    assert "\n" not in str(result.exception)


def test_a_case_that_cannot_be_read_is_said_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("format = 1\n[[device]]\nname = 3\n")
    with pytest.raises(InputError, match=r"broken\.toml:3: device\[0\]\.name"):
        subjects([str(tmp_path / "broken.toml")], (), print)
