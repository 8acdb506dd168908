"""The guest agent's binary, compiled from ``harness/guest/agent`` once per source and compiler."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from harness.guest.image.files import private_directory, write_atomically
from usbfuzz.errors import InfraError

__all__ = ["agent_binary", "agent_digest"]

_SOURCE: Final = Path(__file__).parent.parent / "agent"
_FLAGS: Final = ("-static", "-O2", "-pthread", "-Wall", "-Wextra", "-s")
_SECONDS: Final = 120


def agent_digest() -> str:
    """SHA-256 in hex of the agent's sources and the flags they are compiled with."""
    digest = hashlib.sha256(" ".join(_FLAGS).encode())
    for path in sorted(_SOURCE.glob("*.[ch]")):
        digest.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def agent_binary(cache: Path) -> Path:
    """The static agent, compiled with ``$CC`` or ``cc`` when the cache lacks it.

    Raises InfraError when there is no compiler, or it fails (static libc missing), with its first message.
    """
    binary = cache / "agent" / agent_digest()[:16]
    if binary.exists():
        return binary
    private_directory(binary.parent)
    write_atomically(binary, _compile, permissions=0o755)
    return binary


def _compile(output: Path) -> None:
    compiler = os.environ.get("CC", "cc")
    if shutil.which(compiler) is None:
        raise InfraError(f"no C compiler {compiler!r} to build the guest agent; install gcc and libc6-dev, or set CC")
    sources = [str(path) for path in sorted(_SOURCE.glob("*.c"))]
    command = [compiler, *_FLAGS, "-o", str(output), *sources]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if done.returncode:
        first = next(
            (line for line in done.stderr.splitlines() if "error" in line or "cannot find" in line), done.stderr[:200]
        )
        raise InfraError(f"the guest agent does not compile with {compiler}: {first.strip()}")
