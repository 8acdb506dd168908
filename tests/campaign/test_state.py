"""What a campaign remembers between runs, and who may use its directory."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve

from harness.lane.outcome import Verdict
from usbfuzz.crashes.lock import DirectoryLock
from usbfuzz.errors import InputError, StorageError
from usbfuzz.jobs.audit import read_books
from usbfuzz.jobs.campaign.messages import Bound, RoundDone
from usbfuzz.jobs.campaign.state import CampaignState

_ROUND = RoundDone(
    indices=(1, 2),
    verdict=Verdict.CLEAN,
    plugs=2,
    enumerated=2,
    requests=30,
    seconds=0.5,
    restores=1,
    dilated=0,
    worst_reply_ms=0.1,
    drivers=(Bound("usbhid"),),
    hits=(),
)
_KERNEL = "debian:5.10.223-1"


def _open(directory: Path, *, kernel: str = _KERNEL, seed: int | None = None, new_seed: int = 7) -> CampaignState:
    return CampaignState.open(directory, kernel=kernel, params=(), seed=seed, new_seed=new_seed)


def test_a_campaign_goes_on_where_it_was_saved(tmp_path: Path) -> None:
    state = _open(tmp_path)
    state.totals.add(_ROUND)
    both = evolve(_ROUND, drivers=(Bound("usbhid"), Bound("snd-usb-audio")))
    assert state.round_done(both, 1.0) == ["snd-usb-audio", "usbhid"]
    assert state.round_done(_ROUND, 2.0) == []
    state.save(128, [3, 5])
    state.close()
    again = _open(tmp_path, new_seed=99)
    assert (again.seed, again.next, again.unfinished) == (7, 128, [3, 5])
    assert again.totals.plugs == 2
    assert again.drivers == {"usbhid", "snd-usb-audio"}
    again.close()


def test_what_is_skipped_is_written_with_the_numbers_of_which_it_is_none_any_more(tmp_path: Path) -> None:
    state = _open(tmp_path)
    state.save(128, [3, 5])
    state.skip(5, "took down its lane")
    (before,) = read_books(tmp_path / "campaign.sqlite")
    assert (before.unfinished, before.skipped) == ((3, 5), frozenset())
    state.save(128, [3])
    (after,) = read_books(tmp_path / "campaign.sqlite")
    assert (after.unfinished, after.skipped) == ((3,), frozenset({5}))
    state.close()


def test_another_seed_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    _open(tmp_path, seed=7).close()
    with pytest.raises(InputError, match=r"seed 7, not 8; leave --seed out .* --out"):
        _open(tmp_path, seed=8)
    _open(tmp_path, seed=7).close()


def test_each_kernel_has_a_campaign_of_its_own_in_a_directory(tmp_path: Path) -> None:
    old = _open(tmp_path, seed=1)
    old.save(640, [])
    old.close()
    new = _open(tmp_path, kernel="debian:6.1.192-1", seed=2)
    assert (new.seed, new.next) == (2, 0)
    new.close()


def test_a_broken_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "campaign.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(StorageError, match=r"campaign\.sqlite: cannot be used: .*--out"):
        _open(tmp_path)


def test_a_database_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    state = _open(tmp_path)
    other = sqlite3.connect(tmp_path / "campaign.sqlite", isolation_level=None)
    other.execute("DROP TABLE driver")
    other.close()
    with pytest.raises(StorageError, match="free some space"):
        state.round_done(_ROUND, 1.0)
    state.close()


def test_a_second_campaign_on_a_directory_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    lock = DirectoryLock.acquire(tmp_path / "out")
    with pytest.raises(StorageError, match=rf"process {os.getpid()}.*--out"):
        DirectoryLock.acquire(tmp_path / "out")
    lock.release()
    DirectoryLock.acquire(tmp_path / "out").release()


def test_the_lock_of_a_killed_campaign_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from usbfuzz.crashes.lock import DirectoryLock;"
        "lock = DirectoryLock.acquire(Path(sys.argv[1])); print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(StorageError, match=f"process {holder.pid}"):
            DirectoryLock.acquire(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        DirectoryLock.acquire(tmp_path).release()


def test_a_directory_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="--out"):
        DirectoryLock.acquire(tmp_path / "file" / "out")
