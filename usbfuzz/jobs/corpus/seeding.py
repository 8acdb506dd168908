"""Cases that a user has, put into a corpus."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from usbfuzz.corpus import keep
from usbfuzz.corpus.directory import open_directory
from usbfuzz.errors import InputError

from .sources import cases_of

__all__ = ["SEEDS", "seeded"]

#: What campaigns begin with, where it is there: the devices and models of a checkout.
SEEDS = ("corpus/devices", "corpus/models")


def seeded(
    directory: Path, given: Sequence[str], errors: list[InputError], say: Callable[[str], None]
) -> Iterator[tuple[str, str, bool]]:
    """Put the cases of everything that can be read into a corpus, which is made if it is missing.

    Gives for each its source, its name in the corpus and whether it is new there. What is wrong with the others is put
    into ``errors``. Raises StorageError, and InputError for a directory that is something else.
    """
    for source, case in cases_of(given, errors, say):
        if not directory.exists():
            open_directory(directory, say)
        name, is_new = keep(directory, case)
        yield source, name, is_new
