"""Run one of the machine's own tools (apt, dpkg-deb, depmod) and turn its failure into one sentence."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from usbfuzz.errors import KernelError

from .storage import no_space

__all__ = ["CommandError", "run"]

_FULL = ("No space left on device", "enough free space", "Disk quota exceeded")
_NOISE = "Some index files failed to download"


class CommandError(KernelError):
    """A tool ended with an error; :attr:`output` is what it wrote to standard error."""

    def __init__(self, message: str, output: str) -> None:
        super().__init__(message)
        self.output = output


def run(argv: Sequence[str], *, package: str, storage: Path, cwd: Path | None = None) -> str:
    """Run ``argv`` and give back its standard output as text.

    ``package`` ships the tool, ``storage`` is the directory it writes to.
    Raises KernelError when the tool is not installed, StorageError when ``storage`` is full, CommandError otherwise.
    """
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"}
    program = shutil.which(argv[0], path=environment["PATH"])
    if program is None:
        raise KernelError(f"{argv[0]} is not installed; install the package {package}")
    done = subprocess.run(
        [program, *argv[1:]],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        close_fds=False,  # hands on the cache's lock, the only inheritable descriptor: see KernelStore.writing
    )
    if done.returncode == 0:
        return done.stdout.decode(errors="replace")
    output = done.stderr.decode(errors="replace")
    if any(phrase in output for phrase in _FULL):
        raise no_space(storage)
    lines = [line for line in output.splitlines() if line.strip() and _NOISE not in line]
    errors = [line for line in lines if line.startswith("E:")] or lines[-3:]
    detail = "; ".join(line.removeprefix("E:").strip() for line in errors[:3]) or f"exit status {done.returncode}"
    raise CommandError(f"{Path(argv[0]).name} failed: {detail}", output)
