"""Saving crashes survives being killed at any step, and full disks."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.campaign.pretend import case
from usbfuzz.case import load
from usbfuzz.crashes.record import How
from usbfuzz.errors import StorageError

from .saving import evidence, store_in

_KILLED_AT_EVERY_STEP = """
import json, os, signal, sys
from pathlib import Path
from tests.campaign.pretend import case, report
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.record import How
from usbfuzz.crashes.store import CrashStore
from harness.guest.qemu import Timing
from usbfuzz.report.render import render

root, title = Path(sys.argv[1]), "oops in x"
states = []
for step in range(1, 80):
    out = root / str(step)
    out.mkdir()
    child = os.fork()
    if not child:
        left = step
        def dying(call):
            def wrapped(*arguments, **names):
                global left
                left -= 1
                if not left:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*arguments, **names)
            return wrapped
        os.fsync, os.rename, os.replace, os.mkdir = map(dying, (os.fsync, os.rename, os.replace, os.mkdir))
        store = CrashStore(out, kernel="k", timing=Timing.WARP, render=render)
        crash, _ = store.sighted(Evidence(report(title), case(5), "first", ()))
        store.attributed(crash.slug, Evidence(report(title), case(7), "second", (), How.ALONE, 3, 3))
        os._exit(0)
    killed = os.waitpid(child, 0)[1] != 0
    store = CrashStore(out, kernel="k", timing=Timing.WARP, render=render)
    crash = store.find(report(title))
    leftovers = [path.name for path in out.rglob("*") if path.name.startswith(".")]
    states.append([killed, None if crash is None else crash.reproduced, list(store.ignored), leftovers])
    if not killed:
        break
print(json.dumps(states))
"""


@pytest.mark.processes
def test_a_crash_directory_is_whole_or_absent_wherever_the_campaign_is_killed(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _KILLED_AT_EVERY_STEP, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    states = json.loads(done.stdout)
    assert len(states) > 12
    found = [reproduced for _, reproduced, _, _ in states]
    absent, provisional, final = found.count(None), found.count(0), found.count(3)
    assert found == [None] * absent + [0] * provisional + [3] * final
    assert min(absent, provisional, final) >= 1
    assert all(not ignored and not leftovers for _, _, ignored, leftovers in states)
    assert [killed for killed, *_ in states] == [True] * (len(states) - 1) + [False]


class _FullDisk:
    """Below ``directory`` no file can be synced any more."""

    def __init__(self, directory: Path) -> None:
        self._directory = str(directory)

    def __call__(self, handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().is_relative_to(self._directory):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_on_a_full_disk_a_new_crash_is_saved_elsewhere_and_the_error_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    monkeypatch.setattr(os, "fsync", _FullDisk(out))
    store = store_in(out)
    with pytest.raises(StorageError, match=r"No space left on device; free some space.* was saved to ") as raised:
        store.sighted(evidence())
    assert list(out.iterdir()) == []
    refuge = Path(str(raised.value).rpartition("saved to ")[2].removesuffix(" instead"))
    assert load(refuge / "case.toml").devices == case(5).devices
    assert (refuge / "crash.toml").exists()


def test_on_a_full_disk_an_old_crash_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    store = store_in(out)
    crash, _ = store.sighted(evidence())
    monkeypatch.setattr(os, "fsync", _FullDisk(out))
    with pytest.raises(StorageError, match="was saved to"):
        store.attributed(crash.slug, evidence(case=case(7), how=How.ALONE, hits=3, runs=3))
    store.hit(crash.slug)
    with pytest.raises(StorageError, match="free some space"):
        store.flush()
    monkeypatch.undo()
    again = store_in(out).crashes[crash.slug]
    assert (again.reproduced, again.total) == (0, 1)
    assert load(out / crash.slug / "case.toml").devices == case(5).devices


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_really_full_disk_is_a_storage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, spare = tmp_path / "out", tmp_path / "spare"
    out.mkdir()
    spare.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spare))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(out)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a tmpfs")
    try:
        with pytest.raises(StorageError, match="No space left on device") as raised:
            store_in(out).sighted(evidence(console="x" * 200_000))
        assert list(out.iterdir()) == []
    finally:
        subprocess.run(["umount", str(out)], check=True)
    assert str(spare) in str(raised.value)
