"""Where a campaign goes: to drivers, to source files, or to what changed since another kernel.

::

    --driver ─ module ────────────────────────┐
    --file ─── files.py: line tables ─────────┼▶ functions ──leading.py──▶ Aim: modules to plug devices for, functions
    --since ── changes.py, moved.py ──────────┘

Drivers and files add up; what changed is looked for in these, or everywhere when none is named.
"""

from .aiming import aim_at
from .code import AimedCode
from .model import Aim, Wanted
from .reach import Reach, aimed_table, reach

__all__ = ["Aim", "AimedCode", "Reach", "Wanted", "aim_at", "aimed_table", "reach"]
