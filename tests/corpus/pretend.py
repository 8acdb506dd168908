"""Pretended guests for the tests of minimizing a corpus, and cases that hold more than they need."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from attrs import define, field

from tests.minimize.pretend import PLUG, device, interface
from usbfuzz.case.model import Case
from usbfuzz.case.parts import parts
from usbfuzz.corpus.known import keys_of
from usbfuzz.errors import QemuError
from usbfuzz.jobs.corpus.messages import Keys, Ran, Trial

from .made import blocks

ONE, TWO = "debian:5.10.223-1", "debian:6.1.1-1"
RELEASE = "5.10.0-32-made"


def marker(number: int) -> bytes:
    return bytes((5, 0x41, 0xE0, number, 0x1B))


def fat(*some: int, padding: int = 12, wide: int = 1) -> Case:
    """A case that reaches these blocks, and holds much that is not needed for it."""
    under = [marker(number) for number in some] + [bytes((6, 0x42, 1, 2, 3, 4))] * padding
    strings = ((1, b"\x0a\x03a\0b\0c\0d\0"),)
    spec = device(*(interface(number, *under) for number in range(wide)), strings=strings)
    return Case((spec,), PLUG, title=f"fat {some}")


def reached_by(case: Case) -> set[int]:
    """Block 0 by any device, the others by their markers."""
    raws = [raw for spec in case.devices for _, raw in parts(spec)]
    return {0 for _ in case.devices} | {number for number in range(1, 9) if any(marker(number) in raw for raw in raws)}


@define
class PretendPool:
    """Guests of a kernel; ``rule`` says what a case reaches. They are gone after ``lives`` runs."""

    rule: Callable[[Case], set[int]] = reached_by
    lives: int = 1_000_000
    lanes: int = 2
    only_fresh: frozenset[int] = frozenset()  #: what runs in fresh guests alone
    only_used: frozenset[int] = frozenset()  #: what runs in others alone
    crashing: Callable[[Case], bool] = lambda _: False
    late: Callable[[Case], bool] = lambda _: False  #: whether no run of a case can be believed
    seen: bool = True
    before: Callable[[Case], None] = lambda _: None
    trials: list[Trial] = field(factory=list)

    async def run(self, trial: Trial) -> Ran | None:
        self.lives -= 1
        if self.lives < 0:
            raise QemuError("gone")
        self.before(trial.case)
        self.trials.append(trial)
        await asyncio.sleep(0)
        reached = set() if self.late(trial.case) else self.rule(trial.case)
        reached -= self.only_used if trial.fresh else self.only_fresh
        keys: dict[tuple[str, str], tuple[int, ...]] = {
            place: tuple(sorted(some)) for place, some in keys_of(blocks(reached))
        }
        if trial.wanted:
            wanted = {(module, section): some for module, section, some in trial.wanted}
            keys = {place: tuple(key for key in some if key in wanted.get(place, ())) for place, some in keys.items()}
        told: Keys = tuple((*place, some) for place, some in sorted(keys.items()) if some)
        return Ran(told, self.crashing(trial.case), self.late(trial.case), seen=self.seen)

    async def close(self) -> None:
        pass
