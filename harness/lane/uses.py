"""Programs of user space that run in a guest beside the schedule: begun, waited for, and asked what became of them."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from harness.guest.place import buses_of
from usbfuzz.errors import GuestError
from usbfuzz.uses import compiled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from harness.guest.agent_client import Agent
    from harness.guest.uses import Ended
    from usbfuzz.case.model import Use

__all__ = ["Done", "Used", "Users"]

#: Guest milliseconds for a program to end, or only hold, before the schedule goes on beside it.
_USE_MS = 2000
#: Guest milliseconds for a program to find a node that its driver has not made yet, when it does not begin settled.
_PATIENCE_MS = 1000
#: Guest milliseconds for a program to end after its devices were unplugged, before it is killed.
_AFTER_MS = 1000
#: Lines that are no steps, and those that only wait.
_THREAD, _WAITS = "thread", ("hold until unplugged", "repeat ")


class Done(Enum):
    """How a program ended."""

    ENDED = "ended"  #: by itself
    KILLED = "killed"  #: it went on after the unplug, or never came to its end
    STUCK = "stuck"  #: the same, and the kernel did not let it be killed
    DIED = "died"  #: the kernel ended it by a signal
    REFUSED = "refused"  #: the agent could not begin it


@frozen
class Used:
    """What became of one program."""

    port: int
    program: tuple[str, ...]
    done: Done
    steps: tuple[Ended, ...] = ()  #: of each line that is not ``thread``

    @property
    def lines(self) -> tuple[str, ...]:
        """The line of each step."""
        return tuple(line for line in self.program if line != _THREAD)

    @property
    def worked(self) -> int:
        """Calls that the kernel answered without an error."""
        return sum(step.state == "d" and step.result >= 0 for step in self.steps)

    @property
    def failed(self) -> int:
        """Calls that the kernel answered with an error."""
        return sum(step.state == "d" and step.result < 0 for step in self.steps)

    @property
    def blocked(self) -> tuple[str, ...]:
        """Lines that had not returned when the program was killed."""
        ends = zip(self.lines, self.steps, strict=False)
        return tuple(line for line, step in ends if step.state == "r" and not line.startswith(_WAITS))

    @property
    def impossible(self) -> tuple[str, ...]:
        """Lines that had nothing to work on: no such node, or what they use was not opened."""
        return tuple(line for line, step in zip(self.lines, self.steps, strict=False) if step.state == "s")

    def __str__(self) -> str:
        said = [f"{self.done.value}: {self.worked} calls worked, {self.failed} failed"]
        if self.blocked:
            said.append(f"blocked in {'; '.join(self.blocked)}")
        if self.impossible:
            said.append(f"{len(self.impossible)} impossible, first {self.impossible[0]}")
        return ", ".join(said)


@define
class _Running:
    port: int
    program: tuple[str, ...]
    key: int
    lasts_ms: int = 0  #: before the device is unplugged, at most
    parked: asyncio.Task[None] | None = None  #: done once the program has ended, or only holds


@define
class Users:
    """The programs of one guest; what waits for it raises QemuError or GuestError when it is lost."""

    _agent: Agent
    used: list[Used] = field(factory=list)  #: in the order in which they were asked for
    _running: list[_Running] = field(factory=list, init=False)

    async def run(self, use: Use, port: int, *, settled: bool) -> None:
        """Run a program on what the device at ``port`` brought; return once it has ended, or only holds."""
        await self._play(self._new(use, port), settled=settled)

    def begin(self, use: Use, port: int, lasts_ms: int, *, settled: bool) -> None:
        """Run a program beside what follows."""
        running = self._new(use, port)
        running.lasts_ms = lasts_ms
        running.parked = asyncio.create_task(self._play(running, settled=settled), name="use")
        running.parked.add_done_callback(_seen)

    async def last(self, ports: Collection[int], within: Callable[[Awaitable[None], int], Awaitable[bool]]) -> None:
        """Give the programs that :meth:`begin` began on ``ports`` their time before the unplug, if they need it."""
        for running in self._on(ports):
            if running.parked is not None:
                await within(asyncio.shield(running.parked), running.lasts_ms)

    def busy(self, port: int) -> bool:
        """Whether a program on what ``port`` brought does more than hold it."""
        return any(running.parked is not None and not running.parked.done() for running in self._on({port}))

    async def end(self, ports: Collection[int]) -> None:
        """Ask for the end of the programs on ``ports``, whose devices are unplugged: those that go on are killed."""
        for running in self._on(ports):
            self._running.remove(running)
            how, steps = await self._agent.used(running.key, _AFTER_MS)
            self.used.append(Used(running.port, running.program, Done(how), steps))

    def _on(self, ports: Collection[int]) -> list[_Running]:
        return [running for running in self._running if running.port in ports]

    def _new(self, use: Use, port: int) -> _Running:
        self._running.append(_Running(port, use.program, self._agent.new_key()))
        return self._running[-1]

    async def _play(self, running: _Running, *, settled: bool) -> None:
        patience = 0 if settled else _PATIENCE_MS
        try:
            await self._agent.use(running.key, compiled(running.program), _USE_MS, patience, buses_of(running.port))
        except GuestError:
            if running in self._running:
                self._running.remove(running)
                self.used.append(Used(running.port, running.program, Done.REFUSED))


def _seen(task: asyncio.Task[None]) -> None:
    """Mark a failure as seen: the guest was lost, which others notice too."""
    if not task.cancelled():
        task.exception()
