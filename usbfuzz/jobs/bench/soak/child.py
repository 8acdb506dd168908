"""A campaign as a process of its own, all of whose processes are known by where they keep temporary files."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from attrs import define, field

from harness.workers.procs import GRACE
from usbfuzz.errors import InfraError, StorageError
from usbfuzz.jobs.bench.engine.runs import COMMAND
from usbfuzz.jobs.bench.processes import Running, marked

from .plan import Wanted
from .roles import Member, Roster

__all__ = ["ORPHAN_SECONDS", "Child"]

_VARIABLE = "TMPDIR"
#: Seconds in which what hangs below a process that was killed must be gone: a worker gets GRACE to close its guest.
ORPHAN_SECONDS = GRACE + 5.0
_POLL = 0.1  #: seconds between two looks
_END = 90.0  #: seconds that a campaign may take to end after Ctrl-C


@define
class Child:
    """A campaign in one directory: one process after another."""

    wanted: Wanted
    directory: Path
    log: Path
    temporary: Path = field(init=False)  #: where its processes keep temporary files, and nobody else
    _roster: Roster = field(factory=Roster, init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.temporary = Path(tempfile.mkdtemp(prefix="soak-"))  # short: paths of sockets have 107 bytes at most

    def start(self, seconds: float | None = None) -> None:
        """Begin, or go on, for so many seconds. Raises StorageError.

        When this process ends, the campaign is told to end as well.
        """
        wanted = self.wanted
        line = ["setpriv", "--pdeathsig", "TERM", "--", *COMMAND, "--kernel", wanted.kernel, "--no-confirm"]
        line += ["--lanes", str(wanted.lanes), "--seed", str(wanted.seed), "--out", str(self.directory)]
        line += ["--page", str(self.directory.with_suffix(".html"))]
        line += ["--time", f"{seconds:.1f}s"] if seconds is not None else []
        try:
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [*line, *wanted.arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, _VARIABLE: str(self.temporary)},
                    start_new_session=True,
                )
        except OSError as error:
            raise StorageError(f"{self.log}: cannot be written: {error.strerror}; give another --out") from error

    @property
    def running(self) -> bool:
        """Whether its process is there and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def ended_well(self) -> None:
        """Raise InfraError, with what it said last, when its process ended with an error."""
        if self._process is not None and (status := self._process.wait()):
            raise InfraError(f"{self.log}: the campaign ended with exit status {status}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line in its log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    @property
    def started(self) -> bool:
        """Whether there was a process."""
        return self._process is not None

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL ended its process."""
        return self._process is not None and self._process.returncode == -signal.SIGKILL

    def reap(self) -> None:
        """Wait for its process, which was killed."""
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it as Ctrl-C does; at once when it does not."""
        if self._process is None:
            return
        if self.running:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def processes(self) -> list[Running]:
        """All that belong to it, wherever they hang."""
        return list(marked(_VARIABLE, str(self.temporary)))

    def members(self) -> list[Member]:
        """Those that are what a campaign consists of."""
        return self._roster.members(self.pid, self.processes())

    def strays(self) -> list[Running]:
        """Those that hang below no process of the campaign, and those that have ended and nobody has waited for."""
        processes = self.processes()
        parents = {process.pid: process.parent for process in processes}
        alive = self.running

        def hangs(pid: int) -> bool:
            while pid in parents:
                if pid == self.pid:
                    return alive
                pid = parents[pid]
            return False

        return [process for process in processes if process.zombie or not hangs(process.pid)]

    def strays_left(self, seconds: float = ORPHAN_SECONDS) -> list[Running]:
        """The strays that are still there after so many seconds."""
        first = {(stray.pid, stray.started) for stray in self.strays()}
        deadline = time.monotonic() + seconds
        while True:
            left = [stray for stray in self.strays() if not self.running or (stray.pid, stray.started) in first]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(_POLL)

    def remains(self) -> Iterator[str]:
        """What is left of it that should be gone, once it has ended; then its directory for temporary files goes."""
        for process in self.strays_left():
            yield f"process {process.pid} is left: {process.name}"
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for path in self.temporary.glob("*/*"):
            if path.name != "lock":
                yield f"a run directory is left: {path}"
        sockets = Path("/proc/net/unix").read_text()
        yield from (
            f"a socket is left: {line.split()[-1]}" for line in sockets.splitlines() if str(self.temporary) in line
        )
        shutil.rmtree(self.temporary, ignore_errors=True)
