"""Kept cases on kernels: does each still do what is recorded for it?

::

    PATHS ──collect──▶ entries ┐           runner: a worker process a lane     judge           table, junit,
                               ├─▶ cells ──────────────────────────▶ Seen… ──────────▶ Cell ──▶ page, data
    --kernel ─prepare─▶ columns┘           (observe: Outcome → Seen)                       └──▶ bless
"""

from __future__ import annotations

from .collect import collect
from .matrix import Cell, Column, Entry, Matrix, Seen, Status
from .run import RegressOptions, run_regress

__all__ = ["Cell", "Column", "Entry", "Matrix", "RegressOptions", "Seen", "Status", "collect", "run_regress"]
