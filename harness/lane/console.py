"""What the guest's kernel says in a round: printed on its serial port, or read in its memory where the probe shows it.

A printed character costs an emulated guest two accesses to its serial port, and QEMU a system call. What is read in its
memory costs it nothing, so there the kernel is told to print no more than its last words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from attrs import define, field

from harness.guest.probe.printk import KernelLog, shown_lines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Console", "Printed", "Remembered", "text_with"]

#: Of a kernel that says no end of things so many of its first records are kept, and as many of its last.
_MOST = 5_000
#: Pieces of text, each with the place behind it.
_Pieces = list[tuple[int, bytes]]


class Console(Protocol):
    """Where a guest's kernel says what it says. Places grow with what was said."""

    @property
    def place(self) -> int:
        """Where what is said next will be."""

    def after(self, place: int) -> _Pieces:
        """What was said behind a place; nobody asks for what was said in front of it again."""

    def keep_up(self) -> None:
        """Take what would be lost if nobody looked for it soon."""


@define
class Printed:
    """The serial port, which QEMU writes to a file; places are bytes of it."""

    path: Path

    @property
    def place(self) -> int:
        """Bytes that were printed."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def after(self, place: int) -> _Pieces:
        """The lines that were printed behind a place."""
        try:
            with self.path.open("rb") as file:
                file.seek(place)
                lines = file.read().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        pieces = []
        for line in lines:
            place += len(line)
            pieces.append((place, line))
        return pieces

    def keep_up(self) -> None:
        """Nothing is lost: the file grows."""


@define
class Remembered:
    """The kernel's log in its memory; places are the ids of its records."""

    log: KernelLog
    loglevel: int  #: less important messages are left out, as on a console
    last_words: Printed  #: what is printed all the same, for when the memory is gone and nobody kept a copy
    _taken: _Pieces = field(factory=list, init=False)  #: as shown; the kernel may have overwritten them since
    _verbose: bool = field(default=False, init=False)  #: the kernel prints more than its level since one of them
    _asked: int = field(init=False)  #: the place that was asked for last
    _printed: int = field(init=False)  #: bytes of the last words that are none

    def __attrs_post_init__(self) -> None:
        self._asked, self._printed = self.place, self.last_words.place

    @property
    def place(self) -> int:
        """The newest record."""
        return self.log.place

    def after(self, place: int) -> _Pieces:
        """The records behind one, as a console would print them, and how many the kernel has overwritten."""
        if place != self._asked:
            self._asked = place
            self._taken = [piece for piece in self._taken if piece[0] > place]
            self._verbose = self._verbose and bool(self._taken)
        self.keep_up()
        pieces = self._taken + (self._news() if len(self._taken) >= _MOST else [])
        return pieces or [(place, text) for _, text in self.last_words.after(self._printed)]

    def keep_up(self) -> None:
        """Take the records that there are: a kernel that says the same over and over soon overwrites the first."""
        if len(self._taken) < _MOST:
            self._taken += self._news()

    def _news(self) -> _Pieces:
        """The records behind those that are taken, read and shown once: long rounds are looked at each second."""
        place = self._taken[-1][0] if self._taken else self._asked
        lines = self.log.after(place, _MOST)
        visible, self._verbose = shown_lines(lines, self.loglevel, verbose=self._verbose)
        shown = {line.id for line in visible}
        pieces: _Pieces = []
        for line in lines:
            missing = line.id - place - 1
            text = b"** %d printk messages dropped **\n" % missing if missing else b""
            pieces.append((line.id, text + bytes(line) if line.id in shown else text))
            place = line.id
        return pieces


def text_with(pieces: Iterable[tuple[int, bytes]], notes: Iterable[tuple[int, str]]) -> str:
    """The pieces, and each note behind what had been said when it was made."""
    rows = [(place, 0, piece) for place, piece in pieces] + [(place, 1, note.encode()) for place, note in notes]
    text = b"".join(piece for *_, piece in sorted(rows, key=lambda row: row[:2]))
    return text.decode("utf-8", "replace").replace("\r\n", "\n")
