"""What a device keeps of what a hostile host sends has an end."""

from __future__ import annotations

__all__ = ["KEPT_BYTES", "keep"]

KEPT_BYTES = 64 << 20


def keep(kept: bytearray, more: bytes) -> None:
    """Append as much of ``more`` as there is room for below :data:`KEPT_BYTES`."""
    kept += more[: max(KEPT_BYTES - len(kept), 0)]
