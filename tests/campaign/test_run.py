"""Whole campaigns with real worker and generator processes; only the guest is pretended."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from usbfuzz.case import load
from usbfuzz.crashes.minimized import load_result
from usbfuzz.crashes.record import Crash, read_crashes
from usbfuzz.errors import BootError, InfraError, InputError, KernelError, StorageError
from usbfuzz.jobs.campaign.ledger import STRIKES
from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.supervisor import Campaign

from .running import Listener, Run, pretenders

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("no_orphans")]


def _crash(campaign: Campaign) -> Crash:
    (crash,) = campaign.store.crashes.values()
    return crash


def test_every_case_is_run_once_and_counted(run: Run) -> None:
    campaign = run(cases=40, lanes=2)
    assert campaign.progress.session.cases == 40
    assert campaign.progress.totals.plugs == 40
    assert campaign.ledger.exhausted
    assert set(campaign.progress.drivers)
    assert set(campaign.progress.drivers) <= {f"driver{n}" for n in range(7)}
    assert "usb" not in campaign.progress.drivers


def test_a_crash_is_found_attributed_and_saved(run: Run, write_script: Callable[..., None], tmp_path: Path) -> None:
    write_script(crashes=[{"needs": [6], "title": "oops in x"}])
    view = Listener()
    campaign = run(view, cases=16)
    crash = _crash(campaign)
    assert (crash.title, crash.reproduced, crash.runs, crash.total) == ("oops in x", 2, 2, 1)
    saved = load(tmp_path / "out" / crash.slug / "case.toml")
    assert [device.name for device in saved.devices] == ["case 6"]
    assert (saved.provenance.seed, saved.provenance.index) == (7, 6)
    assert any(line.startswith("new crash: oops in x") for line in view.said)
    assert any(line.startswith("reproduced 2 of 2: oops in x") for line in view.said)
    assert campaign.progress.session.cases == 16


def test_a_known_crash_only_counts(run: Run, write_script: Callable[..., None]) -> None:
    write_script(crashes=[{"needs": [n], "title": "oops in x"} for n in range(0, 32, 4)])
    campaign = run(cases=32)
    crash = _crash(campaign)
    assert crash.total == 8
    assert read_crashes(campaign.options.out)[crash.slug].total == 8


def test_a_crash_that_takes_several_rounds_is_saved_as_one_case(run: Run, write_script: Callable[..., None]) -> None:
    write_script(crashes=[{"needs": [1, 9], "title": "slow rot", "history": True}])
    crash = _crash(run(cases=16))
    assert (crash.reproduced, crash.how) == (2, "the rounds since the last restore")


def test_what_cannot_be_seen_again_is_saved_all_the_same(run: Run, write_script: Callable[..., None]) -> None:
    write_script(crashes=[{"needs": [6], "title": "once", "times": 1}])
    crash = _crash(run(cases=16))
    assert crash.reproduced == 0
    assert crash.runs > 0


def test_a_new_bug_is_minimized_and_the_case_it_was_found_with_kept(
    run: Run, write_script: Callable[..., None]
) -> None:
    write_script(crashes=[{"needs": [3, 4], "title": "WARNING in a_probe"}])
    view = Listener()
    campaign = run(view, cases=16, minimize=True)
    crash = _crash(campaign)
    directory = campaign.options.out / crash.slug
    original, small = load(directory / "original.toml"), load(directory / "case.toml")
    assert {device.name for device in small.devices} == {"case 3", "case 4"}
    assert len(original.devices) == 8
    assert load_result(directory) is not None
    assert crash.reproduced == crash.runs == 10
    assert any(line.startswith("minimized ") for line in view.said)


def test_rounds_in_which_we_answered_late_are_run_again(run: Run, write_script: Callable[..., None]) -> None:
    write_script(dilated=2)
    campaign = run(cases=8)
    assert campaign.progress.session.dilated == 2
    assert campaign.progress.session.disbelieved == 0
    write_script(dilated=99)
    campaign = run(cases=12)
    assert campaign.progress.session.disbelieved == 1


def test_a_case_that_takes_down_its_lane_is_isolated_and_skipped(run: Run, write_script: Callable[..., None]) -> None:
    write_script(kill=[5])
    view = Listener()
    campaign = run(view, cases=16)
    assert campaign.progress.session.cases == 15
    assert campaign.ledger.skipped == [5]
    assert any(line.startswith("case 5 is skipped") for line in view.said)
    with contextlib.closing(sqlite3.connect(campaign.options.out / "campaign.sqlite")) as database:
        rows = database.execute("SELECT number FROM skipped").fetchall()
    assert rows == [(5,)]


def test_a_case_that_cannot_be_made_is_skipped_with_the_reason(run: Run, write_script: Callable[..., None]) -> None:
    write_script(unmakeable=[5])
    view = Listener()
    campaign = run(view, cases=16)
    assert campaign.ledger.skipped == [5]
    assert campaign.progress.session.cases == 15
    assert any("cannot make 5" in line for line in view.said)
    # What was made before it is run, and it is blamed: once beside others, then alone until it is skipped.
    assert sum(lane.deaths for lane in campaign.progress.lanes) == 1 + STRIKES


def test_a_killed_worker_is_replaced_and_its_cases_are_run(
    run: Run, write_script: Callable[..., None], tmp_path: Path
) -> None:
    write_script(seconds=0.05)
    killed: list[int] = []

    def kill_one(progress: Progress) -> None:
        if not killed and progress.session.cases:
            worker = pretenders(tmp_path, "worker")[0]
            killed.append(worker.pid)
            worker.kill()

    campaign = run(Listener(on_update=kill_one), cases=400, lanes=2)
    assert killed
    assert campaign.progress.session.cases == 400
    assert campaign.ledger.skipped == []
    assert sum(lane.deaths for lane in campaign.progress.lanes) == 1


@pytest.mark.parametrize(
    ("name", "error"), [("BootError", BootError), ("KernelError", KernelError), ("QemuError", InfraError)]
)
def test_a_lane_that_never_starts_ends_the_campaign_with_its_own_error(
    run: Run, write_script: Callable[..., None], name: str, error: type[Exception]
) -> None:
    write_script(boot=[name, "the kernel panicked: VFS: Unable to mount root"])
    with pytest.raises(error, match="Unable to mount root"):
        run(cases=16, lanes=2)


def test_the_time_ends_a_campaign(run: Run, write_script: Callable[..., None]) -> None:
    write_script(seconds=0.02)
    campaign = run(seconds=1.0)
    # Counted from the first round on: how long processes take to start is the machine's business.
    assert campaign.progress.started is not None
    assert 1 <= time.monotonic() - campaign.progress.started < 20
    assert campaign.progress.session.cases > 0
    assert not campaign.killed


def test_a_campaign_goes_on_with_its_seed_until_nothing_is_left(run: Run) -> None:
    first = run(cases=16)
    second = run(cases=24, seed=None)
    assert (second.state.seed, second.progress.session.cases, second.progress.totals.cases) == (7, 8, 24)
    assert first.state.seed == 7
    with pytest.raises(InputError, match=r"all 24 cases of seed 7 were run .* raise --cases"):
        run(cases=24)


def test_a_full_disk_stops_the_campaign_and_saves_the_crash_elsewhere(
    run: Run, write_script: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_script(crashes=[{"needs": [6], "title": "oops in x"}])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def full(path: Path) -> None:
        if path.is_relative_to(tmp_path / "out"):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("usbfuzz.atomic._sync", full)
    with pytest.raises(StorageError, match=r"No space left on device.*'oops in x' was saved to"):
        run(cases=16)
    (rescued,) = tmp_path.glob("usbfuzz-rescued-*/oops-in-x-*/case.toml")
    assert load(rescued).devices
    monkeypatch.undo()
