"""The endless, numbered supply of cases of a campaign.

Case ``n`` is a function of the seed, ``n``, the kernel's identities and what was learned of its drivers, whoever asks:
lanes take any blocks of numbers, and a number in a log brings the case back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from attrs import define, evolve
from hypothesis import HealthCheck, Phase, configuration, given, settings
from hypothesis import seed as seeded
from hypothesis.strategies import SearchStrategy

from usbfuzz.case.limits import BLOCK_CASES
from usbfuzz.case.model import Action, Case, Event, Provenance

from .cases import cases
from .devices import make_device
from .dice import Dice
from .fields import FieldSweep
from .identities import Identities
from .palette import Palette

__all__ = ["SWEEP_RUN", "derive", "drawn", "generate", "swept"]

#: Successive sweep cases that mutate one and the same device.
SWEEP_RUN = 256

_PERIOD = 20
#: Numbers modulo the period that belong to the field sweep: 15 in 100.
_SWEEPS = (6, 13, 19)

_SETTINGS = settings(
    phases=[Phase.generate],
    database=None,
    derandomize=False,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def derive(*parts: object) -> int:
    """A 64-bit seed made of ``parts``."""
    return int.from_bytes(sha256("/".join(map(str, parts)).encode()).digest()[:8], "little")


@contextmanager
def _no_state_on_disk() -> Iterator[None]:
    """Keep Hypothesis from writing a directory: even without a database it caches constants of imported modules."""
    configuration.set_hypothesis_home_dir(Path(os.devnull) / "hypothesis")
    try:
        yield
    finally:
        configuration.set_hypothesis_home_dir(None)


def drawn(strategy: SearchStrategy[Case], seed: int, most: int) -> list[Case]:
    """Cases that Hypothesis draws, ``most`` of them or a few less; the same seed, the same cases."""
    made: list[Case] = []

    @seeded(seed)
    @settings(_SETTINGS, max_examples=most)
    @given(strategy)
    def collect(case: Case) -> None:
        made.append(case)

    with _no_state_on_disk():
        collect()
    return made


@define(eq=False)
class _Supply:
    """Makes cases by number for one seed and one kernel."""

    seed: int
    palette: Palette
    strategy: SearchStrategy[Case]

    def hypothesis_block(self, block: int) -> list[Case]:
        made: list[Case] = []
        attempt = 0
        while len(made) < BLOCK_CASES:
            made += drawn(self.strategy, derive(self.seed, "block", block, attempt), BLOCK_CASES)
            attempt += 1
        return made[:BLOCK_CASES]

    def swept_device(self, run: int) -> tuple[str, FieldSweep]:
        dice = Dice(derive(self.seed, "sweep", run))
        kind = dice.weighted(self.palette.shares)
        return kind, FieldSweep(make_device(dice, self.palette, kind))

    def cases(self, first: int, count: int) -> Iterator[Case]:
        block = lru_cache(2)(self.hypothesis_block)
        device = lru_cache(2)(self.swept_device)
        for index in range(first, first + count):
            period, place = divmod(index, _PERIOD)
            before = sum(place > sweep for sweep in _SWEEPS)
            if place in _SWEEPS:
                run, step = divmod(period * len(_SWEEPS) + before, SWEEP_RUN)
                case = swept(*device(run), step)
            else:
                number = period * (_PERIOD - len(_SWEEPS)) + place - before
                case = block(number // BLOCK_CASES)[number % BLOCK_CASES]
            origin = evolve(case.provenance, source="campaign", seed=self.seed, index=index)
            yield evolve(case, provenance=origin)


def swept(kind: str, sweep: FieldSweep, step: int) -> Case:
    """The case of one step of a sweep over a device of a kind."""
    spec, note = sweep[sweep.spread(step)]
    return Case(
        devices=(spec,),
        events=(Event(Action.PLUG, 0, 0),),
        title=f"{spec.name}, {note}",
        provenance=Provenance(strategy=f"{kind} field sweep", notes=note),
    )


def generate(seed: int, first: int, count: int, identities: Identities) -> Iterator[Case]:
    """Cases ``first`` to ``first + count - 1`` of a campaign with this seed, for a kernel with these identities.

    Lazy; making a case takes a millisecond or two, but at the start of a block some hundred at once: run it outside an
    event loop.
    """
    supply = _Supply(seed, Palette(identities), cases(identities))
    return supply.cases(first, count)
