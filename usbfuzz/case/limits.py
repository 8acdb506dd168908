"""Numbers that makers and users of cases share."""

from __future__ import annotations

__all__ = ["BLOCK_CASES"]

#: Cases that are generated in one go: asking for one of them costs making them all, so lanes take whole blocks.
BLOCK_CASES = 64
