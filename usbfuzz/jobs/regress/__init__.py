"""Kept cases on kernels: does each still do what is recorded for it?

::

    PATHS ──collect──▶ entries ┐         runner: a worker for each lane           judge           table, junit,
                               ├─▶ cells ─────────────────────────▶ Observations ───────▶ Cell ──▶ page, data
    --kernel ─prepare─▶ columns┘         (observe: Outcome → Observation)                    └──▶ bless
"""

from __future__ import annotations

from .collect import collect
from .matrix import Cell, Column, Entry, Matrix, Observation, Status
from .run import RegressOptions, run_regress

__all__ = ["Cell", "Column", "Entry", "Matrix", "Observation", "RegressOptions", "Status", "collect", "run_regress"]
