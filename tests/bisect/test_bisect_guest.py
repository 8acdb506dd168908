"""Both bisections for real: between kernels of the archive, and under git, with trees whose make copies them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS, ROOT

from .trees import commit, git, new_tree

CASE = KNOWN_BUGS / "quatech2-bulk-null.toml"
BROKEN, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"

pytestmark = [pytest.mark.guest, pytest.mark.timeout(1200)]


def _usbfuzz(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "usbfuzz", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def test_the_kernel_that_fixed_a_bug_is_found(guest: Callable[..., LaneConfig]) -> None:
    for kernel in (BROKEN, FIXED):
        guest(kernel)
    done = _usbfuzz("bisect", str(CASE), "--kernel", BROKEN, "--kernel", FIXED)
    assert f"last bad {BROKEN}, first good {FIXED}\n" in done.stdout, done.stderr
    assert done.returncode == 0


def test_git_finds_the_commit_that_fixed_it_and_skips_what_does_not_build(
    guest: Callable[..., LaneConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, fixed = (str(guest(kernel).kernel.vmlinuz.parent) for kernel in (BROKEN, FIXED))
    tree = new_tree(tmp_path / "linux")
    old = commit(tree, "A kernel with the bug", kernel=broken)
    commit(tree, "Something else", other="1")
    commit(tree, "Does not build", build_error="hub.c:1: error: expected ;")
    fix = commit(tree, "The fix", kernel=fixed, build_error=None)
    commit(tree, "More", other="2")
    git(tree, "bisect", "start", "--term-old", "broken", "--term-new", "fixed")
    git(tree, "bisect", "fixed", "main")
    git(tree, "bisect", "broken", old)
    step = tmp_path / "step"
    step.write_text(f'#!/bin/sh\nexec {sys.executable} -m usbfuzz bisect-step --fixed {CASE} "$PWD"\n')
    step.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    said = git(tree, "bisect", "run", str(step))
    assert "error: expected ;" in said
    assert "usbfuzz: crashes: BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback" in said
    assert "usbfuzz: no crash in 3 runs" in said
    assert fix in said
    assert "Does not build" in git(tree, "bisect", "log")
