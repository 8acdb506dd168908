"""What a campaign is asked to do."""

from __future__ import annotations

from pathlib import Path

from attrs import field, frozen

from harness.workers.procs import usable_cores
from usbfuzz.crashes.layout import DEFAULT_DIRECTORY

__all__ = ["SLUB_DEBUG", "CampaignOptions", "with_slub_debug"]

#: Red zones and consistency checks for the heap objects drivers allocate, for a tenth of the speed.
SLUB_DEBUG = "slub_debug=FZ,kmalloc-*"


def with_slub_debug(kernel_params: tuple[str, ...]) -> tuple[str, ...]:
    """``kernel_params`` with SLUB_DEBUG, unless the user has a ``slub_debug`` (or ``slab_debug``) of their own."""
    named = any(word.startswith(("slub_debug", "slab_debug")) for word in kernel_params)
    return kernel_params if named else (SLUB_DEBUG, *kernel_params)


@frozen
class CampaignOptions:
    """What ``usbfuzz fuzz`` was asked for; ``None`` means: no limit, or the campaign's own choice."""

    out: Path = DEFAULT_DIRECTORY
    seconds: float | None = None  #: from the first round on; then no new one starts
    cases: int | None = None  #: indices below this are run, over all runs on the same directory
    lanes: int = field(factory=usable_cores)
    seed: int | None = None
    confirm: bool = True  #: run new crashes of warped guests in real time as well, bounded
    minimize: bool = True  #: make the cases of new bugs small, bounded
    suppress: Path | None = None  #: titles that are counted and not saved, besides those of suppress.txt in ``out``
