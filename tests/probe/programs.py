"""Compiles the probe's C files together with a driver of the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests import ROOT

__all__ = ["compile_driver", "run"]

SOURCES = ROOT / "harness/guest/probe"
FLAGS = ("-g", "-Wall", "-Wextra", "-Werror", f"-I{SOURCES}")


def compile_driver(
    name: str, sources: tuple[str, ...], directory: Path, *flags: str, helpers: tuple[str, ...] = ()
) -> Path:
    """The program of ``tests/probe/NAME.c``, helpers beside it and sources of the probe; a warning is a failure."""
    program = directory / name
    own = (Path(__file__).parent / f"{each}.c" for each in (name, *helpers))
    files = [*own, *(SOURCES / source for source in sources)]
    subprocess.run(["cc", *FLAGS, *flags, "-o", str(program), *map(str, files)], check=True)
    return program


def run(program: Path, *arguments: str, text: str = "") -> list[str]:
    """The lines that the program writes when it gets ``text``; AssertionError when it fails."""
    done = subprocess.run([str(program), *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
