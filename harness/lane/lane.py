"""A lane: one core, one guest, as many cases as it can eat."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from harness.channel.conversation import NOT_RECORDED, Recorder
from harness.guest.agent_client import Agent
from harness.guest.autopsy import autopsy
from harness.guest.process import Qemu
from harness.guest.rundir import RunDir
from harness.guest.snapshot import ensure_snapshot
from harness.workers.procs import answering_first
from usbfuzz.errors import GuestError, InfraError, QemuError, StorageError
from usbfuzz.triage import hang_report

from .channels import open_channels
from .outcome import Outcome, Verdict, bindings, enumerated, interfaces
from .stage import Settler, Stage, places
from .verdicts import death_report, may_run_on, shown
from .watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from harness.channel.protocol import Channel
    from harness.guest.qemu import Machine
    from usbfuzz.case.model import Case
    from usbfuzz.triage import Report

    from .config import LaneConfig

__all__ = ["Lane"]

#: A reply of ours later than this many milliseconds may have run into a guest timeout under a warped clock:
#: 5 s of guest time pass in about 28 ms there when it is paced. When it is not, the guest should stand still meanwhile.
DILATED_MS = 8.0
#: Bytes of console after which a guest is restored anyway, so that the file stays small.
_CONSOLE_LIMIT = 16 << 20
#: Has the kernel forget which of its WARN_ON_ONCE() have warned, those of modules included.
_REARM = "/sys/kernel/debug/clear_warn_once"
#: Wall seconds in which a panicking guest gets its text out and exits.
_LAST_WORDS = 4.0
_GLANCE = 0.5
#: Wall seconds in which a restored guest's agent answers, which takes it a tenth of one, and how often one is tried:
#: about one restore in a hundred comes up idle and deaf.
_ANSWER = 8.0
_ATTEMPTS = 3


@define
class Lane:
    """One guest and its channels. Restores itself after a crash, a hang, a death or a once-only warning."""

    config: LaneConfig
    _dir: RunDir
    machine: Machine
    restores: int = 0
    recovery: float = 0.0  #: wall seconds from the last crash (its channel broken) to a restored guest
    known: list[Report] = field(factory=list)  #: bugs whose warnings need not cost the guest any more
    recording: bool = False  #: outcomes carry the conversation; slows a busy guest down
    _snapshot: Path = field(kw_only=True)
    _core: contextlib.ExitStack = field(kw_only=True)  #: shared with the guest until the end
    _qemu: Qemu | None = field(default=None, init=False)
    _agent: Agent | None = field(default=None, init=False)
    _ports: Sequence[Channel] = field(default=(), init=False)
    _console_at: int = field(default=0, init=False)
    _rounds: int = field(default=0, init=False)
    _recorder: Recorder | None = field(default=None, init=False)

    @classmethod
    async def open(cls, config: LaneConfig, on_progress: Callable[[str], None] = lambda _: None) -> Lane:
        """Boot (or find the snapshot), restore, connect; raises BootError or an InfraError.

        A warped clock that is not paced binds the calling thread, and the guest, to one core until the lane closes.
        """
        core = contextlib.ExitStack()
        if config.timing.warped and not config.paced:
            core.enter_context(answering_first())
        run_dir = RunDir()
        lane: Lane | None = None
        try:
            machine = config.machine(run_dir.path)
            snapshot = await ensure_snapshot(
                machine,
                kernel_digest=config.kernel.digest,
                image_digest=config.image.digest,
                cache_dir=config.cache_dir,
                on_progress=on_progress,
            )
            lane = cls(config, dir=run_dir, machine=machine.restoring(), snapshot=snapshot, core=core)
            await lane.restore()
        except BaseException:
            if lane is not None:
                await lane.close()
            core.close()
            run_dir.close()
            raise
        return lane

    @property
    def pid(self) -> int:
        """Process id of the QEMU that runs now, 0 if none."""
        return self._qemu.pid if self._qemu else 0

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the QEMU that runs now, 0.0 if none."""
        return self._qemu.cpu_seconds if self._qemu else 0.0

    @property
    def agent(self) -> Agent:
        """The guest's agent; raises QemuError when no guest runs."""
        if self._agent is None:
            raise QemuError("no guest is running in this lane")
        return self._agent

    @property
    def ports(self) -> Sequence[Channel]:
        """The channels of the guest, one per host controller."""
        return self._ports

    async def restore(self) -> None:
        """A fresh guest from the snapshot, channels connected; raises QemuError, StorageError."""
        await self._down()
        machine = self.machine
        if not machine.disk.exists():
            await asyncio.to_thread(_copy, self._snapshot, machine.disk)
        machine.console.unlink(missing_ok=True)
        self._agent = await self._start(machine)
        self._ports = await open_channels(machine, self._agent.sleep)
        self._console_at = 0
        self.restores += 1

    async def _start(self, machine: Machine) -> Agent:
        """Start QEMU until its guest answers; raises QemuError when none of a few does."""
        for _ in range(_ATTEMPTS):
            self._qemu = await Qemu.start(machine)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_ANSWER):
                    return await self._resume(self._qemu)
            await self._down()
        raise QemuError(f"{machine.disk}: the guest restored from it does not answer ({_ATTEMPTS} tries)")

    async def _resume(self, qemu: Qemu) -> Agent:
        """Let the guest run once its agent's port is connected: it has seen nothing of the time in between."""
        agent = asyncio.ensure_future(Agent.connect(self.machine.agent))
        try:
            await qemu.execute("cont")
            return await agent
        finally:
            agent.cancel()

    async def close(self) -> None:
        """End the guest and remove its files; may be called twice."""
        await self._down()
        self._core.close()
        self._dir.close()

    async def _down(self) -> None:
        for port in self._ports:
            port.close()
        self._ports = ()
        if self._agent is not None:
            await self._agent.close()
            self._agent = None
        if self._qemu is not None:
            await self._qemu.kill()
            self._qemu = None

    async def run(self, case: Case) -> Outcome:
        """Run one case alone."""
        return await self.run_round([case])

    async def run_round(self, cases: Sequence[Case]) -> Outcome:
        """Run several cases side by side, each on ports of its own; raises InfraError when they need too many."""
        placing = places(cases, self.config.ports)
        if placing is None:
            raise InfraError(f"the round needs more ports than the guest's {self.config.ports}")
        self._record()
        started = time.monotonic()
        stage = Stage(self.agent, self._ports, Settler(self.agent), warped=self.config.timing.warped)
        watch = Watch(self)
        # In a task of its own: one whose TaskGroup fails while it waits stays "cancelling" for good (until Python
        # 3.13), and a caller's asyncio.timeout() would then end in CancelledError.
        failure = await asyncio.create_task(self._play(stage, watch, cases, placing))
        broken = time.monotonic()
        outcome = await self._conclude(stage, failure, started, watch=watch)
        if outcome.reports and not outcome.restored and not await self._rearm():
            outcome = evolve(outcome, restored=True)
        if outcome.restored:
            await self.restore()
            self.recovery = time.monotonic() - broken
        return outcome

    async def _play(
        self, stage: Stage, watch: Watch, cases: Sequence[Case], placing: Sequence[Mapping[int, int]]
    ) -> Exception | None:
        """Play the cases side by side, have the allocator check what they left; returns what broke that off, if any."""
        failure: Exception | None = None
        try:
            async with (
                asyncio.timeout(self.config.hang_after) as limit,
                watch.over(limit),
                asyncio.TaskGroup() as group,
            ):
                for case, place in zip(cases, placing, strict=True):
                    group.create_task(stage.play(case, place))
            await self._validate()
        except* (QemuError, GuestError, TimeoutError) as errors:
            failure = errors.exceptions[0]
        return failure

    async def _rearm(self) -> bool:
        """Have warnings that were seen come again; False when this kernel cannot."""
        try:
            await self.agent.write(_REARM, "1")
        except (GuestError, QemuError):
            return False
        return True

    def _record(self) -> None:
        """Have a new recorder listen, or nobody."""
        self._recorder = Recorder() if self.recording else None
        for port in self._ports:
            port.trace = None
        if self._recorder is not None:
            self._recorder.listen(self._ports)

    async def _validate(self) -> None:
        """Have the allocator check its objects: an overwritten redzone stays silent until then."""
        self._rounds += 1
        if self.config.validate_every and self._rounds % self.config.validate_every == 0:
            await self.agent.validate()

    async def _conclude(self, stage: Stage, failure: Exception | None, started: float, *, watch: Watch) -> Outcome:
        stage.count_rest()
        verdict, reports, console = await self._look(failure, watch)
        worst = stage.worst_reply * 1000
        return Outcome(
            verdict=verdict,
            reports=reports,
            console=console,
            bindings=tuple(bindings(stage.settler.events)),
            interfaces=tuple(interfaces(stage.settler.events)),
            plugs=stage.plugs,
            enumerated=enumerated(stage.settler.events),
            requests=stage.requests,
            seconds=time.monotonic() - started,
            worst_reply_ms=worst,
            dilated=self.config.timing.warped and worst > DILATED_MS,
            conversation=self._recorder.conversation() if self._recorder else NOT_RECORDED,
            restored=failure is not None or self._console_at > _CONSOLE_LIMIT or not self.bears(console, reports),
        )

    def bears(self, console: str, reports: Sequence[Report]) -> bool:
        """Whether a guest that printed this is as good as before: nothing, or known warnings that may come again."""
        return may_run_on(console, reports, self.known)

    async def _look(self, failure: Exception | None, watch: Watch) -> tuple[Verdict, tuple[Report, ...], str]:
        """What happened: the console's reports, or the harness's own when the guest went without a word."""
        if failure is None or watch.reported:
            console = self.read_console()
            reports = shown(console)
            return (Verdict.CRASH if reports else Verdict.CLEAN), reports, console
        if self._qemu is None:
            raise QemuError("no guest is running in this lane") from failure
        # A channel that broke means that QEMU ends; after a time limit it is only likely not to.
        hung = not await _exits(self._qemu, _GLANCE if isinstance(failure, TimeoutError) else _LAST_WORDS)
        console = self.read_console()
        reports = shown(console)
        if hung:
            how = await autopsy(self._qemu, self.agent, deaf=watch.deaf)
            stacks = self.read_console()
            return Verdict.HANG, (hang_report(stacks, how), *reports), console + stacks
        if reports:
            return Verdict.CRASH, reports, console
        if self._qemu.killed_from_outside:
            raise QemuError(f"QEMU was killed from outside ({self._qemu.status}): {failure}") from failure
        return Verdict.DIED, (death_report(console, self._qemu),), console

    def read_console(self) -> str:
        """What the guest printed since the last call."""
        raw = self._unread()
        self._console_at += len(raw)
        return _text(raw)

    def peek_console(self) -> str:
        """The same, and the next call returns it again."""
        return _text(self._unread())

    def _unread(self) -> bytes:
        try:
            with self.machine.console.open("rb") as file:
                file.seek(self._console_at)
                return file.read()
        except FileNotFoundError:
            return b""


def _text(console: bytes) -> str:
    return console.decode("utf-8", "replace").replace("\r\n", "\n")


def _copy(snapshot: Path, disk: Path) -> None:
    try:
        shutil.copyfile(snapshot, disk)
    except OSError as error:
        raise StorageError(
            f"{disk}: cannot copy the snapshot: {error.strerror}; free some space or set TMPDIR"
        ) from error


async def _exits(qemu: Qemu, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await qemu.exited()
    except TimeoutError:
        return False
    return True
