"""Campaigns that are interrupted, killed, or started twice."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import ROOT
from usbfuzz.errors import StorageError

from .running import Run, pretenders, until

pytestmark = [pytest.mark.processes, pytest.mark.usefixtures("no_orphans")]


_CAMPAIGN = """
import asyncio, sys
from pathlib import Path
from tests.campaign import pretend
from rich.console import Console
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign
from usbfuzz.jobs.campaign.view import plain_line
from usbfuzz.jobs.watching import PlainView
options = CampaignOptions(
    out=Path(sys.argv[1]), lanes=2, seed=7, cases=int(sys.argv[2]), minimize=False, confirm=False
)
view = PlainView(Console(), plain_line)
campaign = asyncio.run(run_campaign(options, pretend.config(), ("usbhid", "wacom"), view, pretend.COMMANDS))
print("cases", campaign.progress.session.cases, "of", campaign.progress.totals.cases)
raise SystemExit(130 if campaign.killed else 0)
"""


def _start(out: Path, cases: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _CAMPAIGN, str(out), str(cases)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def _saved_cases(out: Path) -> int:
    with contextlib.suppress(sqlite3.Error, TypeError):
        database = sqlite3.connect(f"file:{out / 'campaign.sqlite'}?mode=ro", uri=True)
        with contextlib.closing(database):
            return int(json.loads(database.execute("SELECT totals FROM campaign").fetchone()[0]).get("cases", 0))
    return 0


def test_kill_9_of_the_supervisor_leaves_no_process_and_loses_nothing(
    tmp_path: Path, write_script: Callable[..., None]
) -> None:
    write_script(seconds=0.05, crashes=[{"needs": [2], "title": "oops in x"}])
    out = tmp_path / "out"
    with _start(out, 800) as process:
        until(lambda: _saved_cases(out) > 10 and any(out.glob("oops-in-x-*/case.toml")))
        process.kill()
        process.communicate()
    until(lambda: not pretenders(tmp_path))
    saved = _saved_cases(out)
    assert list(out.glob("oops-in-x-*/case.toml"))
    with _start(out, 800) as process:
        text, _ = process.communicate(timeout=40)
    assert process.returncode == 0, text
    assert f"cases {800 - saved} of 800" in text


def test_ctrl_c_stops_cleanly_and_with_success(tmp_path: Path, write_script: Callable[..., None]) -> None:
    write_script(seconds=0.05)
    with _start(tmp_path / "out", 100_000) as process:
        until(lambda: _saved_cases(tmp_path / "out") > 0)
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=20)
    assert process.returncode == 0, text
    assert "Ctrl-C again kills" in text
    assert f"cases {_saved_cases(tmp_path / 'out')} of" in text


def test_a_second_ctrl_c_kills_what_does_not_stop(tmp_path: Path, write_script: Callable[..., None]) -> None:
    write_script(seconds=0.05)
    with _start(tmp_path / "out", 100_000) as process:
        until(lambda: _saved_cases(tmp_path / "out") > 0)
        for worker in pretenders(tmp_path, "worker"):
            worker.suspend()
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=10)
    assert process.returncode == 130, text


def test_sigterm_stops_as_ctrl_c_does(tmp_path: Path, write_script: Callable[..., None]) -> None:
    write_script(seconds=0.05)
    with _start(tmp_path / "out", 100_000) as process:
        until(lambda: _saved_cases(tmp_path / "out") > 0)
        process.terminate()
        text, _ = process.communicate(timeout=20)
    assert process.returncode == 0, text


def test_a_second_campaign_on_the_directory_is_refused_while_the_first_goes_on(
    run: Run, tmp_path: Path, write_script: Callable[..., None]
) -> None:
    write_script(seconds=0.05)
    with _start(tmp_path / "out", 100_000) as process:
        until(lambda: _saved_cases(tmp_path / "out") > 0)
        with pytest.raises(StorageError, match=f"process {process.pid}"):
            run(cases=16)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0
