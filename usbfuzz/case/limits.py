"""Numbers that makers and users of cases share."""

from __future__ import annotations

__all__ = ["BLOCK_CASES", "MAX_PROCESSORS"]

#: Cases that are generated in one go: asking for one of them costs making them all, so lanes take whole blocks.
BLOCK_CASES = 64

#: Virtual processors of a guest: so many QEMU's plugins have counters for from the start.
MAX_PROCESSORS = 8
