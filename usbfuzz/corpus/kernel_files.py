"""What is kept of one kernel: ``KERNEL.tsv``, blocks with the cases that reached them first, ``KERNEL.tried``, and
``KERNEL.smallest``, the cases that minimizing could make no smaller. The latter two are lists of names.

::

    # usbfuzz tried 1
    # kernel debian:5.10.223-1
    # release 5.10.0-32-FLAVOUR
    0123456789abcdef

A file that cannot be used is never written over: it is put aside, as ``NAME.old``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.entries import entry_name
from usbfuzz.atomic import write_atomically
from usbfuzz.coverage import Blocks, append_blocks, read_blocks, write_blocks
from usbfuzz.errors import InputError, StorageError
from usbfuzz.reading import Stamp, small_text, stamp_of

__all__ = ["ASIDE", "BLOCKS", "SMALLEST", "TRIED", "KernelFiles", "block_files", "kernels_in", "put_aside"]

BLOCKS, TRIED, SMALLEST = ".tsv", ".tried", ".smallest"  #: how the names of a kernel's files end
ASIDE = ".old"  #: what is put behind the name of a file that cannot be used

_MAX_BYTES = 64 << 20  #: of a list of names; two million have room there


@frozen
class KernelFiles:
    """The files of one kernel in a corpus. Methods that read raise InputError for a file that cannot be used."""

    directory: Path
    kernel: str  #: its canonical spec
    release: str  #: what ``uname -r`` prints

    @property
    def blocks(self) -> Path:
        """The file with the blocks."""
        return self._named(BLOCKS)

    @property
    def tried(self) -> Path:
        """The file with the names of cases that were run and reached nothing first."""
        return self._named(TRIED)

    def _named(self, suffix: str) -> Path:
        return self.directory / f"{entry_name(self.kernel)}{suffix}"

    def read_blocks(self) -> Blocks | None:
        """The blocks; None when there is no file."""
        if not _is_there(self.blocks):
            return None
        found = read_blocks(self.blocks, appended=True)
        self._check(self.blocks, found.kernel, found.release)
        return found

    def write_blocks(self, blocks: Blocks) -> None:
        """Replace the blocks; raises StorageError."""
        write_blocks(self.blocks, blocks)

    def append_blocks(self, blocks: Blocks) -> None:
        """Add blocks to a file that has none of them; raises StorageError."""
        append_blocks(self.blocks, blocks)

    def read_tried(self) -> set[str]:
        """The cases that were run and reached nothing first; none when there is no file."""
        return self._read_names(TRIED)

    def write_tried(self, names: Collection[str]) -> None:
        """Replace them; raises StorageError."""
        self._write_names(TRIED, names)

    def read_smallest(self) -> set[str]:
        """The cases of which nothing more could go; none when there is no file."""
        return self._read_names(SMALLEST)

    def write_smallest(self, names: Collection[str]) -> None:
        """Replace them; raises StorageError."""
        self._write_names(SMALLEST, names)

    def _read_names(self, suffix: str) -> set[str]:
        path, head = self._named(suffix), _head(suffix)
        if not _is_there(path):
            return set()
        text = small_text(path, _MAX_BYTES, what="a list of cases that usbfuzz wrote")
        kernel, *rest = text.removeprefix(head).removesuffix("\n").split("\n# release ", 1)
        if not text.startswith(head) or not text.endswith("\n") or not rest:
            what = f"must be {head.split(chr(10))[0]!r}, kernel, release and whole lines; it was cut or changed"
            raise InputError(f"{path}: {what}")
        release, *names = rest[0].split("\n")
        self._check(path, kernel, release)
        return set(names)

    def _write_names(self, suffix: str, names: Collection[str]) -> None:
        path, lines = (
            self._named(suffix),
            [f"{_head(suffix)}{self.kernel}", f"# release {self.release}", *sorted(names)],
        )
        try:
            write_atomically(path, "\n".join([*lines, ""]).encode())
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}; make room there") from error

    def stamp(self) -> tuple[Stamp | None, Stamp | None]:
        """What changes whenever one of the files does."""
        return stamp_of(self.blocks), stamp_of(self.tried)

    def _check(self, path: Path, kernel: str, release: str) -> None:
        if (kernel, release) != (self.kernel, self.release):
            raise InputError(f"{path}: is of {kernel} ({release}), not of {self.kernel} ({self.release})")


def _head(suffix: str) -> str:
    """The beginning of a list of names, up to the kernel."""
    return f"# usbfuzz {suffix.removeprefix('.')} 1\n# kernel "


def put_aside(path: Path) -> Path:
    """Move a file that cannot be used out of the way, and say where it is now; raises StorageError."""
    aside = path.with_name(f"{path.name}{ASIDE}")
    try:
        path.replace(aside)
    except OSError as error:
        raise StorageError(f"{path}: cannot be put aside: {error.strerror}; remove it") from error
    return aside


def kernels_in(directory: Path) -> Iterator[tuple[KernelFiles, Blocks]]:
    """The files of each kernel in a corpus, and its blocks; raises InputError for a file that cannot be used."""
    for path in block_files(directory):
        blocks = read_blocks(path, appended=True)
        yield KernelFiles(directory, blocks.kernel, blocks.release), blocks


def block_files(directory: Path) -> list[Path]:
    """The files with blocks in a corpus, unread, in the order of their names."""
    return [path for path in sorted(directory.glob(f"*{BLOCKS}")) if _is_file(path) and not path.name.startswith(".")]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_there(path: Path) -> bool:
    """Whether there is such a file. Raises InputError for a link or a directory of that name."""
    if path.is_symlink() or (path.exists() and not _is_file(path)):
        raise InputError(f"{path}: is no regular file")
    return path.exists()
