"""The guest of a lane: restored from its snapshot, connected, ended; its console is a file."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from harness.guest.agent_client import Agent
from harness.guest.process import Qemu
from harness.guest.qemu import TURNS
from harness.guest.rundir import RunDir
from harness.guest.saved import SavedGuest
from harness.guest.snapshot import ensure_snapshot
from harness.workers.procs import answering_first
from usbfuzz.errors import GuestError, QemuError

from .channels import open_channels
from .console import Console, Printed, Remembered, text_with
from .drivers import driver_modules
from .eyes import Eyes
from .leaks import Leaks, poisons
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.channel.protocol import Channel
    from harness.guest.agent_client import UEvent
    from harness.guest.probe.coverage import Coverage
    from harness.guest.qemu import Machine

    from .config import LaneConfig

__all__ = ["LaneGuest"]

#: Bytes of console after which a guest is restored anyway, so that the file stays small.
_CONSOLE_LIMIT = 16 << 20
#: Seconds of QEMU's clock in which a restored guest's agent answers, which takes it a tenth of one, and how often a
#: QEMU is started: about one restored guest in a hundred idles and never answers.
_ANSWER_S = 8.0
_STARTS = 3
#: Only the most important messages are printed, until an oops has all of them printed (console_verbose(), which does
#: nothing at level 0); the second number is the level of messages that name none.
_PRINTK, _LAST_WORDS = "/proc/sys/kernel/printk", "1 4 1 7"


@define
class LaneGuest:
    """QEMU, the agent's connection, the channels of the ports and the console, all replaced by :meth:`restore`."""

    config: LaneConfig
    machine: Machine
    restores: int = field(default=0, init=False)
    leaks: Leaks = field(init=False)
    drivers: frozenset[str] = field(init=False)  #: modules that bind devices
    _dir: RunDir = field(kw_only=True)
    _saved: SavedGuest = field(kw_only=True)
    _core: contextlib.ExitStack = field(kw_only=True)  #: what is given back at the end
    eyes: Eyes | None = field(kw_only=True)  #: the probe; None: this guest cannot be looked into
    _qemu: Qemu | None = field(default=None, init=False)
    _agent: Agent | None = field(default=None, init=False)
    _ports: Sequence[Channel] = field(default=(), init=False)
    console: Console = field(init=False)  #: where the guest says what it says
    _console_at: int = field(default=0, init=False)  #: place in what the guest has said
    _turn_us: int = field(default=0, init=False)  #: how long the processors' turns are at most; 0: as QEMU has it

    def __attrs_post_init__(self) -> None:
        self.console = Printed(self.machine.console)
        self.drivers = driver_modules(self.config.image.aliases)
        self.leaks = Leaks(self.config.image.aliases, poisons(self.config.kernel_params))

    @classmethod
    async def open(cls, config: LaneConfig, on_progress: Callable[[str], None]) -> LaneGuest:
        """Boot (or find the snapshot), restore, connect; raises BootError or an InfraError.

        A warped clock that is not paced binds the calling thread, and the guest, to one core until the guest is closed.
        """
        core = contextlib.ExitStack()
        if config.timing.warped and not config.paced:
            core.enter_context(answering_first())
        run_dir = RunDir()
        guest: LaneGuest | None = None
        try:
            machine = config.machine(run_dir.path)
            snapshot = await ensure_snapshot(
                machine,
                kernel_digest=config.kernel.digest,
                image_digest=config.image.digest,
                cache_dir=config.cache_dir,
                on_progress=on_progress,
            )
            eyes = Eyes.open(config, machine, snapshot, on_progress)
            if eyes is not None:
                machine = evolve(machine, plugin=eyes.probe.plugin)
            saved = SavedGuest.open(snapshot, machine)
            core.callback(saved.close)
            guest = cls(config, machine, dir=run_dir, saved=saved, core=core, eyes=eyes)
            await guest._first(on_progress)
        except BaseException:
            if guest is not None:
                await guest.close()
            core.close()
            run_dir.close()
            raise
        return guest

    async def _first(self, on_progress: Callable[[str], None]) -> None:
        """The first restore. A QEMU that does not start with the probe does without it, and one line says so."""
        eyes = self.eyes
        try:
            await self.restore()
        except QemuError as error:
            if eyes is None:
                raise
            eyes.close()
            self.eyes, self.machine = None, evolve(self.machine, plugin=None)
            await self.restore()
            on_progress(f"the probe does not work: {error}; no coverage, no heap checks")
        else:
            if eyes is not None and eyes.probe.message:
                on_progress(f"the probe: {eyes.probe.message}")

    @property
    def pid(self) -> int:
        """Process id of the QEMU that runs now, 0 if none."""
        return self._qemu.pid if self._qemu and self._qemu.running else 0

    @property
    def cpu_seconds(self) -> float:
        """CPU time of the QEMU that runs now, as a guest with a stock kernel would have it; 0.0 if none."""
        return self.config.computed(self._qemu.cpu_seconds, self._turn_us) if self._qemu else 0.0

    @property
    def qemu(self) -> Qemu:
        """The QEMU that runs now, or ran last; raises QemuError when there is none."""
        if self._qemu is None:
            raise QemuError("no guest is running in this lane")
        return self._qemu

    @property
    def agent(self) -> Agent:
        """The guest's agent; raises QemuError when no guest runs."""
        if self._agent is None:
            raise QemuError("no guest is running in this lane")
        return self._agent

    @property
    def coverage(self) -> Coverage | None:
        """Which blocks of code the guest executes, where a probe sees it."""
        return self.eyes.coverage if self.eyes is not None else None

    @property
    def ports(self) -> Sequence[Channel]:
        """The channels of the guest, one per host controller."""
        return self._ports

    def stage(self) -> Stage:
        """The guest's ports, nothing plugged in; raises QemuError when no guest runs."""
        warped = self.config.timing.warped
        return Stage(self.agent, self._ports, cpu=(lambda: self.cpu_seconds) if warped else None)

    @property
    def console_full(self) -> bool:
        """So much was printed that the guest should be restored for that alone."""
        return Printed(self.machine.console).place > _CONSOLE_LIMIT

    async def read_leaks(self, events: Iterable[UEvent]) -> str:
        """Reports of what drivers leaked to devices since the last call; ``events`` say which drivers bound."""
        return await self.leaks.told(self._agent, events)

    async def take_turns(self, turn_us: int) -> None:
        """Have another processor get its turn each ``turn_us`` guest microseconds; 0: when QEMU thinks fit.

        Nothing happens where processors take no turns: there is one only, or time is real. Raises QemuError.
        """
        if self.machine.takes_turns and turn_us != self._turn_us:
            if turn_us:
                await self.qemu.execute("qom-set", path=TURNS, property="interval", value=turn_us)
            await self.qemu.execute("qom-set", path=TURNS, property="status", value="on" if turn_us else "off")
            self._turn_us = turn_us

    def read_console(self) -> str:
        """What the guest said since the last call, and what the probe found, where it was found."""
        pieces = self.console.after(self._console_at)
        text = self._with_notes(pieces)
        if pieces:
            self._console_at = pieces[-1][0]
        if self.eyes is not None:
            self.eyes.noted()
        return text

    def peek_console(self) -> str:
        """The same, and the next call returns it again."""
        return self._with_notes(self.console.after(self._console_at))

    def keep_up(self) -> None:
        """Take what the guest has said before it is lost."""
        self.console.keep_up()

    def _with_notes(self, pieces: Sequence[tuple[int, bytes]]) -> str:
        return text_with(pieces, self.eyes.notes if self.eyes is not None else ())

    async def ping(self) -> None:
        """Return once the agent has answered; raises QemuError, GuestError."""
        await self.agent.ping()

    async def restore(self) -> None:
        """A fresh guest from the snapshot, channels connected; raises QemuError, StorageError, and none runs then."""
        await self._down()
        try:
            await self._up()
        except BaseException:
            await self._down()
            raise
        self.restores += 1

    async def close(self) -> None:
        """End the guest and remove its files; may be called twice."""
        await self._down()
        if self.eyes is not None:
            self.eyes.close()
        self._core.close()
        self._dir.close()

    async def _up(self) -> None:
        machine = self.machine
        machine.console.unlink(missing_ok=True)
        self.console, self._console_at, self._turn_us = Printed(machine.console), 0, 0
        self._agent = await self._start(machine)
        await self._listen()
        self._ports = await open_channels(machine, self._agent.sleep)
        if self.config.leaks:
            self.leaks.listen(self._ports)

    async def _start(self, machine: Machine) -> Agent:
        """Start QEMU until its guest answers; raises QemuError when none of a few does."""
        for _ in range(_STARTS):
            if self.eyes is not None:
                self.eyes.begin()
            self._qemu = await self._saved.start(machine)
            if self.eyes is not None:
                self.eyes.watch(self._qemu, lambda: self.console.place)
            agent = asyncio.ensure_future(self._resume(self._qemu))
            if await self._qemu.within(agent, _ANSWER_S):
                return agent.result()
            await self._down()
        raise QemuError(f"{self._saved.path}: the guest restored from it does not answer ({_STARTS} tries)")

    async def _listen(self) -> None:
        """Read the kernel's log in its memory from now on, where that can be done, and have it print no more."""
        log = self.eyes.log if self.eyes is not None else None
        if log is None or not log.begin(self.pid):
            return
        with contextlib.suppress(GuestError):  # it prints on, and is read there
            await self.agent.write(_PRINTK, _LAST_WORDS)
            self.console = Remembered(log, self.config.loglevel, Printed(self.machine.console))
            self._console_at = self.console.place

    async def _resume(self, qemu: Qemu) -> Agent:
        """Let the guest run once its agent's port is connected: it has seen nothing of the time in between."""
        agent = asyncio.ensure_future(Agent.connect(self.machine.agent))
        try:
            await qemu.execute("cont")
            return await agent
        finally:
            agent.cancel()

    async def _down(self) -> None:
        for port in self._ports:
            port.close()
        self._ports = ()
        if self._agent is not None:
            await self._agent.close()
            self._agent = None
        if self.eyes is not None:
            self.eyes.rest()
        if self._qemu is not None:
            await self._qemu.kill()
            self._qemu = None
