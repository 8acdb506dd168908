"""Where learners hand in the runs they want: one guest takes those of drivers that share no code side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from attrs import define, field, frozen

from harness.channel.events import Completed, Submitted
from harness.guest.probe.compares import Comparisons, How
from harness.lane.config import LaneConfig
from harness.lane.firmware import missed_by
from harness.lane.outcome import Outcome
from harness.lane.stage import places
from strategies.learning.operands import Compared
from strategies.learning.parts import Read, read_of
from usbfuzz.case.model import Case
from usbfuzz.errors import GuestError
from usbfuzz.wire import TransferType

__all__ = ["Crashed", "Desk", "DeskLane", "Seen", "Sitting"]

#: The cases of a round, how it ended, whether the case (it is one then) is run again after a round with it crashed.
Crashed = Callable[[Sequence[Case], Outcome, bool], None]


@frozen(eq=False)
class Seen:
    """What one run showed of one driver."""

    blocks: frozenset[int] = frozenset()  #: addresses of the blocks of its code that ran
    compared: tuple[Compared, ...] = ()  #: what that compared
    asked: Mapping[Read, int] = field(factory=dict)  #: requests of its own that read, and how many bytes each wanted
    polled: Mapping[int, int] = field(factory=dict)  #: IN endpoints, and how many packets of each were asked for
    bound: bool = False  #: it took the device
    title: str = ""  #: of the crash in which the run ended
    missed: tuple[str, ...] = ()  #: firmware that it asked for and did not get
    ran: frozenset[str] = frozenset()  #: modules of which anything ran in that round, for whichever device


@frozen(eq=False)
class _Wish:
    driver: str
    modules: frozenset[str]
    case: Case
    seen: asyncio.Future[Seen]
    alone: bool = False  #: again, as a round with it crashed
    solo: bool = False  #: what it shows would not be told from what others do

    @property
    def by_itself(self) -> bool:
        """No other case is in its round."""
        return self.alone or self.solo


@frozen(eq=False)
class Sitting:
    """One round of what learners waited for."""

    cases: tuple[Case, ...]
    drivers: tuple[str, ...]  #: for which they are
    alone: bool  #: the case (it is one then) runs again, because a round with it crashed
    outcome: Outcome | None  #: None: the guest was lost


class DeskLane(Protocol):
    """The part of a lane that is needed here; it sees comparisons, and records what devices and guest say."""

    @property
    def config(self) -> LaneConfig:
        """What the lane was opened with."""

    @property
    def armable(self) -> frozenset[str]:
        """The modules that the guest has loaded."""

    def arm(self, modules: Iterable[str]) -> None:
        """Have outcomes say what these modules compare; none: do not."""

    async def run_round(self, cases: Sequence[Case]) -> Outcome:
        """Run cases side by side, each on ports of its own."""

    async def restore(self) -> None:
        """Put the guest back to its snapshot."""


@define(eq=False)
class Desk:
    """One lane, whose rounds are made of what learners wait for."""

    lane: DeskLane
    learners: int = 0  #: that hand in runs, each one at a time
    _wishes: list[_Wish] = field(factory=list, init=False)
    _more: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def run(self, driver: str, modules: frozenset[str], case: Case, *, solo: bool = False) -> Seen:
        """Have a case run, in which the code of ``modules`` is looked at; ``solo``: with no other in the guest."""
        wish = _Wish(driver, modules, case, asyncio.get_running_loop().create_future(), solo=solo)
        self._wishes.append(wish)
        self._more.set()
        return await wish.seen

    def left(self) -> None:
        """One learner has ended."""
        self.learners -= 1
        self._more.set()

    async def serve(self, keep: Crashed) -> None:
        """Run rounds while there are learners, and save what they end in.

        Raises GuestError and InfraError when the guest cannot go on.
        """
        while self.learners:
            await self._until(self.lane.config.ports)
            if self._wishes:
                sitting = await self.sit()
                if sitting.outcome is not None and sitting.outcome.reports:
                    keep(sitting.cases, sitting.outcome, sitting.alone)

    async def settled(self) -> bool:
        """Wait until each learner has handed in what it wants next, or has ended; whether there is any left."""
        await self._until(self.learners)
        return bool(self._wishes)

    async def sit(self) -> Sitting:
        """Run one round of what is waited for, of which there must be some."""
        wishes = self._chosen()
        outcome = await self._round(wishes)
        cases, drivers = tuple(wish.case for wish in wishes), tuple(wish.driver for wish in wishes)
        return Sitting(cases, drivers, wishes[0].alone, outcome)

    async def _until(self, most: int) -> None:
        """Wait for ``most`` wishes, or for as many as there are learners."""
        while len(self._wishes) < min(self.learners, most):
            self._more.clear()
            await self._more.wait()

    def _chosen(self) -> list[_Wish]:
        """The wishes of the next round, the oldest first: no two that look at one module, or give files of one name."""
        chosen: list[_Wish] = []
        taken: set[str] = set()
        for wish in self._wishes:
            if len(chosen) == self.lane.config.ports or (chosen and (wish.by_itself or chosen[0].by_itself)):
                break
            claims = wish.modules.union(file.name for file in wish.case.firmware)
            if taken.isdisjoint(claims):
                chosen.append(wish)
                taken |= claims
        self._wishes = [wish for wish in self._wishes if wish not in chosen]
        return chosen

    async def _round(self, wishes: Sequence[_Wish]) -> Outcome | None:
        cases = [wish.case for wish in wishes]
        # A module that the guest has not loaded, as one that found no hardware of its own, compares nothing.
        self.lane.arm(self.lane.armable & frozenset().union(*(wish.modules for wish in wishes)))
        try:
            outcome = await self.lane.run_round(cases)
        except GuestError:
            await self.lane.restore()
            outcome = None
        if outcome is None or outcome.restored:  # an answer that came late is no matter: what ran is what ran
            self._again(wishes, outcome)
            return outcome
        placing = places(cases, self.lane.config.ports) or []
        for wish, ports in zip(wishes, placing, strict=True):
            if not wish.seen.done():  # its learner may have been ended
                wish.seen.set_result(_seen(outcome, wish, frozenset(ports.values())))
        return outcome

    def _again(self, wishes: Sequence[_Wish], outcome: Outcome | None) -> None:
        """The round ended in a crash: each case of it runs alone, and only once more."""
        if len(wishes) > 1:
            self._wishes[:0] = [_Wish(wish.driver, wish.modules, wish.case, wish.seen, alone=True) for wish in wishes]
            return
        title = (outcome.title if outcome is not None else "") or "the guest was lost"
        if not wishes[0].seen.done():
            wishes[0].seen.set_result(Seen(title=title))


def _seen(outcome: Outcome, wish: _Wish, ports: frozenset[int]) -> Seen:
    asked, polled = _requests(outcome, ports)
    covered = outcome.covered
    blocks: frozenset[int] = frozenset()
    ran: frozenset[str] = frozenset()
    if covered is not None:
        ran = frozenset(covered.ran())
        names = covered.module_names()
        blocks = frozenset(
            start for start, name in zip(covered.starts.tolist(), names, strict=True) if name in wish.modules
        )
    took = {} if covered is None else covered.owners({binding.driver for binding in outcome.bindings})
    bound = wish.driver in took.values()
    compared = () if outcome.compared is None else tuple(_compared(outcome.compared, wish.modules))
    return Seen(blocks, compared, asked, polled, bound, missed=missed_by(outcome.console, ports), ran=ran)


def _compared(comparisons: Comparisons, modules: frozenset[str]) -> Iterable[Compared]:
    """The comparisons of some modules, as the strategies know them."""
    place_of = {int(pc): comparisons.place(int(pc)) for pc in set(comparisons.pairs["pc"].tolist())}
    for pc, left, right, how, width, _ in comparisons.pairs.tolist():
        place = place_of[pc]
        if place is not None and place.module in modules:
            yield Compared(pc, How(how).name.lower(), width, left, right, f"{place.function}+{place.offset:#x}")


def _requests(outcome: Outcome, ports: frozenset[int]) -> tuple[dict[Read, int], dict[int, int]]:
    """What the host asked the devices on these ports: the longest of each read, packets of each IN endpoint."""
    asked: dict[Read, int] = {}
    polled: Counter[int] = Counter()
    for utterance in outcome.conversation.utterances:
        if utterance.port not in ports:
            continue
        event = utterance.event
        if isinstance(event, Submitted) and event.setup is not None:
            read = read_of(event.setup)
            if read is not None:
                asked[read] = max(event.setup.wLength, asked.get(read, 0))
        elif isinstance(event, Completed) and event.endpoint is not None and _is_packet(event):
            polled[event.endpoint] += 1
    return asked, dict(polled)


def _is_packet(event: Completed) -> bool:
    """Whether it is a packet of a bulk or interrupt IN endpoint."""
    return bool(event.data) and event.type in (TransferType.BULK, TransferType.INTERRUPT)
