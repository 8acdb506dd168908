"""Nights of a real campaign, watched from outside: does a process grow, is anything left behind, lost, or done twice?

::

    run.py        the soak, then the kills; both go on where they were stopped
      │  plan.py       what is wanted
      ├ soaking.py    a campaign runs its time; a look at each of its processes every few seconds (looks.py keeps them)
      │   growth.py        first quarter against last quarter
      ├ killing.py    kill -9 of one of its processes, again and again; what must be true after each
      │   proof.py         of a directory before and after
      ▼
    child.py      the campaign as a process of its own (roles.py: which of its processes is what)
    table.py      what was found, for a terminal

What belongs to the campaign is told by its environment: it has a directory for temporary files of its own, whose name
all its processes inherit, orphans too.
"""

from .plan import Wanted
from .run import Soaked, run_soak
from .table import tables

__all__ = ["Soaked", "Wanted", "run_soak", "tables"]
