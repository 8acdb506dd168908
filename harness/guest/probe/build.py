"""The plugin, compiled once for each version of its source."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from harness.guest.image.files import private_directory, write_atomically
from usbfuzz.errors import InfraError

__all__ = ["build_plugin"]

_FLAGS = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-s")
_SECONDS = 120  #: a compiler may take
_SOURCE = Path(__file__).parent


def build_plugin(cache: Path) -> Path:
    """The shared object in the cache, compiled with ``$CC`` or ``cc`` when it is not there.

    Raises InfraError when there is no compiler, or it fails, with its first message.
    """
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in sorted(_SOURCE.glob("*.[ch]")):
        digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    plugin = cache / "probe" / f"{digest.hexdigest()[:16]}.so"
    if not plugin.exists():
        private_directory(plugin.parent)
        write_atomically(plugin, _compile, 0o700)
    return plugin


def _compile(output: Path) -> None:
    compiler = os.environ.get("CC") or "cc"
    if shutil.which(compiler) is None:
        raise InfraError(f"no C compiler {compiler!r} to build the probe; install gcc and libc6-dev, or set CC")
    sources = [str(path) for path in sorted(_SOURCE.glob("*.c"))]
    command = [compiler, *_FLAGS, "-o", str(output), *sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr[:200])
        raise InfraError(f"the probe does not compile with {compiler}: {first.strip()}")
