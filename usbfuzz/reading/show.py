"""Text from elsewhere as it may be shown."""

from __future__ import annotations

__all__ = ["printable"]


def printable(text: str) -> str:
    """Text with ``?`` for what is not printable: names and logs may hold any character, and are shown on terminals."""
    return "".join(char if char.isprintable() else "?" for char in text)
