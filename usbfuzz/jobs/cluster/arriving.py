"""What the cases of one lane on another machine reached, as it arrives: a file like that of a lane here."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

from attrs import define, field

from usbfuzz.atomic import write_atomically
from usbfuzz.case import loads
from usbfuzz.coverage import BLOCKS_FILE, blocks_in, case_path, lines_of, text_of
from usbfuzz.errors import CaseError, InputError, ProtocolError, StorageError
from usbfuzz.jobs.campaign.reach import LANE_FILES

from .messages import Covered, FoundFile

__all__ = ["Arriving"]

_NAME = re.compile(r"case-\d{6,19}|learning-[0-9a-f]{16}")
_numbers = itertools.count()


@define(eq=False)
class Arriving:
    """In the campaign's coverage directory. Methods raise ProtocolError for what is no coverage, StorageError."""

    directory: Path
    kernel: tuple[str, str]  #: its spec, and its release
    _file: Path = field(init=False)
    _begun: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        name = LANE_FILES.replace("*", f"{os.getpid()}-{next(_numbers)}")
        self._file = self.directory / name

    def case(self, found: FoundFile) -> None:
        """Keep a case that reached something first."""
        if not _NAME.fullmatch(found.name):
            raise ProtocolError(f"a case that reached code has the name {found.name[:80]!r}")
        path = case_path(self.directory / BLOCKS_FILE, found.name)
        try:
            loads(found.text, found.name)
        except CaseError as error:
            raise ProtocolError(f"a case that reached code cannot be read: {error}") from error
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, found.text.encode())
        except OSError as error:
            raise StorageError(f"{path}: cannot be written: {error.strerror}; make room there") from error

    def blocks(self, covered: Covered) -> None:
        """Add blocks."""
        try:
            blocks = blocks_in(covered.text, "coverage")
        except InputError as error:
            raise ProtocolError(str(error)) from error
        if (blocks.kernel, blocks.release) != self.kernel:
            raise ProtocolError(f"coverage is of {blocks.kernel[:80]} ({blocks.release[:80]})")
        text = lines_of(blocks) if self._begun else text_of(blocks)
        try:
            descriptor = os.open(
                self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644
            )
            with os.fdopen(descriptor, "ab") as stream:
                stream.write(text.encode())
        except OSError as error:
            raise StorageError(f"{self._file}: cannot be written: {error.strerror}; make room there") from error
        self._begun = True
