"""Where learners hand in the runs they want: one guest takes those of drivers that share no code side by side."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define, field, frozen

from harness.channel.events import Completed, Submitted
from harness.guest.probe.compares import Comparisons, How
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome
from harness.lane.stage import places
from strategies.learning.draft import Read, read_of
from strategies.learning.operands import Compared
from usbfuzz.case.model import Case
from usbfuzz.errors import GuestError
from usbfuzz.wire import TransferType

__all__ = ["Crashed", "Desk", "Seen"]

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


@frozen(eq=False)
class _Wish:
    driver: str
    modules: frozenset[str]
    case: Case
    seen: asyncio.Future[Seen]
    alone: bool = False


@define(eq=False)
class Desk:
    """One lane, whose rounds are made of what learners wait for."""

    lane: Lane  #: opened to see comparisons, and recording
    learners: int  #: that hand in runs, each one at a time
    keep: Crashed  #: saves the crash that a round ended in
    _wishes: list[_Wish] = field(factory=list, init=False)
    _more: asyncio.Event = field(factory=asyncio.Event, init=False)

    async def run(self, driver: str, modules: frozenset[str], case: Case) -> Seen:
        """Have a case run, in which the code of ``modules`` is looked at; the first is ``driver``'s own."""
        wish = _Wish(driver, modules, case, asyncio.get_running_loop().create_future())
        self._wishes.append(wish)
        self._more.set()
        return await wish.seen

    def left(self) -> None:
        """One learner has ended."""
        self.learners -= 1
        self._more.set()

    async def serve(self) -> None:
        """Run rounds while there are learners; raises GuestError and InfraError when the guest cannot go on."""
        while self.learners:
            if len(self._wishes) < min(self.learners, self.lane.config.ports):
                self._more.clear()
                await self._more.wait()
                continue
            await self._round(self._chosen())

    def _chosen(self) -> list[_Wish]:
        """The wishes of the next round, the oldest first: no two that look at the same module."""
        chosen: list[_Wish] = []
        taken: set[str] = set()
        for wish in self._wishes:
            if len(chosen) == self.lane.config.ports or (chosen and (wish.alone or chosen[0].alone)):
                break
            if taken.isdisjoint(wish.modules):
                chosen.append(wish)
                taken |= wish.modules
        self._wishes = [wish for wish in self._wishes if wish not in chosen]
        return chosen

    async def _round(self, wishes: Sequence[_Wish]) -> None:
        cases = [wish.case for wish in wishes]
        self.lane.arm(frozenset().union(*(wish.modules for wish in wishes)))
        try:
            outcome = await self.lane.run_round(cases)
        except GuestError:
            await self.lane.restore()
            outcome = None
        if outcome is not None and outcome.reports:
            self.keep(cases, outcome, wishes[0].alone)
        if outcome is None or outcome.restored:  # an answer that came late is no matter: what ran is what ran
            self._again(wishes, outcome)
            return
        placing = places(cases, self.lane.config.ports) or []
        for wish, ports in zip(wishes, placing, strict=True):
            wish.seen.set_result(_seen(outcome, wish, frozenset(ports.values())))

    def _again(self, wishes: Sequence[_Wish], outcome: Outcome | None) -> None:
        """The round ended in a crash: each case of it runs alone, and only once more."""
        if len(wishes) > 1:
            self._wishes[:0] = [_Wish(wish.driver, wish.modules, wish.case, wish.seen, alone=True) for wish in wishes]
            return
        title = (outcome.title if outcome is not None else "") or "the guest was lost"
        wishes[0].seen.set_result(Seen(title=title))


def _seen(outcome: Outcome, wish: _Wish, ports: frozenset[int]) -> Seen:
    asked, polled = _requests(outcome, ports)
    covered = outcome.covered
    blocks: frozenset[int] = frozenset()
    if covered is not None:
        names = covered.module_names()
        blocks = frozenset(
            start for start, name in zip(covered.starts.tolist(), names, strict=True) if name in wish.modules
        )
    drivers = {} if covered is None else covered.drivers
    bound = any(drivers.get(binding.driver) == wish.driver for binding in outcome.bindings)
    compared = () if outcome.compared is None else tuple(_compared(outcome.compared, wish.modules))
    return Seen(blocks, compared, asked, polled, bound)


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
