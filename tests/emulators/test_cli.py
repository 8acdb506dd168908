"""``usbfuzz emulator`` as a user calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.guest.emulators import Emulator, Sight
from harness.lane import prepare
from harness.lane.prepare import _once, _tell_blindness
from tests import ROOT
from tests.guest.wrapped import script

from .archive import qemu_script
from .programs import INLINE, MEMORY, REGISTERS, program

Usbfuzz = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def usbfuzz(tmp_path: Path) -> Usbfuzz:
    """The command on a machine that has no mirror, and an old QEMU."""
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin/qemu-system-x86_64", qemu_script("7.2.22"))
    environment = {
        **os.environ,
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "USBFUZZ_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "160",
    }
    environment.pop("USBFUZZ_EMULATOR", None)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "usbfuzz", "emulator", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_an_emulator_is_added_listed_used_and_removed(usbfuzz: Usbfuzz, tmp_path: Path) -> None:
    mine = str(program(tmp_path / "mine", f"{INLINE}_per_vcpu", *REGISTERS, MEMORY))
    assert usbfuzz("add", mine).stdout == f"{mine}  QEMU 10.0.2  sees coverage, registers, memory  {mine}\n"
    rows = [line.split("│") for line in usbfuzz("list").stdout.splitlines() if "│" in line]
    assert [[cell.strip() for cell in row[1:4]] for row in rows] == [["", "system", "7.2.22"], ["*", mine, "10.0.2"]]
    assert usbfuzz("use", "system").stdout.startswith("system  QEMU 7.2.22  sees nothing  ")
    assert usbfuzz("rm", mine).stdout == f"removed {mine}\n"
    assert mine not in usbfuzz("list").stdout


def test_set_up_fetches_nothing_where_an_emulator_sees_enough(usbfuzz: Usbfuzz, tmp_path: Path) -> None:
    usbfuzz("add", str(program(tmp_path / "mine", f"{INLINE}_per_vcpu", *REGISTERS)))
    done = usbfuzz("add", "--if-blind")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_emulator_in_use_that_is_gone_is_said_to_be(usbfuzz: Usbfuzz, tmp_path: Path) -> None:
    mine = program(tmp_path / "mine")
    usbfuzz("use", str(mine))
    mine.unlink()
    assert "the emulator in use is gone; choose another: usbfuzz emulator use default" in usbfuzz("list").stdout


def test_what_an_emulator_cannot_see_is_told_once_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "_told", set())
    said: list[str] = []
    old = Emulator("/old", version="QEMU emulator version 7.2.22 (Debian)", sees=frozenset({Sight.COVERAGE}))
    for _ in range(2):
        _tell_blindness(old, _once(said.append))
        _tell_blindness(Emulator("/new", "new", sees=frozenset(Sight)), _once(said.append))
    (line,) = said
    assert line.startswith("QEMU 7.2.22 has no plugin registers: coverage only, no heap checks; `usbfuzz emulator add ")
