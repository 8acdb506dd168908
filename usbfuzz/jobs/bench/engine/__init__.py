"""How well the engine finds: several campaigns from nothing, and what they reached, as one table over seeds.

::

    Wanted ──runs──▶ OUT/guided-1, OUT/guided-2, … (a `usbfuzz fuzz` each) ──measure──▶ Measured ──table──▶ Table
                                            case files with [[expect]] titles ──bugs──▶ when each was seen first

A campaign that has had its time is not run again, and one that was interrupted goes on.
"""

from .bugs import KnownBug, known_bugs
from .measure import measured
from .plan import Side, Wanted
from .runs import run_all
from .table import EngineTable, table_of

__all__ = ["EngineTable", "KnownBug", "Side", "Wanted", "known_bugs", "measured", "run_all", "table_of"]
