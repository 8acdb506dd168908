"""The wheel outside of a checkout: everything in it, installed in a fresh environment, and used for a real guest."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS, ROOT

from .wheel import PACKAGES, build_wheel, fresh_environment

pytestmark = pytest.mark.guest

CASE = KNOWN_BUGS / "quatech2-bulk-null.toml"
KERNEL = "debian:5.10.223"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(wheel) as opened:
        packed = set(opened.namelist())
    assert [name for name in listed.stdout.split() if name not in packed] == []
    assert {f"{package}/py.typed" for package in PACKAGES} <= packed


def test_its_console_script_boots_a_guest_and_replays_a_case_from_anywhere(
    wheel: Path, guest: Callable[[str], LaneConfig], tmp_path: Path
) -> None:
    binaries = fresh_environment(tmp_path / "venv", wheel)
    # The kernel is there already; agent, image and snapshot are made from what the wheel brought.
    (tmp_path / "cache").mkdir(mode=0o700)
    (tmp_path / "cache" / "kernels").symlink_to(guest(KERNEL).cache_dir / "kernels")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(CASE, elsewhere)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "nobody"),
        "USBFUZZ_CACHE": str(tmp_path / "cache"),
    }

    def run(*words: str) -> str:
        argv = [str(binaries / words[0]), *words[1:]]
        done = subprocess.run(
            argv, cwd=elsewhere, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = run("python", "-c", "import usbfuzz, harness, strategies; print(usbfuzz.__file__)")
    assert Path(where.strip()).is_relative_to(binaries.parent)
    assert "reproduced 1 of 1" in run("usbfuzz", "replay", CASE.name, "--kernel", KERNEL, "--mode", "warp")
