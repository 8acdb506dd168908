"""The directory that a campaign leaves is whole, and what is damaged there is named."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.corpus.made import case
from usbfuzz.cli import cli
from usbfuzz.corpus import keep
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.errors import InputError, StorageError
from usbfuzz.jobs.audit import audit
from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.start import run_campaign

from .pretend import COMMANDS, MODULES, VARIABLE, config
from .running import Listener

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a campaign that found a crash."""
    place = tmp_path_factory.mktemp("campaign")
    out, script = place / "out", place / "script.json"
    script.write_text(json.dumps({"crashes": [{"needs": [2], "title": "oops in x"}]}))
    options = CampaignOptions(out=out, cases=64, lanes=1, seed=7, minimize=False, confirm=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(script))
        patch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        asyncio.run(run_campaign(options, config(), MODULES, Listener(), COMMANDS))
    (out / "corpus" / "cases").mkdir(parents=True)
    keep(out / "corpus", case(1))
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    """A copy of that directory, to be damaged."""
    return shutil.copytree(made, tmp_path / "out")


def _crash(out: Path) -> Path:
    (found,) = out.glob("oops-in-x-*")
    return found


def _write(out: Path, statement: str) -> None:
    with closing(sqlite3.connect(out / "campaign.sqlite", isolation_level=None)) as database:
        database.execute(statement)


def test_what_a_campaign_leaves_is_whole(out: Path) -> None:
    found = audit(out)
    assert found.findings == ()
    assert found.unfinished == ()
    assert (found.crashes, found.corpus) == (1, 1)
    (books,) = found.books
    assert (books.next, books.cases, books.unfinished, len(books.skipped)) == (64, 64, (), 0)


def _no_record(out: Path) -> None:
    (_crash(out) / "crash.toml").unlink()


def _broken_case(out: Path) -> None:
    (_crash(out) / "case.toml").write_text("format = 1\nnonsense")


def _no_console(out: Path) -> None:
    (_crash(out) / "console.log").unlink()


def _twin(out: Path) -> None:
    shutil.copytree(_crash(out), _crash(out).with_name("oops-in-x-2"))


def _unseen(out: Path) -> None:
    _write(out, "DELETE FROM sighting")


def _uncounted(out: Path) -> None:
    _write(out, "UPDATE campaign SET next = next + 1")


def _cut_coverage(out: Path) -> None:
    (out / "coverage").mkdir(exist_ok=True)
    (out / "coverage" / "blocks.tsv").write_text("# usbfuzz coverage 1\n# kernel")


def _broken_corpus(out: Path) -> None:
    (found,) = (out / "corpus" / "cases").iterdir()
    found.write_text(found.read_text().replace("format = 1", "format = 2"))


def _broken_lesson(out: Path) -> None:
    (out / "learned").mkdir()
    (out / "learned" / "x.toml").write_text("format = ")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_record, "is no whole crash directory"),
        (_broken_case, "case.toml:2"),
        (_no_console, "has no console.log"),
        (_twin, "once more"),
        (_unseen, "never seen: oops in x"),
        (_uncounted, "1 lost"),
        (_cut_coverage, "blocks.tsv:2"),
        (_broken_corpus, "format"),
        (_broken_lesson, "x.toml:1"),
    ],
)
def test_damage_is_named(out: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(out)
    assert said in "; ".join(audit(out).findings)


def test_a_crash_is_known_to_one_of_the_campaigns_of_its_kernel(out: Path) -> None:
    _write(out, """INSERT INTO campaign (kernel, params, seed) SELECT kernel, '["preempt=full"]', 8 FROM campaign""")
    run = "(campaign, version, started, wall, facts)"
    _write(out, f"INSERT INTO run {run} SELECT 2, version, started, wall, facts FROM run")
    found = audit(out)
    assert [books.name.removeprefix(books.kernel) for books in found.books] == ["", " preempt=full"]
    assert found.findings == ()


def test_what_was_being_written_is_told_and_is_no_damage(out: Path) -> None:
    (out / ".saving-oops-in-y").mkdir()
    report = _crash(out) / "report.txt"
    report.unlink()
    found = audit(out)
    assert found.findings == ()
    assert found.unfinished == (out / ".saving-oops-in-y", report)


def test_a_directory_in_use_or_of_no_campaign_is_refused(out: Path, tmp_path: Path) -> None:
    with DirectoryLock.acquire(out), pytest.raises(StorageError, match="is running on this directory"):
        audit(out)
    with pytest.raises(InputError, match=r"holds no campaign\.sqlite"):
        audit(tmp_path)


def test_the_command_says_what_is_there_and_fails_when_something_is_wrong(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["crashes", "audit", str(out)], standalone_mode=False) == 0
    assert "64 numbers handed out, 64 run, 0 unfinished, 0 skipped" in capsys.readouterr().out
    _no_console(out)
    assert cli.main(["crashes", "audit", str(out)], standalone_mode=False) == 1
    assert "has no console.log" in capsys.readouterr().out
