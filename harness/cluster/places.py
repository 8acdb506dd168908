"""The places of a cluster: one for each thread of each dask worker; which are free, and which are used no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Mapping
from itertools import count, islice
from typing import Any, Protocol

from attrs import define, field

from harness.workers.policy import Policy
from usbfuzz.errors import InfraError, InputError, UsbfuzzError

from .scheduler import Admitted, Scheduler

__all__ = ["Place", "Places"]

_LOOK_S = 1.0  #: seconds between two looks at who is there
_AGAIN_S = 5.0  #: seconds until a worker whose places are taken by others is asked again
_PATIENCE_S = 600.0  #: seconds that a scheduler may be gone


class _Losable(Protocol):
    """A process at a place."""

    def lose(self, why: str) -> None:
        """Give it up."""


@define(eq=False)
class _Machine:
    """One dask worker."""

    address: str
    host: str
    numbers: tuple[int, ...]  #: of its places, among those of all dask workers on its machine
    free: list[int] = field(init=False)  #: those that are not taken
    refused: str = ""  #: that it is not used any more, in words
    failures: int = 0  #: of its processes, in a row
    busy: bool = False  #: others have taken its places, and that was said
    not_before: float = 0.0  #: time of the loop's clock until which it is left alone
    running: set[_Losable] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.free = list(self.numbers)

    def __str__(self) -> str:
        return f"worker {self.host} ({self.address})"


@define(eq=False)
class Place:
    """A place that was taken, for one process."""

    machine: _Machine
    number: int  #: among the places of its machine, so that each can stay on a core of its own
    _places: Places

    @property
    def where(self) -> str:
        """Its dask worker, for messages."""
        return str(self.machine)

    def began(self, process: _Losable) -> None:
        """A process runs here: it is given up when the dask worker is gone."""
        self.machine.running.add(process)
        self.machine.busy = False

    def left(self, process: _Losable | None = None, *, again_in: float = 0.0) -> None:
        """It is free again, after ``again_in`` seconds."""
        if process is not None:
            self.machine.running.discard(process)
        if again_in:
            self.machine.not_before = asyncio.get_running_loop().time() + again_in
        self.machine.free.append(self.number)
        self._places.changed()

    def taken_by_others(self) -> None:
        """It is not free, whoever has it: try again later."""
        if not self.machine.busy:
            self._places.say(f"{self.where}: others have its places; waiting for one")
        self.machine.busy = True
        self.left(again_in=_AGAIN_S)

    def worked(self) -> None:
        """A process did here what it is for."""
        self.machine.failures = 0

    def failed(self, failure: UsbfuzzError, policy: Policy) -> None:
        """A process failed here: that is the end of the dask worker when its policy says so."""
        self.machine.failures += 1
        if policy.hopeless(failure, self.machine.failures):
            self.refuse(str(failure))

    def refuse(self, why: str) -> str:
        """Do not use this dask worker any more; what else runs there is given up. Returns that it is so."""
        return self._places.refuse(self.machine, why)


@define(eq=False)
class Places:
    """Who is there, from :meth:`open` to :meth:`close`."""

    address: str  #: of the scheduler
    say: Callable[[str], None]
    _scheduler: Scheduler
    on_look: Callable[[int], None] = lambda _: None  #: told at each look how many places there are
    _machines: dict[str, _Machine] = field(factory=dict, init=False)
    _looking: asyncio.Task[None] = field(init=False)
    _changed: asyncio.Event = field(factory=asyncio.Event, init=False)
    _failed: BaseException | None = field(default=None, init=False)
    _lonely: bool = field(default=False, init=False)  #: it was said that there is no worker
    _last_refusal: str = field(default="", init=False)

    @classmethod
    async def open(cls, address: str, say: Callable[[str], None]) -> Places:
        """The places at the scheduler there. Raises InputError, InfraError."""
        places = cls(address, say, await Scheduler.open(address))
        await places._see(await places._scheduler.workers())
        return places

    def __attrs_post_init__(self) -> None:
        self._looking = asyncio.create_task(self._look())
        self._looking.add_done_callback(self._blind)

    @property
    def places(self) -> int:
        """How many places there are now, taken or not."""
        return sum(len(machine.numbers) for machine in self._usable())

    def __str__(self) -> str:
        """How much there is, in words."""
        usable = tuple(self._usable())
        hosts = len({machine.host for machine in usable})
        return f"{self.places} places at {len(usable)} dask workers on {hosts} machine{'s' if hosts != 1 else ''}"

    def _usable(self) -> Iterator[_Machine]:
        return (machine for machine in self._machines.values() if not machine.refused)

    async def take(self) -> Place:
        """The next place that is free, at the machine where fewest are taken; waits for one.

        Raises InfraError when no worker can be used, or the scheduler is gone for good.
        """
        while True:
            self._changed.clear()
            if self._failed is not None:
                raise self._failed
            if self._machines and not any(True for _ in self._usable()):
                raise InfraError(f"{self.address}: no worker can be used; the last of them: {self._last_refusal}")
            now = asyncio.get_running_loop().time()
            ready = [machine for machine in self._usable() if machine.free and machine.not_before <= now]
            if ready:
                machine = min(ready, key=lambda each: (len(each.numbers) - len(each.free), each.numbers))
                machine.free.sort()
                return Place(machine, machine.free.pop(0), self)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._changed.wait()

    async def connect(self, place: Place) -> Any:
        """A connection to the dask worker of a place; raises InfraError."""
        return await self._scheduler.connect(place.machine.address)

    def changed(self) -> None:
        """Something is free that was not, or nothing will be."""
        self._changed.set()

    def refuse(self, machine: _Machine, why: str) -> str:
        """Do not use a dask worker any more; says why, once, and returns that it is so."""
        if not machine.refused:
            machine.refused = f"{machine} is not used any more"
            self._last_refusal = f"{machine.refused}: {why}"
            self.say(self._last_refusal)
            for process in tuple(machine.running):
                process.lose(machine.refused)
            self.changed()
        return machine.refused

    async def close(self) -> None:
        """Forget the scheduler."""
        self._looking.cancel()
        await asyncio.wait({self._looking})
        await self._scheduler.close()

    def _blind(self, looking: asyncio.Task[None]) -> None:
        """Nobody looks any more: whoever waits for a place is told why."""
        if not looking.cancelled():
            self._failed = looking.exception()
            self.changed()

    async def _look(self) -> None:
        """See who comes and goes."""
        while True:
            await asyncio.sleep(_LOOK_S)
            try:
                await self._see(await self._scheduler.workers())
            except InfraError as error:
                if not await self._found_again(error):
                    raise

    async def _found_again(self, error: InfraError) -> bool:
        """Wait for a scheduler that is gone; whether it is there again."""
        self.say(f"{error}; waiting for it for {_PATIENCE_S / 60:.0f} min; the same command goes on at any time")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE_S
        await self._scheduler.close()
        while loop.time() < deadline:
            await asyncio.sleep(_LOOK_S)
            try:
                self._scheduler = await Scheduler.open(self.address)
            except InputError:
                continue
            self.say(f"{self.address}: the scheduler is there again")
            return True
        return False

    async def _see(self, there: Mapping[str, int]) -> None:
        for address in self._machines.keys() - there.keys():
            self._gone(self._machines.pop(address))
        strangers = [address for address in there if address not in self._machines]
        if strangers:
            for address, admitted in (await self._scheduler.admit(strangers)).items():
                self._met(address, admitted, there[address])
        if not there and not self._lonely:
            self.say(f"{self.address}: has no worker; waiting for one, such as: dask worker {self.address}")
        self._lonely = not there
        self.on_look(self.places)
        self.changed()

    def _met(self, address: str, admitted: Admitted, threads: int) -> None:
        here = {number for each in self._usable() if each.host == admitted.host for number in each.numbers}
        unused = (number for number in count() if number not in here)
        machine = _Machine(address, admitted.host, tuple(islice(unused, threads)))
        self._machines[address] = machine
        if admitted.refused:
            self.refuse(machine, admitted.refused)
        elif admitted.warning:
            self.say(f"{machine}: {admitted.warning}")

    def _gone(self, machine: _Machine) -> None:
        why = f"{machine} is gone"
        for process in tuple(machine.running):
            process.lose(why)
