"""Where a minimization reads and writes: a crash directory, or a case file and another next to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from harness.guest.qemu import Timing
from usbfuzz.case import load, resolve, save
from usbfuzz.case.files import write_file
from usbfuzz.case.model import Case
from usbfuzz.errors import CaseError, StorageError

from .layout import ORIGINAL_FILE, VERDICTS_FILE
from .lock import DirectoryLock
from .minimized import Minimized, save_result
from .record import Crash
from .saved import Renderer
from .store import CrashStore

__all__ = ["MinimizationFiles"]


@frozen
class MinimizationFiles:
    """Files of one minimization. Methods that write raise StorageError."""

    source: Path  #: the case to begin with
    target: Path  #: the smaller one; may be ``source``
    verdicts: Path  #: what the minimization has found out so far: see :class:`usbfuzz.crashes.verdicts.Verdicts`
    directory: Path | None = None  #: the directory whose case the smaller one becomes; None: ``target`` is just a file

    @classmethod
    def of(cls, path: Path, out: Path | None) -> MinimizationFiles:
        """What ``usbfuzz minimize PATH [-o OUT]`` means; raises CaseError."""
        found = resolve(path)
        if out is not None:
            if out.suffix != ".toml":
                raise CaseError(f"{out}: is not a .toml file; give the name of a case file to write")
            return cls(found, out, out.with_name(f".{out.stem}.{VERDICTS_FILE}"))
        if path.is_dir():
            original = found.with_name(ORIGINAL_FILE)
            source = original if original.exists() else found
            return cls(source, found, found.with_name(f".{VERDICTS_FILE}"), found.parent)
        target = found.with_name(f"{found.stem}.min.toml")
        return cls(found, target, target.with_name(f".{target.stem}.{VERDICTS_FILE}"))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep campaigns away from the saved crash, if it is one; raises StorageError when one runs there."""
        if self._crash is None:
            yield
            return
        with DirectoryLock.acquire(self._parent):
            yield

    def first(self) -> Case:
        """The case as it was found; raises CaseError."""
        return load(self.source)

    def best(self) -> Case | None:
        """What an earlier minimization came to; raises CaseError."""
        return load(self.target) if self.target.exists() else None

    def improve(self, case: Case) -> None:
        """Write the best case so far; the one it was found with stays as original.toml."""
        if self.directory is not None:
            original = self.directory / ORIGINAL_FILE
            if not original.exists():
                try:
                    write_file(original, self.target.read_bytes())
                except OSError as error:
                    raise StorageError(f"{self.target}: cannot be read: {error.strerror}") from error
        save(self.target, case)

    def keep(
        self, minimized: Minimized, console: str | None, coverage: str, *, kernel: str, timing: Timing, render: Renderer
    ) -> None:
        """Write minimized.toml into a directory, and for a saved crash every file that follows from the small case.

        ``console`` and ``coverage`` are those of a run of it; without a console only minimized.toml is written.
        """
        if self.directory is None:
            return
        crash = self._crash
        if crash is None or console is None:
            save_result(self.directory, minimized)
        else:
            self._store(kernel, timing, render).minimized(crash.slug, minimized, console, coverage=coverage)

    def confirmed(self, hits: int, runs: int, *, kernel: str, timing: Timing, render: Renderer) -> None:
        """Note in a saved crash how often real-time guests showed it: ``hits`` of ``runs``."""
        crash = self._crash
        if crash is not None:
            self._store(kernel, timing, render).confirmed(crash.slug, hits, runs)

    @property
    def _crash(self) -> Crash | None:
        return None if self.directory is None else Crash.read(self.directory.resolve())

    @property
    def _parent(self) -> Path:
        """The directory of crashes that the saved crash is in."""
        assert self.directory is not None
        return self.directory.resolve().parent

    def _store(self, kernel: str, timing: Timing, render: Renderer) -> CrashStore:
        return CrashStore.open(self._parent, kernel=kernel, timing=timing, render=render)
