"""A lane: one core, one guest, and one round of cases after another."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from harness.channel.conversation import NOT_RECORDED, Recorder
from usbfuzz.errors import InfraError, UsbfuzzError
from usbfuzz.leftovers import is_leak
from usbfuzz.triage import blamed

from .cycles import play_cycles
from .eyes import Saw
from .firmware import FirmwareShelf
from .guest import LaneGuest
from .outcome import Outcome, bindings, enumerated, interfaces
from .round import Round
from .stage import places
from .supply import Supply
from .verdicts import Diagnosis, Ending, diagnose, leaking, may_run_on, rearm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.channel.protocol import Channel
    from harness.guest.agent_client import Agent, UEvent
    from harness.guest.probe.coverage import Coverage
    from harness.guest.qemu import Machine
    from usbfuzz.case.model import Case
    from usbfuzz.triage import Report

    from .config import LaneConfig
    from .stage import Stage

__all__ = ["DILATED_MS", "LOOKS", "Lane"]

#: A reply of ours later than this many milliseconds may have run into a guest timeout under a warped clock:
#: 5 s of guest time pass in about 28 ms there when it is paced. When it is not, the guest should stand still meanwhile.
DILATED_MS = 8.0
LOOKS = 4  #: runs in which it is found out which of the user's firmware a case asks for


@define
class Lane:
    """Runs cases in one guest, which it restores after a crash, a hang, a death or a once-only warning."""

    guest: LaneGuest
    supply: Supply = field(factory=Supply)  #: of firmware
    recovery: float = 0.0  #: wall seconds from the last crash (its channel broken) to a restored guest
    known: list[Report] = field(factory=list)  #: bugs after whose warnings the guest may run on
    recording: bool = False  #: outcomes carry the conversation; slows a busy guest down
    metering: bool = False  #: outcomes have the packets of each device
    surveying: bool = False  #: outcomes say what user space sees of the devices; takes seconds of the guest's time
    _rounds: int = field(default=0, init=False)

    @classmethod
    async def open(cls, config: LaneConfig, on_progress: Callable[[str], None] = lambda _: None) -> Lane:
        """A lane with its guest; raises what :meth:`LaneGuest.open` and :class:`FirmwareShelf` do."""
        shelf = None if config.firmware is None else FirmwareShelf(config.firmware)
        return cls(await LaneGuest.open(config, on_progress), Supply(shelf, on_progress))

    @property
    def config(self) -> LaneConfig:
        """What the lane was opened with."""
        return self.guest.config

    @property
    def machine(self) -> Machine:
        """The machine the guest runs in."""
        return self.guest.machine

    @property
    def pid(self) -> int:
        """Process id of the QEMU that runs now, 0 if none."""
        return self.guest.pid

    @property
    def agent(self) -> Agent:
        """The guest's agent; raises QemuError when no guest runs."""
        return self.guest.agent

    @property
    def ports(self) -> Sequence[Channel]:
        """The channels of the guest, one per host controller."""
        return self.guest.ports

    @property
    def coverage(self) -> Coverage | None:
        """Which blocks of code the guest executes, where a probe sees it."""
        return self.guest.coverage

    @property
    def restores(self) -> int:
        """How often the guest was restored from its snapshot, the first time included."""
        return self.guest.restores

    def stage(self) -> Stage:
        """The guest's ports, to plug devices in by hand; raises QemuError when no guest runs."""
        return self.guest.stage()

    def read_console(self) -> str:
        """What the guest printed since the last call, or since the last round."""
        return self.guest.read_console()

    async def read_leaks(self, events: Iterable[UEvent]) -> str:
        """Reports of what drivers leaked to devices since the last call; ``events`` say which drivers bound."""
        return await self.guest.read_leaks(events)

    @property
    def sees_comparisons(self) -> bool:
        """Whether modules can be armed."""
        return self.guest.eyes is not None and self.guest.eyes.armed is not None

    @property
    def armable(self) -> frozenset[str]:
        """The modules that the guest has loaded; none where comparisons are not seen."""
        eyes = self.guest.eyes
        return frozenset() if eyes is None or eyes.armed is None else eyes.armed.known

    def arm(self, modules: Iterable[str]) -> None:
        """Have outcomes say what these modules compare, from the next round on; none: disarm.

        Raises InfraError when the lane was opened without ``Probing(compare=True)``, or its QEMU does not see so much,
        and InputError when the guest has not loaded a module.
        """
        eyes = self.guest.eyes
        if eyes is None or eyes.armed is None:
            raise InfraError(
                "this lane does not see comparisons: it needs a QEMU of 9.0 or later under TCG, and compare=True"
            )
        eyes.armed.arm(modules)

    async def restore(self) -> None:
        """A fresh guest from the snapshot; raises QemuError, StorageError."""
        await self.guest.restore()

    async def close(self) -> None:
        """End the guest and remove its files; may be called twice."""
        await self.guest.close()

    async def run(self, case: Case) -> Outcome:
        """Run one case alone; raises as :meth:`run_round` does.

        A case that is kept for a leak is run as :meth:`run_cycles` does. One that asks for firmware of the user's which
        the guest did not have runs again, in a guest fresh from the snapshot that has it.
        """
        if is_leak(case.recorded_names):
            return await self.run_cycles(case)
        outcome = await self.run_round([case])
        for _ in range(LOOKS):
            if outcome.reports or not self.supply.news:
                break
            if not outcome.restored:
                await self.restore()
            outcome = await self.run_round([case])
        return outcome

    async def run_cycles(self, case: Case) -> Outcome:
        """Run one case alone again and again, and report what it leaves behind; raises as :meth:`run_round` does.

        The outcome is that of the last run. A guest that has lost something is restored.
        """
        outcome, leaks = await play_cycles(self.guest, lambda: self.run_round([case]))
        if not leaks:
            return outcome
        with contextlib.suppress(UsbfuzzError):
            await self.restore()
        said = leaking(Diagnosis(outcome.verdict, outcome.reports, outcome.console), leaks)
        reports = blamed(said.reports, self.guest.drivers)
        return evolve(outcome, verdict=said.verdict, reports=reports, console=said.console, restored=True)

    async def run_round(self, cases: Sequence[Case]) -> Outcome:
        """Run several cases side by side, each on ports of its own, and restore the guest after them if need be.

        Raises InfraError when they need too many ports and QemuError when QEMU was killed from outside. A guest that
        cannot be restored afterwards does not cost the outcome: the next round restores it first, and raises what
        :meth:`restore` does.
        """
        placing = places(cases, self.config.ports)
        if placing is None:
            raise InfraError(f"the round needs more ports than the guest's {self.config.ports}")
        if not self.pid:
            await self.restore()
        await self.guest.take_turns(cases[0].guest.schedule.turn_us)
        recorder = self._recorder()
        started = time.monotonic()
        eyes = self.guest.eyes
        if eyes is not None:
            eyes.open_round()
        played = Round(self.guest, self.known, validate=self._validates(), survey=self.surveying, supply=self.supply)
        played.stage.metering = self.metering
        ending = await played.play(cases, placing)
        broken = time.monotonic()
        diagnosis = await diagnose(self.guest, ending)
        saw = eyes.close_round() if eyes is not None else Saw()
        self.supply.listen(diagnosis.console)
        seconds = time.monotonic() - started
        restored = played.stage.altered or not await self._runs_on(ending, diagnosis)
        diagnosis = leaking(diagnosis, await self.read_leaks(played.stage.shared.events))
        outcome = self._outcome(diagnosis, played.stage, recorder, saw, seconds=seconds, restored=restored)
        if restored:
            with contextlib.suppress(UsbfuzzError):  # what was found must reach the job; the next round tries again
                await self.restore()
                self.recovery = time.monotonic() - broken
        return outcome

    def _recorder(self) -> Recorder | None:
        """A new recorder that listens to the ports, or none."""
        recorder = Recorder() if self.recording else None
        for port in self.ports:
            port.trace = None
        if recorder is not None:
            recorder.listen(self.ports)
        return recorder

    def _validates(self) -> bool:
        """Whether the slabs are checked after this round."""
        self._rounds += 1
        every = self.config.validate_every
        return every > 0 and self._rounds % every == 0

    async def _runs_on(self, ending: Ending, diagnosis: Diagnosis) -> bool:
        """Whether the guest is as good as before the round: it shows every bug again that it would have shown then."""
        if ending.failure is not None or self.guest.console_full:
            return False
        if not may_run_on(diagnosis.console, diagnosis.reports, self.known):
            return False
        return not diagnosis.reports or await rearm(self.agent)

    def _outcome(
        self,
        diagnosis: Diagnosis,
        stage: Stage,
        recorder: Recorder | None,
        saw: Saw,
        *,
        seconds: float,
        restored: bool,
    ) -> Outcome:
        events = stage.shared.events
        worst = stage.worst_reply * 1000
        return Outcome(
            verdict=diagnosis.verdict,
            reports=blamed(diagnosis.reports, self.guest.drivers),
            console=diagnosis.console,
            bindings=tuple(bindings(events)),
            interfaces=tuple(interfaces(events)),
            played=tuple(stage.played),
            hitches=tuple(stage.hitches),
            used=tuple(stage.users.used),
            plugs=stage.plugs,
            enumerated=enumerated(events),
            requests=stage.requests,
            seconds=seconds,
            worst_reply_ms=worst,
            dilated=self.config.timing.warped and worst > DILATED_MS,
            conversation=recorder.conversation() if recorder else NOT_RECORDED,
            restored=restored,
            userspace=stage.userspace,
            covered=saw.covered,
            compared=saw.compared,
        )
