"""What the next cases of a campaign are to be: shares of the sources, and energy of the drivers."""

from __future__ import annotations

from enum import Enum

from attrs import field, frozen

__all__ = ["LEARNED", "Plan", "Source"]

LEARNED = ", learned"  #: how the strategy of a fresh case ends that answers as was learned


class Source(Enum):
    """Where a case comes from; values are the words of the page."""

    FRESH = "fresh"  #: drawn by Hypothesis
    LEARNED = "learned"  #: the same, answering as was learned of its driver
    SWEEP = "sweep"  #: one field of a device changed, as boofuzz does
    HAVOC = "havoc"  #: a case of the corpus with a few changes
    SPLICE = "splice"  #: two cases of the corpus made one
    LEARNING = "learning"  #: devices that tell what a driver compares
    CORPUS = "corpus"  #: a case of the corpus that this kernel has not seen

    @classmethod
    def of(cls, strategy: str) -> Source:
        """The source of a case that names this strategy (``Provenance.strategy``)."""
        if strategy.endswith("field sweep"):
            return cls.SWEEP
        if strategy.endswith(LEARNED):
            return cls.LEARNED
        return {"havoc": cls.HAVOC, "splice": cls.SPLICE, "learning": cls.LEARNING}.get(strategy, cls.FRESH)


@frozen
class Plan:
    """How the next cases are to be chosen; weights are relative to each other."""

    sources: dict[Source, float] = field(factory=dict)
    modules: dict[str, float] = field(factory=dict)  #: drivers that the devices are made for
    learning: float = 0.0  #: the share of a lane's time for lessons
