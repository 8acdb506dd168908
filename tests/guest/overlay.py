"""Real programs of this machine in a guest: a second cpio archive behind the image, with the libraries they need."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import evolve

from harness.guest.image import cpio
from harness.guest.image.files import write_atomically
from harness.lane.config import LaneConfig

__all__ = ["with_programs"]

_LIBRARY = re.compile(r"(/\S+) \(0x")


def with_programs(config: LaneConfig, programs: Iterable[Path]) -> LaneConfig:
    """The same guest with these dynamically linked programs at the paths they have here.

    The kernel unpacks archive after archive of an initramfs (Documentation/driver-api/early-userspace).
    """
    files = sorted({path for program in programs for path in (program, *_libraries(program))})
    entries = [cpio.file(str(path).lstrip("/"), path.read_bytes(), 0o755) for path in files]
    overlay = b"".join(cpio.archive(entries))
    digest = hashlib.sha256(config.image.digest.encode() + overlay).hexdigest()[:16]
    path = config.image.path.with_name(f"{digest}.cpio")
    if not path.exists():
        write_atomically(path, lambda output: _join(output, config.image.path, overlay))
    os.utime(path)
    return evolve(config, image=evolve(config.image, path=path, digest=digest))


def _libraries(program: Path) -> Iterator[Path]:
    """The shared objects and the loader the program names, by the paths under which it looks for them."""
    listed = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    return (Path(match[1]) for match in map(_LIBRARY.search, listed.splitlines()) if match)


def _join(output: Path, image: Path, overlay: bytes) -> None:
    content = image.read_bytes()
    output.write_bytes(content + bytes(-len(content) % 4) + overlay)
