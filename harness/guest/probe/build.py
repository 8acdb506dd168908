"""The plugin, compiled once for each version of its source."""

from __future__ import annotations

import hashlib
from pathlib import Path

from harness.guest.image.files import private_directory, write_atomically
from harness.guest.image.programs import compile_c

__all__ = ["build_plugin"]

_FLAGS = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-s")
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
        write_atomically(plugin, lambda output: compile_c("probe", _SOURCE, output, _FLAGS), 0o700)
    return plugin
