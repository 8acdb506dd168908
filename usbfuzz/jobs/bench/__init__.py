"""The project's own benchmark: how many devices a second a guest enumerates, binds and loses again.

Each figure comes from lanes in processes of their own, each pinned to one core with its QEMU, so that "one core"
means one core. Figures of one run are comparable with each other, not with those of another day.
"""

from .figures import Figure, Table
from .run import run_bench

__all__ = ["Figure", "Table", "run_bench"]
