"""Run directories are private and disappear with their owner."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from harness.guest.rundir import RunDir, sweep
from usbfuzz.errors import StorageError


@pytest.fixture(autouse=True)
def _own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_run_directory_is_private_and_gone_when_closed() -> None:
    with RunDir() as run_dir:
        path = run_dir.path
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()


def test_a_directory_in_use_is_not_swept() -> None:
    with RunDir() as run_dir:
        assert sweep() == 0
        with RunDir():
            assert run_dir.path.exists()


def test_what_a_killed_owner_left_is_swept_by_the_next_one(tmp_path: Path) -> None:
    code = (
        "import sys, tempfile, time; tempfile.tempdir = sys.argv[1]\n"
        "from harness.guest.rundir import RunDir\n"
        "print(RunDir().path, flush=True); time.sleep(60)"
    )
    owner = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        left = Path(owner.stdout.readline().strip())
        assert left.exists()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    assert left.exists()
    with RunDir():
        assert not left.exists()


def test_a_root_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with RunDir() as run_dir:
        root = run_dir.path.parent
    root.chmod(0o755)
    with pytest.raises(StorageError, match="not a private directory"):
        RunDir()


def test_a_tmpdir_that_cannot_be_written_gives_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StorageError, match="set TMPDIR"):
        RunDir()
