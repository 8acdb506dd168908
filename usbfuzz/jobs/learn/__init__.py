"""``usbfuzz learn``: what drivers want to hear, found out in guests.

::

    run.py ──a task a driver──▶ engine: learner.py ──the runs it wants──▶ desk.py ──rounds──▶ a lane
                                        ▲  └── strategies.learning: drafts, changes
                                        └── Seen: blocks, comparisons, requests
"""

from __future__ import annotations

from usbfuzz.jobs.engine.learner import Limits

from .run import Wanted, learn

__all__ = ["Limits", "Wanted", "learn"]
