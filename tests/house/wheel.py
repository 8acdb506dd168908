"""A wheel of this checkout, and an environment that has nothing else of it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests import ROOT

__all__ = ["PACKAGES", "build_wheel", "fresh_environment"]

PACKAGES = ("usbfuzz", "strategies", "harness")


def build_wheel(directory: Path) -> Path:
    """Build it from a copy of the sources, so that nothing left over in the checkout can get into it."""
    sources = directory / "sources"
    for package in PACKAGES:
        shutil.copytree(ROOT / package, sources / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    _run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", directory / "dist", sources)
    (wheel,) = (directory / "dist").glob("usbfuzz-*.whl")
    return wheel


def fresh_environment(directory: Path, wheel: Path) -> Path:
    """A virtual environment with the wheel in it; returns its ``bin``.

    Dependencies are those of the environment that runs the tests. Of a directory that a .pth file names, Python reads
    no further .pth files, so the checkout, installed there as editable, is not found.
    """
    venv.create(directory, with_pip=True)
    binaries = directory / "bin"
    (packages,) = directory.glob("lib/python*/site-packages")
    outer = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    packages.joinpath("dependencies.pth").write_text("\n".join(outer))
    _run(binaries / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", wheel)
    return binaries


def _run(*words: str | Path) -> None:
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
