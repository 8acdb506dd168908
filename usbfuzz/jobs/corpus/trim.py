"""Cases that reach nothing of their own leave a corpus."""

from __future__ import annotations

from pathlib import Path

from usbfuzz.corpus import entry_path, names_in
from usbfuzz.corpus.directory import check_corpus
from usbfuzz.corpus.kernel_files import kernels_in
from usbfuzz.corpus.lock import held
from usbfuzz.errors import StorageError

__all__ = ["remove_case", "trim"]


def trim(directory: Path) -> list[str]:
    """Remove the cases that were run, and reach nothing on any kernel that no other reached before; their names.

    What was not run on any kernel stays. Raises InputError for a directory that is no corpus, or when what is known of
    a kernel cannot be read, and StorageError.
    """
    check_corpus(directory)
    with held(directory):
        names = names_in(directory)
        owners: set[str] = set()
        ran: set[str] = set()
        known = list(kernels_in(directory))
        for files, blocks in known:
            owners |= set(blocks.cases)
            ran |= files.read_tried()
        gone = sorted((names & ran) - owners)
        for name in gone:
            remove_case(directory, name)
        for files, _ in known:
            if (tried := files.read_tried()) - names or tried.intersection(gone):
                files.write_tried((tried & names).difference(gone))
    return gone


def remove_case(directory: Path, name: str) -> None:
    """Remove a case file, if it is there; raises StorageError."""
    path = entry_path(directory, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be removed: {error.strerror}") from error
