"""Buffers that stop growing when the host sends too much."""

from __future__ import annotations

__all__ = ["KEPT_BYTES", "keep"]

KEPT_BYTES = 64 << 20  #: at most in one buffer


def keep(kept: bytearray, more: bytes) -> None:
    """Append as much of ``more`` as there is room for below :data:`KEPT_BYTES`."""
    kept += more[: max(KEPT_BYTES - len(kept), 0)]
