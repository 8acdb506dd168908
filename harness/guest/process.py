"""One running QEMU: start it, command it by QMP, end it. It ends with the process that started it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import define
from qemu.qmp import ConnectError, QMPClient, QMPError

from usbfuzz.errors import QemuError

from .patience import within
from .qemu import Machine, qemu_argv

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["NICENESS", "Qemu"]

#: QEMU has a lower priority than the server that answers it: under a warped clock a late answer is a wrong answer.
NICENESS = 5

_START_TIMEOUT = 20.0  #: seconds of :meth:`Qemu.clock` for it to open its QMP socket and greet us
#: So many times longer by the wall is waited for a QEMU that gets no core.
_STARVED = 10
_POLL = 0.002  #: wall seconds between two tries to connect to it


def _launcher() -> list[str]:
    """The programs that start QEMU: each sets something for it.

    setpriv: the kernel kills QEMU when the process that started it ends. prlimit: no core dump. nice: the server, which
    answers QEMU, runs first. chrt (SCHED_BATCH): else the main loop's thread preempts the virtual CPU's at each
    wake-up, only to wait for the lock which that one holds.
    """
    words = [
        *("setpriv", "--pdeathsig", "KILL", "--"),
        *("prlimit", "--core=0:0", "--"),
        *("nice", "-n", str(NICENESS)),
        *("chrt", "--batch", "0"),
    ]
    for tool in ("setpriv", "prlimit", "nice", "chrt"):
        if shutil.which(tool) is None:
            raise QemuError(f"{tool}: not found on PATH; install Debian's util-linux and coreutils packages")
    return words


@define
class Qemu:
    """A started QEMU process and its QMP connection.

    The kernel kills it when this process dies (PR_SET_PDEATHSIG), so no path, not even SIGKILL of the lane, leaves a
    guest behind.
    """

    machine: Machine
    _process: asyncio.subprocess.Process
    _qmp: QMPClient

    @classmethod
    async def start(cls, machine: Machine) -> Qemu:
        """Start ``machine`` and negotiate QMP; raises QemuError with its last line of output when it ends at once."""
        argv = [*_launcher(), *machine.emulator.launcher, *qemu_argv(machine)]
        log = os.open(machine.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            # A process group of its own: Ctrl-C at a terminal must not end QEMU before we have decided what to do.
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                pass_fds=machine.descriptors,
            )
        except OSError as error:
            raise QemuError(f"{machine.emulator.program}: cannot be started: {error.strerror}") from error
        finally:
            os.close(log)
        qemu = cls(machine, process=process, qmp=QMPClient("usbfuzz"))
        await qemu.reach(qemu._negotiate(), _START_TIMEOUT, f"{machine.emulator.program}: no QMP greeting")
        return qemu

    async def _negotiate(self) -> None:
        while True:
            if self._process.returncode is not None:
                raise QemuError(
                    f"{self.machine.emulator.program}: exited with status {self.status}: {self.last_words()}"
                )
            try:
                await self._qmp.connect(str(self.machine.qmp))
            except ConnectError:
                await asyncio.sleep(_POLL)
            else:
                return

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        """Seconds of CPU time it has taken so far; 0.0 once it has ended (proc_pid_stat(5))."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def clock(self) -> float:
        """Seconds that count for the guest: those its QEMU computes in warped time, else the wall's."""
        return self.cpu_seconds if self.machine.timing.warped else time.monotonic()

    async def within(self, goal: Awaitable[object], seconds: float) -> bool:
        """Await ``goal`` for so many seconds of :meth:`clock`, and cancel it then; whether it was reached."""
        return await within(goal, seconds, self.clock, most=_STARVED * seconds)

    async def reach(self, goal: Awaitable[object], seconds: float, complaint: str) -> None:
        """Await ``goal`` for so many seconds of :meth:`clock`, and kill the process when it is not reached.

        Raises what ``goal`` raises, and a QemuError with ``complaint`` when the time is up.
        """
        reached = False
        try:
            reached = await self.within(goal, seconds)
        finally:
            if not reached:
                await self.kill()
        if not reached:
            raise QemuError(f"{complaint} within {seconds:.0f} s; see {self.machine.log}")

    async def exits_within(self, seconds: float) -> bool:
        """Whether it has exited within so many seconds of :meth:`clock`."""
        return await self.within(self.exited(), seconds)

    @property
    def running(self) -> bool:
        """Whether it has not exited yet, as far as the event loop knows."""
        return self._process.returncode is None

    @property
    def status(self) -> str:
        """How it ended, for a message: its exit status, a signal's name, or ``running``."""
        code = self._process.returncode
        if code is None:
            return "running"
        return signal.Signals(-code).name if code < 0 else str(code)

    @property
    def signalled(self) -> bool:
        """Whether a signal ended it."""
        return (self._process.returncode or 0) < 0

    @property
    def killed_from_outside(self) -> bool:
        """Whether SIGKILL or SIGTERM ended it: the out-of-memory killer or an administrator, but not the guest."""
        return self._process.returncode in {-signal.SIGKILL, -signal.SIGTERM}

    def last_words(self) -> str:
        """The last line QEMU printed, or "" when it printed nothing."""
        return _last_line(self.machine.log)

    async def execute(self, command: str, **arguments: Any) -> Any:
        """Run a QMP command; raises QemuError when QEMU refuses or is gone."""
        try:
            return await self._qmp.execute(command, arguments or None)
        except (QMPError, OSError, EOFError) as error:
            raise QemuError(f"QMP {command}: {error or type(error).__name__} ({self.status})") from error

    async def exited(self) -> int:
        """Wait until it has exited; returns its status (negative: a signal)."""
        return await self._process.wait()

    async def kill(self) -> None:
        """End it now and wait; may be called twice."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.kill()
        await self._process.wait()
        with contextlib.suppress(QMPError, OSError, EOFError):
            await self._qmp.disconnect()


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return lines[-1].strip() if lines else ""
