"""Which campaigns are compared, and where each is kept."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from attrs import frozen

from usbfuzz.errors import InputError

__all__ = ["Planned", "Side", "Wanted", "checked_arguments"]

#: Options of ``usbfuzz fuzz`` that are the benchmark's to give.
_OURS = (
    "-k",
    "--kernel",
    "-t",
    "--time",
    "-c",
    "--cases",
    "-s",
    "--seed",
    "-o",
    "--out",
    "--guided",
    "--unguided",
    "--from",
    "--from-nothing",
)


class Side(Enum):
    """How cases are chosen; values are the words of the table and the names of directories."""

    GUIDED = "guided"
    UNGUIDED = "unguided"


@frozen
class Planned:
    """One campaign."""

    side: Side
    seed: int
    directory: Path

    @property
    def name(self) -> str:
        """What it is called, in messages and in the directory."""
        return f"{self.side.value}-{self.seed}"

    @property
    def log(self) -> Path:
        """What its command printed."""
        return self.directory.with_suffix(".log")


@frozen
class Wanted:
    """What is to be measured."""

    kernel: str  #: the name of a kernel
    seconds: float  #: of each campaign
    seeds: int  #: campaigns of each side
    out: Path
    unguided: bool = False  #: measure campaigns that nothing guides as well
    arguments: tuple[str, ...] = ()  #: further ones of ``usbfuzz fuzz``

    @property
    def sides(self) -> tuple[Side, ...]:
        """Those that are compared."""
        return tuple(Side) if self.unguided else (Side.GUIDED,)

    @property
    def campaigns(self) -> tuple[Planned, ...]:
        """All campaigns, sides in turn: what else the machine does strikes both alike."""
        return tuple(
            Planned(side, seed, self.out / f"{side.value}-{seed}")
            for seed in range(1, self.seeds + 1)
            for side in self.sides
        )


def checked_arguments(arguments: Sequence[str]) -> tuple[str, ...]:
    """What is handed on to ``usbfuzz fuzz``; raises InputError for options that the benchmark gives itself."""
    for word in arguments:
        if word.partition("=")[0] in _OURS or (word[:1] == "-" and word[1:2] != "-" and word[:2] in _OURS):
            raise InputError(f"{word}: is an option of the benchmark's own; give it before --, or leave it out")
    return tuple(arguments)
