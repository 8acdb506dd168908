"""The probe at work in a lane's guest: what it finds goes into the console log, where the guest prints the stack."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from harness.guest.emulators import Sight
from harness.guest.probe.compares import Armed, Comparisons
from harness.guest.probe.coverage import Code, Coverage, Covered
from harness.guest.probe.printk import KernelLog
from harness.guest.probe.probe import Probe
from harness.guest.probe.probing import Heap
from harness.guest.qemu import TURNS, Timing
from harness.guest.snapshot import facts_of
from usbfuzz.errors import InfraError, QemuError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.guest.process import Qemu
    from harness.guest.qemu import Machine

    from .config import LaneConfig

__all__ = ["Eyes", "Saw"]


@frozen
class Saw:
    """What the probe saw of one round."""

    covered: Covered | None = None  #: the code that ran; None: it was not looked at
    compared: Comparisons | None = None  #: what armed code compared; None: none is armed


@define
class Eyes:
    """Takes the probe's reports when they come, and has the guest print the stack of the access that waits."""

    probe: Probe
    coverage: Coverage | None  #: None: it is not wanted
    armed: Armed | None  #: the same of comparisons
    log: KernelLog | None  #: the kernel's log in its memory; None: it cannot be read there
    _place: Callable[[], int] = field(default=lambda: 0, init=False)  #: in what the guest has said
    _notes: list[tuple[int, str]] = field(factory=list, init=False)  #: where in that, and the text
    _stopping: asyncio.Task[None] | None = field(default=None, init=False)
    _watched: Qemu | None = field(default=None, init=False)

    @classmethod
    def open(
        cls, config: LaneConfig, machine: Machine, snapshot: Path, on_progress: Callable[[str], None]
    ) -> Eyes | None:
        """The probe for guests of this snapshot, or None and one line that says why there is none."""
        probing, sees = config.probing, config.emulator.sees
        if Sight.REGISTERS not in sees:
            probing = evolve(probing, heap=Heap.OFF, compare=False)
        if (
            machine.timing is Timing.KVM
            or Sight.COVERAGE not in sees
            or not (probing.coverage or probing.compare or probing.heap is not Heap.OFF)
        ):
            return None
        facts = facts_of(snapshot)
        if facts is None:
            on_progress("the guest's kernel does not show its symbols (kallsyms): no coverage, no heap checks")
            return None
        try:
            probe = Probe.open(facts, probing, config.cache_dir, machine.memory_mib, machine.processors)
        except InfraError as error:
            on_progress(f"{error}; no coverage, no heap checks")
            return None
        for line in facts.missing if probing.heap is not Heap.OFF else ():
            on_progress(line)
        code = Code.of(facts, config.kernel.name, config.kernel.release)
        coverage = Coverage(probe.shared, code) if probing.coverage else None
        armed = Armed(probe.shared, code, facts.symbols) if probing.compare else None
        log = KernelLog(probe.shared, facts.log) if facts.log else None
        return cls(probe, coverage, armed, log)

    def begin(self) -> None:
        """Before a QEMU starts: nothing was found, and its console is empty."""
        self._notes.clear()
        self.probe.begin()
        if self.coverage is not None:
            self.coverage.restarted()

    def open_round(self) -> None:
        """Before a round is played."""
        if self.coverage is not None:
            self.coverage.begin()
        if self.armed is not None:
            self.armed.begin()

    def close_round(self) -> Saw:
        """After it."""
        armed = self.armed if self.armed is not None and self.armed.modules else None
        return Saw(self.coverage.end() if self.coverage is not None else None, armed.end() if armed else None)

    def watch(self, qemu: Qemu, place: Callable[[], int]) -> None:
        """Take what the probe inside ``qemu`` reports from now on; ``place`` says how much the guest has said."""
        self._watched, self._place = qemu, place
        asyncio.get_running_loop().add_reader(self.probe.plugin.report, self._reported)

    def rest(self) -> None:
        """Stop doing that: this QEMU ends."""
        if self._watched is not None:
            asyncio.get_running_loop().remove_reader(self.probe.plugin.report)
            self._watched = None
        if self._stopping is not None:
            self._stopping.cancel()
            self._stopping = None
        if self.log is not None:
            self.log.end()

    @property
    def notes(self) -> Sequence[tuple[int, str]]:
        """What was found, each with its place in what the guest has said."""
        return self._notes

    def noted(self) -> None:
        """They have been read."""
        self._notes.clear()

    def close(self) -> None:
        """Give the probe's memory back."""
        self.rest()
        self.probe.close()

    def _reported(self) -> None:
        place = self._place()
        self._notes += ((place, text) for text in self.probe.reports())
        if self.probe.probing.heap is Heap.REPORT and self._watched is not None:
            self._stopping = asyncio.ensure_future(self._stop(self._watched))

    async def _stop(self, qemu: Qemu) -> None:
        """Have the virtual CPU, which waits in the plugin, take an NMI: its handler prints the stack and panics."""
        with contextlib.suppress(QemuError):
            if qemu.machine.takes_turns:  # the processor that waits is to take it first
                await qemu.execute("qom-set", path=TURNS, property="status", value="off")
            await qemu.execute("inject-nmi")
        self.probe.resume()
