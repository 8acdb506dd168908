"""What a campaign is asked to do."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve, field, frozen

from harness.guest.probe.probing import Heap
from harness.lane.config import LaneConfig
from harness.workers.procs import usable_cores
from usbfuzz.crashes.layout import CORPUS, DEFAULT_DIRECTORY

__all__ = [
    "HEAP",
    "LEAKS",
    "RED_ZONES",
    "SLUB_DEBUG",
    "VALIDATE_EVERY",
    "CampaignOptions",
    "for_campaign",
    "with_slub_debug",
]

#: What happens at a bad access to the heap, unless a campaign is asked for something else.
HEAP = Heap.REPORT
#: Red zones and consistency checks for the heap objects drivers allocate, for a tenth of the speed.
SLUB_DEBUG = "slub_debug=FZ,kmalloc-*"
#: Red zones alone, where the probe sees every access: it sees more than the checks, and they cost more than it does.
RED_ZONES = "slub_debug=Z,kmalloc-*"
#: Rounds between slab validations then: they show what the probe does not see, as what the kernel itself overwrites.
VALIDATE_EVERY = 8
#: As SLUB_DEBUG, and what is allocated is filled with a poison, which shows when a driver sends it unwritten.
LEAKS = ("init_on_alloc=0", "slub_debug=FZP,kmalloc-*")


def with_slub_debug(kernel_params: tuple[str, ...], *, leaks: bool = False, watched: bool = False) -> tuple[str, ...]:
    """``kernel_params`` with SLUB_DEBUG, LEAKS or, where accesses to the heap are ``watched``, RED_ZONES.

    A ``slub_debug`` (or ``slab_debug``) of the user's own is kept.
    """
    named = any(word.startswith(("slub_debug", "slab_debug")) for word in kernel_params)
    ours = LEAKS if leaks else (RED_ZONES if watched else SLUB_DEBUG,)
    return (*(word for word in ours if not (named and word.startswith("slub_debug"))), *kernel_params)


def for_campaign(config: LaneConfig, *, leaks: bool = False) -> LaneConfig:
    """``config`` with what a campaign's guests are booted with, and how often their slabs are validated."""
    watched = config.sees_heap
    params = with_slub_debug(config.kernel_params, leaks=leaks, watched=watched)
    return evolve(config, kernel_params=params, validate_every=VALIDATE_EVERY if watched else 1)


@frozen
class CampaignOptions:
    """What ``usbfuzz fuzz`` was asked for; ``None`` means: no limit, or the campaign's own choice."""

    out: Path = DEFAULT_DIRECTORY
    seconds: float | None = None  #: from the first round on; then no new one starts
    cases: int | None = None  #: indices below this are run, over all runs on the same directory
    lanes: int = field(factory=usable_cores)
    seed: int | None = None
    confirm: bool = True  #: run new crashes of warped guests in real time as well, bounded
    leaks: bool = False  #: boot the guests so that a driver's leak of unwritten memory shows
    minimize: bool = True  #: make the cases of new bugs small, bounded
    learned: Path | None = None  #: directory of what was learned of drivers; None: LEARNED, if there is one
    tables: bool = True  #: what was written by hand about single drivers is used
    guided: bool = True  #: what the guest executes decides what is tried next; False: cases are what their numbers say
    corpus: Path | None = None  #: directory of cases that reached something new; None: CORPUS in ``out``
    suppress: Path | None = None  #: titles that are counted and not saved, besides those of suppress.txt in ``out``

    @property
    def out_corpus(self) -> Path:
        """Where the corpus of the campaign is."""
        return self.corpus or self.out / CORPUS
