"""An emulator that is started with more words than its guests have."""

from __future__ import annotations

import shlex
from pathlib import Path

from attrs import evolve

from harness.guest.emulators import Emulator

__all__ = ["script", "wrapped"]


def script(path: Path, body: str) -> str:
    """Write a shell script; gives its path."""
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def wrapped(emulator: Emulator, path: Path, words: str) -> Emulator:
    """The same emulator, started by a script ``path`` that adds ``words`` (as a shell reads them)."""
    return evolve(emulator, program=script(path, f'exec {shlex.quote(emulator.program)} "$@" {words}'))
