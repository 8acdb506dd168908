"""What /proc says of processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.campaign.running import until
from usbfuzz.jobs.bench.processes import held_by, marked, resident

_HOLDS = """
import sys, threading
held = [open("/dev/null") for _ in range(100)]
memory = b"x" * (64 << 20)
threading.Thread(target=threading.Event().wait, daemon=True).start()
print(flush=True)
sys.stdin.read()
"""
_MAPS = """
import mmap, sys
with open(sys.argv[1], "w+b") as file:
    file.truncate(64 << 20)
    guest = mmap.mmap(file.fileno(), 0, flags=mmap.MAP_PRIVATE)
guest[:] = b"x" * (64 << 20)
print(flush=True)
sys.stdin.read()
"""
_ORPHAN = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"


def test_memory_files_and_threads_of_a_process_are_seen(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", _HOLDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (mine,) = marked("TMPDIR", str(tmp_path))
        held = held_by(mine)
        process.kill()
    assert mine.pid == process.pid
    assert held is not None
    assert 64 << 20 < held.memory < 128 << 20
    assert 100 < held.descriptors < 120
    assert held.threads == 2
    assert held_by(mine) is None


@pytest.mark.parametrize(("name", "counts"), [("5f.guest", False), ("5f.other", True)])
def test_memory_of_a_guest_is_not_its_emulators(tmp_path: Path, name: str, counts: bool) -> None:
    command = [sys.executable, "-c", _MAPS, str(tmp_path / name)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = resident(process.pid)
        process.kill()
    assert (found > 64 << 20) is counts
    assert 4 << 20 < found < 128 << 20
    assert resident(process.pid) == 0


def test_an_orphan_is_found_by_what_it_inherited(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", _ORPHAN], env={**os.environ, "TMPDIR": str(tmp_path)}, check=True)
    (orphan,) = marked("TMPDIR", str(tmp_path))
    assert "time.sleep" in orphan.words[-1]
    os.kill(orphan.pid, 9)
    until(lambda: not list(marked("TMPDIR", str(tmp_path))))


def test_a_child_that_nobody_waits_for_is_found(tmp_path: Path) -> None:
    code = "import subprocess, sys; child = subprocess.Popen(['true']); print(flush=True); sys.stdin.read()"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment
    ) as process:
        until(lambda: any(each.zombie for each in marked("TMPDIR", str(tmp_path))))
        process.kill()
