"""What the next cases of a campaign are to be: shares of the sources, and energy of the drivers."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

from usbfuzz.case.model import Provenance

__all__ = ["LEARNED", "Plan", "Source"]

LEARNED = ", learned"  #: how the strategy of a fresh case ends that answers as was learned


class Source(Enum):
    """Where a case comes from; values are the words of the page."""

    FRESH = "fresh"  #: drawn by Hypothesis, as a driver wants its devices
    BROKEN = "broken"  #: the same, with malformations
    LEARNED = "learned"  #: a fresh or broken one that answers as was learned of its driver
    SWEEP = "sweep"  #: one field of a device changed, as boofuzz does
    HAVOC = "havoc"  #: a case of the corpus with a few changes
    SPLICE = "splice"  #: two cases of the corpus made one
    LEARNING = "learning"  #: devices that tell what a driver compares
    CORPUS = "corpus"  #: a case of the corpus that this kernel has not seen

    @classmethod
    def of(cls, provenance: Provenance) -> Source:
        """The source of a case that comes from there."""
        strategy = provenance.strategy
        if strategy.endswith("field sweep"):
            return cls.SWEEP
        if strategy.endswith(LEARNED):
            return cls.LEARNED
        drawn = cls.BROKEN if provenance.notes else cls.FRESH
        return {"havoc": cls.HAVOC, "splice": cls.SPLICE, "learning": cls.LEARNING}.get(strategy, drawn)


@frozen
class Plan:
    """How the next cases are to be chosen; weights are relative to each other."""

    sources: dict[Source, float] = field(factory=dict)
    modules: dict[str, float] = field(factory=dict)  #: drivers that the devices are made for
    learning: float = 0.0  #: the share of a lane's time for lessons
