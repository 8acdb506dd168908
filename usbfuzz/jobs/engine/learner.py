"""Learns what one driver wants to hear: the drafts that get furthest are looked into first."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from attrs import define, field, frozen

from strategies.learning.coloured import coloured
from strategies.learning.derived import PAINTS, derived, unclear
from strategies.learning.draft import Change, Draft
from strategies.learning.operands import Before, Paint, changes, pairs, shape_changes
from strategies.learning.parts import CONFIGURATION, DEVICE
from usbfuzz.case.model import Case

from .desk import Seen
from .waiting import Waiting

__all__ = ["Known", "Learner", "Limits", "Looks"]

Run = Callable[[Case], Awaitable[Seen]]
_SHAPES = 6  #: drafts of a driver whose descriptors are looked into
_CLOSER = 6  #: drafts of a driver that are run in more paints, each of which costs a run
_STEPS = 24  #: drafts of a driver that are looked into although they reached no new code
_SHAPE_STEPS = 12  #: the same, with another descriptor
_PAIRED = 4  #: drafts of a driver that are changed in two places at once
_COLOURED = 8  #: the paint of a draft whose descriptors are coloured: one that no other run of it has


def _worth(row: Known | tuple[Known, object]) -> tuple[bool, int]:
    return (row if isinstance(row, Known) else row[0]).worth


@frozen
class Limits:
    """When a driver has had its share."""

    runs: int = 300
    seconds: float = 120.0  #: wall time
    crashes: int = 6  #: runs that end in one: each costs as much as many others


@frozen(eq=False)
class Looks:
    """How a case is run, and of which modules the code is looked at."""

    modules: frozenset[str]
    run: Run
    core: Run | None = None  #: runs it by itself, and sees what the USB core compares as well


@frozen(eq=False)
class Known:
    """A draft, and what its first paint showed."""

    draft: Draft
    seen: Seen
    new: bool = False  #: it reached code that no other had

    @property
    def worth(self) -> tuple[bool, int]:
        """Whether the driver bound, and how much of it ran."""
        return self.seen.bound, len(self.seen.blocks)


@define(eq=False)
class Learner:
    """Tries changes to drafts of one driver's devices, and keeps those that reach code no other draft has.

    Where none does, it goes on from those after which the driver compared something else, and then with two at a time.
    """

    looks: Looks
    limits: Limits = field(factory=Limits)
    looking: Callable[[frozenset[str]], Looks] | None = None  #: what looks at the code of more modules
    declared: Sequence[str] = ()  #: firmware that the driver may ask for without a word when it gets none
    known: list[Known] = field(factory=list, init=False)  #: each reached something first, in that order
    reached: set[int] = field(factory=set, init=False)  #: addresses of blocks
    first: int = field(default=0, init=False)  #: blocks that ran before anything was learned
    runs: int = field(default=0, init=False)
    crashes: list[tuple[str, Case]] = field(factory=list, init=False)  #: titles, and the cases
    _open: Waiting[Known] = field(factory=lambda: Waiting(_worth), init=False)
    _tried: set[tuple[object, ...]] = field(factory=set, init=False)
    _deadline: float = field(default=0.0, init=False)
    _shapes: list[Known] = field(factory=list, init=False)  #: whose descriptors were looked into
    #: Drafts with another descriptor, which led nowhere alone.
    _shape_steps: Waiting[Known] = field(factory=lambda: Waiting(_worth, _SHAPE_STEPS), init=False)
    #: Drafts of which something is unclear, with what their second paint showed.
    _unclear: Waiting[tuple[Known, Paint]] = field(factory=lambda: Waiting(_worth, _CLOSER), init=False)
    _drafts: Sequence[Draft] = field(default=(), init=False)  #: to begin with
    _coloured: set[tuple[bytes, bytes]] = field(factory=set, init=False)  #: descriptors that were run in colours
    _before: Before = field(factory=Before, init=False)  #: what was compared in the first paint of any draft
    #: Drafts that had something else compared, and reached nothing new.
    _steps: Waiting[Known] = field(factory=lambda: Waiting(_worth, _STEPS), init=False)
    #: Drafts with the changes to them that led nowhere alone.
    _dead: Waiting[tuple[Known, list[Change]]] = field(factory=lambda: Waiting(_worth, _PAIRED), init=False)

    async def learn(self, drafts: Sequence[Draft]) -> None:
        """Begin with ``drafts`` and go on until nothing gets further, or the limits are reached."""
        self._deadline = time.monotonic() + self.limits.seconds
        self._drafts = drafts
        for draft in drafts:
            await self._try(draft)
        self.first = len(self.reached)
        while not self._over():
            if (known := self._open.furthest() or self._steps.first()) is not None:
                await self._look_into(known)
            elif (doubtful := self._unclear.furthest()) is not None:
                await self._look_closer(*doubtful)
            elif (unasked := self._with_declared()) is not None:
                await self._try(unasked)
            elif not self.bound and self.looking is not None:
                await self._look_wider()
            elif (shape := self._next_shape()) is not None:
                await self._look_into_shape(shape)
            elif not self.bound and (dead := self._dead.furthest()) is not None:
                await self._try_pairs(*dead)
            else:
                break

    @property
    def best(self) -> Known | None:
        """The draft that got furthest."""
        return max(self.known, key=lambda known: known.worth, default=None)

    @property
    def bound(self) -> bool:
        """Whether the driver took a draft."""
        return any(known.seen.bound for known in self.known)

    def _over(self) -> bool:
        spent = self.runs >= self.limits.runs or len(self.crashes) >= self.limits.crashes
        return spent or time.monotonic() > self._deadline

    async def _run(self, draft: Draft, paint: int) -> Seen:
        self.runs += 1
        case = draft.case(paint)
        seen = await self.looks.run(case)
        if seen.title:
            self.crashes.append((seen.title, case))
        return seen

    async def _try(self, draft: Draft) -> Known:
        """Run a draft, and keep it if it reached anything new."""
        seen = await self._run(draft, 0)
        first = not self.known and not seen.title  # of a driver whose own code does not run at all, too
        known = Known(draft, seen, first or not seen.blocks <= self.reached)
        if known.new:
            self.reached |= seen.blocks
            self.known.append(known)
            self._open.add(known)
        elif draft.changes and not seen.title and self._before.news(draft.changes[-1], seen.compared):
            self._steps.add(known)
        self._before.add(seen.compared)
        return known

    async def _look_into(self, known: Known) -> None:
        """Answer what the driver asked and nobody answered; then try what its comparisons say."""
        fuller = known.draft.answering(known.seen.asked, known.seen.polled, known.seen.missed)
        if fuller is not known.draft:
            seen = await self._run(fuller, 0)
            self.reached |= seen.blocks
            if not seen.title:
                known = Known(fuller, seen)
                self.known.append(known)
        second = await self._run(known.draft, 1)
        if known.draft.changes and len(second.blocks) < len(known.seen.blocks):
            # What was learned last holds for the other bytes of that answer only: a checksum of them, perhaps.
            fixed = known.draft.fixed(known.draft.changes[-1].key, 0)
            again = await self._run(fixed, 1)
            if len(again.blocks) > len(second.blocks):
                known, second = Known(fixed, known.seen), again
                self.known.append(known)
        paints = Paint(0, known.draft, known.seen.compared), Paint(1, known.draft, second.compared)
        if unclear(*paints):
            self._unclear.add((known, paints[1]))
        found = changes(*paints)
        if (told := await self._in_colours(known)) is not None:
            found += changes(paints[0], told)
        self._put_off(known, await self._try_all(known, found))

    async def _in_colours(self, known: Known) -> Paint | None:
        """Run a draft with colours in its descriptors; None when that was done with the same descriptors."""
        parts = known.draft.parts
        descriptors = parts[DEVICE].data, parts[CONFIGURATION].data
        if descriptors in self._coloured:
            return None
        self._coloured.add(descriptors)
        draft = coloured(known.draft)
        seen = await self._run(draft, _COLOURED)
        return None if seen.title else Paint(_COLOURED, draft, seen.compared)

    async def _look_wider(self) -> None:
        """Begin again with all code that runs for this driver alone, if there is more than was looked at."""
        looking, self.looking = self.looking, None
        if looking is None or self.best is None or self.looks.core is None:
            return
        core, draft = self.looks.core, self.best.draft
        # Twice each: timers of other modules come and go.
        mine = [await core(draft.case(paint)) for paint in (0, 1)]
        strange = [await core(draft.strange.case(paint)) for paint in (0, 1)]
        self.runs += 4
        if any(seen.title for seen in (*mine, *strange)) or any(seen.bound for seen in strange):
            return
        more = frozenset.intersection(*(seen.ran for seen in mine)).difference(*(seen.ran for seen in strange))
        if more <= self.looks.modules:
            return
        self.looks = looking(more)
        for draft in self._drafts:
            await self._try(draft)

    async def _look_closer(self, known: Known, second: Paint) -> None:
        """Run a draft of which something is unclear in more paints, and try what they say."""
        paints = [Paint(0, known.draft, known.seen.compared), second]
        for number in range(2, PAINTS):
            seen = await self._run(known.draft, number)
            if seen.title:
                return
            paints.append(Paint(number, known.draft, seen.compared))
        self._put_off(known, await self._try_all(known, derived(paints)))

    async def _try_all(self, known: Known, found: Iterable[Change], *, until_bound: bool = False) -> list[Known]:
        """Make one change after the other; the drafts that led nowhere, and none when it was enough before the end."""
        nowhere = []
        for change in found:
            if self._over() or (until_bound and self.bound):
                return []
            if self._is_new(known, change) and not (tried := await self._try(known.draft.changed(change))).new:
                nowhere.append(tried)
        return nowhere

    def _put_off(self, known: Known, nowhere: Sequence[Known]) -> None:
        """Keep changes that led nowhere alone, for two at a time."""
        if len(nowhere) > 1:
            self._dead.add((known, [tried.draft.changes[-1] for tried in nowhere]))

    async def _try_pairs(self, known: Known, dead: Sequence[Change]) -> None:
        """Make two changes at once to a draft of which several led nowhere alone."""
        for first, second in pairs(dead):
            if self._over() or (await self._try(known.draft.changed_twice(first, second))).new:
                return

    def _with_declared(self) -> Draft | None:
        """The furthest draft with all firmware that the driver declares, once, while the driver takes none."""
        names, self.declared = self.declared, ()
        if self.bound or self.best is None:
            return None
        draft = self.best.draft.answering({}, {}, names)
        return None if draft is self.best.draft else draft

    def _next_shape(self) -> Known | None:
        """The furthest draft whose descriptors were not looked into, while the driver takes none; only a few are.

        Then those with another descriptor, likely ones first: the core may look for one endpoint after the other.
        """
        if self.looks.core is None or self.bound:
            return None
        left = [known for known in self.known if known not in self._shapes]
        if left and len(self._shapes) < _SHAPES:
            return max(left, key=lambda known: known.worth)
        return self._shape_steps.first()

    async def _look_into_shape(self, known: Known) -> None:
        """Try other descriptors: those that the USB core was asked for and did not find."""
        core = self.looks.core
        assert core is not None
        self._shapes.append(known)
        strange = await core(known.draft.strange.case(0))
        mine = await core(known.draft.case(0))
        self.runs += 2
        if strange.bound or strange.title or mine.title:
            return
        found = shape_changes(known.draft, mine.compared, strange.compared)
        nowhere = [tried for tried in await self._try_all(known, found, until_bound=True) if not tried.seen.title]
        self._shape_steps.add(*nowhere)
        self._put_off(known, nowhere)

    def _is_new(self, known: Known, change: Change) -> bool:
        """Whether the change was not tried yet on bytes like these."""
        before = known.draft.parts[change.key].data[change.offset : change.offset + len(change.value)]
        tried = (change.because, change.key, change.offset, change.value, change.length, before)
        if tried in self._tried:
            return False
        self._tried.add(tried)
        return True
