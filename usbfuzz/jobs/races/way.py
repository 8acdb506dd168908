"""One way to have a guest's processors take turns, made from a number."""

from __future__ import annotations

import random

from attrs import evolve, frozen

from harness.guest.kernels.configured import configured
from harness.guest.kernels.model import Kernel
from usbfuzz.case.model import SHIFT, Case, GuestNeeds, Schedule

__all__ = ["Way", "schedule_of", "schedules", "way"]

#: Kinds of guests: processors, whether the kernel switches tasks anywhere, and log2 of an instruction's nanoseconds.
_GUESTS = ((2, False, SHIFT), (4, False, SHIFT), (2, True, SHIFT), (1, False, SHIFT), (2, False, 5), (2, False, 3))
#: So many seeds in a row share a kind, which is booted once.
_IN_A_ROW = 8
_TURNS = 0.8  #: of the schedules, those that set the length of turns
#: Guest microseconds of a turn: of shorter ones a guest that idles would cost more than all else; at most a tick.
_TURNS_US = (500, 4000)
_MOST_LATE = 40  #: messages to the guest and back
_FULL = "preempt=full"


@frozen
class Way:
    """How the guest of a case is booted and scheduled; ``seed`` 0 is the case as it is."""

    seed: int
    needs: GuestNeeds

    @property
    def processors(self) -> int:
        """How many the guest has."""
        return self.needs.processors

    @property
    def schedule(self) -> Schedule:
        """How they take turns."""
        return self.needs.schedule

    @property
    def preempted(self) -> bool:
        """Whether the kernel is to switch tasks anywhere."""
        return _FULL in self.needs.kernel_params

    def of(self, case: Case) -> Case:
        """The case, run this way."""
        return evolve(case, guest=self.needs)

    def impossible(self, kernel: Kernel) -> str:
        """Why there is no such guest of this kernel; "" when there is."""
        if self.preempted:
            can = configured(kernel, "PREEMPT_DYNAMIC", "PREEMPT")
            if can is None:
                return f"{_FULL}: {kernel.name} has no .config that says whether it can"
            if not can:
                return f"{_FULL}: {kernel.name} was built without PREEMPT_DYNAMIC"
        if self.processors == 1 and self.schedule.turn_us:
            return "turn_us: one processor takes no turns"
        return ""

    def __str__(self) -> str:
        usual = Schedule()
        words = [f"{self.processors} processor{'s' * (self.processors > 1)}", *([_FULL] if self.preempted else [])]
        schedule = self.schedule
        words += [f"shift {schedule.shift}"] if schedule.shift != usual.shift else []
        words += [f"turns of {schedule.turn_us} us"] if schedule.turn_us else []
        words += [f"{schedule.late} messages late"] if schedule.late else []
        return ", ".join(words)


def way(case: Case, seed: int, processors: int | None = None) -> Way:
    """The way of a number, always the same; ``processors``: so many instead of what the number says."""
    needs = case.guest
    if not seed:
        return Way(0, needs if processors is None else evolve(needs, processors=processors))
    count, preempted, shift = _GUESTS[(seed - 1) // _IN_A_ROW % len(_GUESTS)]
    params = tuple(word for word in needs.kernel_params if not word.startswith("preempt="))
    return Way(
        seed,
        evolve(
            needs,
            kernel_params=(*params, _FULL) if preempted else params,
            processors=count if processors is None else processors,
            schedule=schedule_of(seed, count, shift),
        ),
    )


def schedule_of(seed: int, processors: int, shift: int = SHIFT) -> Schedule:
    """The schedule of a number, always the same; without turns where there is one processor."""
    dice = random.Random(seed)
    low, high = _TURNS_US
    turn = round(low * (high / low) ** dice.random())
    late = dice.choice((0, 0, dice.randint(1, _MOST_LATE)))
    takes_turns = dice.random() < _TURNS and processors > 1
    return Schedule(shift=shift, turn_us=turn if takes_turns else 0, late=late)


def schedules(case: Case, count: int) -> list[Case]:
    """The case under the first ``count`` schedules; they need no other guest than it has."""
    needs = case.guest
    made = (schedule_of(seed, needs.processors, needs.schedule.shift) for seed in range(1, count + 1))
    return [evolve(case, guest=evolve(needs, schedule=schedule)) for schedule in made]
