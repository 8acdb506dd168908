"""A lab in processes: a dask scheduler, dask workers; each can be killed and stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

import psutil
from attrs import define, field

from tests import ROOT
from tests.campaign.pretend import VARIABLE

from .machines import MODULE

__all__ = ["Lab"]

_START_S = 60.0  #: seconds for a process of dask to be there, on a busy machine


@define
class Lab:
    """Processes of dask whose files are in ``directory``."""

    directory: Path
    environment: dict[str, str] = field(factory=dict)  #: of all of them
    prefix: tuple[str, ...] = ()  #: words before the command of the workers: where they run
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[int] = field(factory=list)  #: process ids
    _machines: subprocess.Popen[bytes] | None = None

    def start(self, workers: int = 0, *, host: str = "127.0.0.1", port: int = 0, protocol: str = "tcp") -> Lab:
        """A scheduler, and workers at it."""
        file = self.directory / "scheduler.json"
        file.unlink(missing_ok=True)
        where = ("--host", host, "--port", str(port), "--protocol", protocol)
        words = (*where, "--scheduler-file", str(file), "--no-dashboard")
        self.scheduler = self._python("scheduler", "-m", "dask", "scheduler", *words)
        deadline = time.monotonic() + _START_S
        while not file.exists() or not file.read_text().strip():
            assert time.monotonic() < deadline
            assert self.scheduler.poll() is None, (self.directory / "scheduler.log").read_text()
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]
        for _ in range(workers):
            self.join()
        return self

    def join(self, count: int = 1, *, script: str = "", host: str = "", version: str = "") -> int:
        """A process with ``count`` further workers, whose pretended guests do what is in ``script``.

        With a ``version`` it says that usbfuzz has that one there.
        """
        if self._machines is None:
            words = ("-m", MODULE, self.address, str(self.directory))
            self._machines = self._python("worker", *words, prefix=self.prefix)
        environment = {VARIABLE: script} if script else {}
        wanted = {"environment": environment, "count": count, "host": host, "version": version}
        assert self._machines.stdin is not None
        assert self._machines.stdout is not None
        self._machines.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._machines.stdin.flush()
        self.workers.append(int(self._machines.stdout.readline()))
        return self.workers[-1]

    def _python(self, role: str, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[bytes]:
        here = {**os.environ, **self.environment}
        here["PYTHONPATH"] = os.pathsep.join((str(ROOT), here.get("PYTHONPATH", "")))
        with (self.directory / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                (*prefix, sys.executable, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=here
            )

    def kill(self, worker: int) -> None:
        """Kill -9; what it started has to see to itself."""
        self.workers.remove(worker)
        os.kill(worker, signal.SIGKILL)

    def lanes(self) -> list[psutil.Process]:
        """The processes of lanes."""
        found = []
        for worker in self.workers:
            with contextlib.suppress(psutil.Error):
                found += psutil.Process(worker).children()
        return [child for child in found if child.status() != psutil.STATUS_ZOMBIE]

    def end_scheduler(self) -> None:
        """Kill -9 the scheduler."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.communicate()

    def close(self) -> None:
        """End everything."""
        for process in (self._machines, self.scheduler):
            if process is not None:
                process.kill()
                process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
