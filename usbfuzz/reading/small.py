"""Files of which it is known how large they may be."""

from __future__ import annotations

from pathlib import Path

from usbfuzz.errors import InputError

__all__ = ["small_text"]


def small_text(path: Path, most: int, *, what: str) -> str:
    """The text of a file of at most ``most`` bytes, in UTF-8 with or without a mark of its byte order.

    Raises InputError; ``what`` completes "give …", for a file that is something else.
    """
    try:
        with path.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; give {what}") from error
    if len(raw) > most:
        raise InputError(f"{path}: is larger than {most >> 20} MiB; give {what}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path}:{line}: is not UTF-8 text; give {what}") from error
