"""Several guests, each in a process of its own and on a core of its own, that run candidates side by side."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from attrs import define, field

from harness.lane.config import LaneConfig
from harness.workers.child import Child, error_of
from usbfuzz.case.model import Case
from usbfuzz.errors import BootError, InfraError, InputError, ProtocolError, UsbfuzzError

from .messages import LINES, Booting, Failed, Setup, Trial, Tried
from .oracle import Seen

__all__ = ["GuestPool"]

#: Seconds without a word from a worker that runs a candidate: longer than any run in a guest may take.
_SILENCE = 600.0
#: Seconds without a word from one that boots a guest.
_BOOT_SILENCE = 900.0
_END_SECONDS = 12.0
#: Workers a candidate may take down before it counts as one that does not show the bug.
_DEATHS = 2
#: Workers that fail in a row, whatever they run, until going on is useless.
_FRUITLESS = 4


@define
class GuestPool:
    """The worker processes of one minimization. A candidate that comes when all are busy waits for its turn."""

    config: LaneConfig
    names: frozenset[str]  #: titles of the bug; empty when any crash will do
    lanes: int
    on_progress: Callable[[str], None] = lambda _: None
    command: tuple[str, ...] = (sys.executable, "-m", "usbfuzz.jobs.minimize.worker")
    _idle: asyncio.LifoQueue[_Slot] = field(init=False)
    _slots: list[_Slot] = field(init=False)
    _fruitless: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self._slots = [_Slot(lane, cores[lane % len(cores)]) for lane in range(self.lanes)]
        self._idle = asyncio.LifoQueue()
        for slot in reversed(self._slots):
            self._idle.put_nowait(slot)

    @property
    def width(self) -> int:
        """Guests."""
        return self.lanes

    async def run(self, case: Case, *, fresh: bool) -> Seen:
        """Run ``case`` once, on the next guest that is free; raises BootError, InputError and InfraError."""
        trial = Trial(case, fresh)
        slot = await self._idle.get()
        try:
            for _ in range(_DEATHS):
                result = await self._try(slot, trial)
                if isinstance(result, Seen):
                    self._fruitless = 0
                    return result
                await slot.end(0.0)
                self._fruitless += 1
                if isinstance(result, BootError | InputError) or self._fruitless >= _FRUITLESS:
                    raise result
        finally:
            self._idle.put_nowait(slot)
        return Seen(hit=False)

    async def close(self) -> None:
        """End all workers and their guests."""
        await asyncio.gather(*(slot.end(_END_SECONDS) for slot in self._slots))

    async def _try(self, slot: _Slot, trial: Trial) -> Seen | UsbfuzzError:
        """What the candidate did, or why the worker cannot go on."""
        child = slot.child
        if child is None:
            child = slot.child = await Child.start(
                f"lane {slot.lane}", (*self.command, str(os.getpid())), LINES, group=True
            )
            child.send(Setup(self.config, self.names, slot.cpu))
        child.send(trial)
        failure: UsbfuzzError | None = None
        silence = _SILENCE
        while True:
            try:
                async with asyncio.timeout(silence):
                    message = await child.receive()
            except TimeoutError:
                return InfraError(f"lane {slot.lane}: worker said nothing for {silence:.0f} s")
            except ProtocolError as error:
                return error
            match message:
                case Tried(seen):
                    return seen
                case Booting(note):
                    silence = _BOOT_SILENCE
                    self.on_progress(note)
                case Failed(name, text):
                    failure = error_of(name, text)
                case _:
                    return failure or InfraError(
                        f"lane {slot.lane}: {child.last_words or 'worker died without a word'}"
                    )


@define(eq=False)
class _Slot:
    """A place for a worker."""

    lane: int
    cpu: int
    child: Child | None = None

    async def end(self, seconds: float) -> None:
        """End the worker, if there is one."""
        child, self.child = self.child, None
        if child is not None:
            await child.end(seconds, group=True)
