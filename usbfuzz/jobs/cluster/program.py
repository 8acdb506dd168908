"""The lanes of a campaign at the places of a cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define

from harness.cluster.places import Place, Places
from harness.cluster.program import PlacedProgram
from harness.workers.messages import Status
from harness.workers.policy import Policy
from harness.workers.worker import Process
from usbfuzz.jobs.campaign.messages import Order, Reply, WorkerStart

from .arriving import Arriving
from .guests import Guests
from .leases import Leases
from .messages import MESSAGES, RemoteOrder, RemoteReply, RemoteStart
from .outgoing import Outgoing

__all__ = ["LANE", "ClusterLanes", "lanes_at"]

#: The module whose main is a lane's process.
LANE = "usbfuzz.jobs.cluster.lane"
#: Of a dask worker: four processes in a row that end without a round, and it is used no more.
_POLICY = Policy(fruitless=4, fruitless_boots=2)

_Placed = PlacedProgram[RemoteStart, Order, Reply, RemoteOrder, RemoteReply]


@define(eq=False)
class _LaneProgram:
    """How the processes of a campaign's lanes are started."""

    _placed: _Placed
    _outgoing: Outgoing

    async def launch(self, name: str, start: WorkerStart) -> Process[Order, Reply | Status]:
        """A lane at the next place that is free; raises InfraError when there will be none."""
        return await self._placed.launch(name, lambda place: self._begin(start, place))

    def _begin(self, start: WorkerStart, place: Place) -> tuple[RemoteStart, Leases]:
        making = start.making
        remote = RemoteStart(
            lane=start.lane,
            place=place.number,
            guests=Guests.of(start.config),
            seed=making.seed,
            minimize=start.minimize,
            tables=making.tables,
            shelves=len(making.learned),
            guided=making.corpus is not None,
            covered=bool(start.coverage),
            aim=making.aim,
        )
        kernel = start.config.kernel
        arriving = Arriving(Path(start.coverage), (kernel.name, kernel.release)) if start.coverage else None
        return remote, Leases(self._outgoing, arriving)


@define(eq=False)
class ClusterLanes:
    """The places for lanes; :class:`~usbfuzz.jobs.campaign.elsewhere.Elsewhere` for a campaign."""

    _places: Places
    most: int | None = None  #: lanes that are wanted at most; None: as many as there are places
    module: str = LANE

    @property
    def places(self) -> int:
        """How many lanes there is room for now."""
        return self._wanted(self._places.places)

    def _wanted(self, places: int) -> int:
        return places if self.most is None else min(places, self.most)

    def when_more(self, joined: Callable[[int], None]) -> None:
        """Have ``joined`` called, now and then, with how many places there are."""
        self._places.on_look = lambda places: joined(self._wanted(places))

    def program(self, start: WorkerStart) -> _LaneProgram:
        """How the processes of lanes are started there; ``start`` is how lane 0 begins, and the others likewise."""
        placed = _Placed(self._places, self.module, MESSAGES, _POLICY)
        return _LaneProgram(placed, Outgoing(start.making.corpus, start.making.learned))


@asynccontextmanager
async def lanes_at(
    address: str, say: Callable[[str], None], most: int | None = None, module: str = LANE
) -> AsyncIterator[ClusterLanes]:
    """The places at the scheduler with this address. Raises InputError, InfraError."""
    places = await Places.open(address, say)
    try:
        say(f"{address}: {places}")
        yield ClusterLanes(places, most, module)
    finally:
        await places.close()
