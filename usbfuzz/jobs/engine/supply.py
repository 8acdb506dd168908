"""Makes the cases that a plan asks for, out of fresh devices and out of the corpus."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, evolve, field, frozen

from strategies.cases import cases_of
from strategies.dice import Dice, Weighted
from strategies.fields import FieldSweep
from strategies.firmware import with_firmware
from strategies.generate import derive, drawn, swept
from strategies.identities import Identities
from strategies.mutate import havoc_case, splice_cases
from strategies.mutate.identity import driver_of
from strategies.palette import Palette
from usbfuzz.case.model import Case

from .plan import LEARNED, Plan, Source
from .pool import Pool

__all__ = ["NEEDS_CORPUS", "GuidedSupply", "Supplied"]

#: Sources that change what is in the corpus.
NEEDS_CORPUS = frozenset({Source.SWEEP, Source.HAVOC, Source.SPLICE})
_SCALE = 1_000_000  #: weights are whole numbers
#: How broken the devices of the sources are that draw them.
_SEVERITIES = {Source.FRESH: ("plain",), Source.BROKEN: ("light", "heavy")}
_WITH_FIRMWARE = 0.7  #: of fresh devices whose driver asks for some; the others show what it does without
_SWEEPS = 64  #: over entries that are remembered


@frozen(eq=False)
class Supplied:
    """A case, where it comes from, and the driver it was made for."""

    case: Case
    source: Source
    module: str


@define(eq=False)
class GuidedSupply:
    """Cases of one campaign. What is made depends on the seed, the numbers, the plan and the corpus."""

    seed: int
    identities: Identities
    pool: Pool
    _sweeps: dict[str, tuple[FieldSweep, int]] = field(factory=dict, init=False)  #: entry: its sweep, and how far it is
    _met: set[str] = field(factory=set, init=False)  #: drivers that were given a device as it was learned

    def cases(self, first: int, count: int, plan: Plan) -> Iterator[Supplied]:
        """Cases ``first`` to ``first + count - 1``."""
        dice = Dice(derive(self.seed, "guided", first))
        weights = Weighted({source: int(_SCALE * share) + 1 for source, share in self._usable(plan).items()})
        wanted = [dice.weighted(weights) for _ in range(count)]
        palette = Palette(self.identities, plan.modules)
        drawn_of = {source: iter(self._drawn(palette, first, source, wanted.count(source))) for source in _SEVERITIES}
        for source in wanted:
            match source:
                case Source.SWEEP:
                    yield self._swept(dice, plan)
                case Source.HAVOC:
                    yield self._havoc(dice, plan)
                case Source.SPLICE:
                    yield self._splice(dice, plan)
                case _:
                    yield next(drawn_of[source])

    def _usable(self, plan: Plan) -> dict[Source, float]:
        """The shares of the sources that there are cases of."""
        usable = {*_SEVERITIES, *(NEEDS_CORPUS if len(self.pool) else ())}
        found = {source: share for source, share in plan.sources.items() if source in usable}
        return found or {Source.FRESH: 1.0}

    def _drawn(self, palette: Palette, first: int, source: Source, count: int) -> list[Supplied]:
        """Cases that Hypothesis draws; the first plain one for a driver that was learned is as it was learned."""
        made: list[Case] = []
        attempt = 0
        while len(made) < count:
            strategy = cases_of(palette, _SEVERITIES[source])
            made += drawn(strategy, derive(self.seed, source.value, first, attempt), count - len(made))
            attempt += 1
        dice = Dice(derive(self.seed, "firmware", source.value, first))
        found = [
            with_firmware(dice, case, self.identities) if dice.chance(_WITH_FIRMWARE) else case for case in made[:count]
        ]
        supplied = [self._supplied(case, Source.of(case.provenance)) for case in found]
        return [self._first_as_learned(each) for each in supplied] if source is Source.FRESH else supplied

    def _first_as_learned(self, made: Supplied) -> Supplied:
        """In place of the first fresh case for a driver: the device that got furthest with it, as it was learned.

        Of the fresh ones of such a driver a third answer so and are not broken: some drivers would wait long.
        """
        learned = self.identities.learned.get(made.module)
        if made.module in self._met or learned is None or not learned.devices:
            return made
        self._met.add(made.module)
        case = learned.devices[0].draft.case(derive(self.seed, made.module))
        strategy = f"{made.case.provenance.strategy.removesuffix(LEARNED)}{LEARNED}"
        provenance = evolve(made.case.provenance, strategy=strategy, notes="as it was learned")
        case = evolve(case, title=f"{case.devices[0].name}, as learned", provenance=provenance)
        return Supplied(case, Source.LEARNED, made.module)

    def _swept(self, dice: Dice, plan: Plan) -> Supplied:
        """The next step of the sweep over one device of the corpus."""
        entry = self.pool.pick(dice, plan.modules)
        begun = self._sweeps.pop(entry.name) if entry.name in self._sweeps else None
        sweep, step = begun or (FieldSweep(entry.case.devices[0]), 0)
        self._sweeps[entry.name] = sweep, step + 1
        if len(self._sweeps) > _SWEEPS:
            self._sweeps.pop(next(iter(self._sweeps)))
        if not len(sweep):  # a device without descriptors
            return self._havoc(dice, plan)
        return self._bred(swept("corpus", sweep, step), Source.SWEEP, entry.name)

    def _havoc(self, dice: Dice, plan: Plan) -> Supplied:
        entry = self.pool.pick(dice, plan.modules)
        return self._bred(havoc_case(dice, entry.case, self.identities), Source.HAVOC, entry.name)

    def _splice(self, dice: Dice, plan: Plan) -> Supplied:
        one, other = self.pool.pick(dice, plan.modules), self.pool.pick(dice, plan.modules)
        return self._bred(
            splice_cases(dice, one.case, other.case, self.identities), Source.SPLICE, one.name, other.name
        )

    def _bred(self, case: Case, source: Source, *parents: str) -> Supplied:
        """A case made of others, which its notes name."""
        notes = "; ".join(filter(None, (f"from {' and '.join(parents)}", case.provenance.notes)))
        return self._supplied(evolve(case, provenance=evolve(case.provenance, notes=notes)), source)

    def _supplied(self, case: Case, source: Source) -> Supplied:
        return Supplied(case, source, driver_of(case, self.identities))
