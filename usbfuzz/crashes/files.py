"""Files users would miss: one is the old one or the whole new one; a directory has all of its files or is not there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

__all__ = ["UNFINISHED", "discard", "write_atomically", "write_directory", "write_loose"]

UNFINISHED = ".saving-"  #: how the name of what is being written begins


def write_atomically(path: Path, raw: bytes) -> None:
    """Replace a file as a whole; raises OSError."""
    saving = path.with_name(f"{UNFINISHED}{path.name}")
    try:
        _write_synced(saving, raw)
        saving.replace(path)
    except OSError:
        saving.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def write_directory(directory: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory that holds these files, in one step; raises OSError, and nothing is left then."""
    saving = directory.with_name(f"{UNFINISHED}{directory.name}")
    try:
        discard(saving)
        saving.mkdir()
        write_loose(saving, files)
        _sync(saving)
        saving.rename(directory)
        _sync(directory.parent)
    except OSError:
        discard(saving)
        raise


def write_loose(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a directory nobody reads yet; raises OSError."""
    for name, raw in files.items():
        _write_synced(directory / name, raw)


def discard(path: Path) -> None:
    """Remove what was left unfinished, a file or a directory, as far as possible."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _write_synced(path: Path, raw: bytes) -> None:
    with path.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
