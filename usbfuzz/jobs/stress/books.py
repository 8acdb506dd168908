"""What is known of each moment of one device, on disk as soon as it is known.

``OUT/stress/NAME-DIGEST/`` holds ``plan.json`` (the recorded conversation), ``moments.jsonl`` (a line for each moment
that was tried), ``bad.tsv`` (the list of bad moments) and ``bad/NUMBER.toml`` (their cases).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from harness.channel.metered import Packet
from usbfuzz.case import dumps
from usbfuzz.case.files import write_file
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.errors import InputError, StorageError
from usbfuzz.journal import Journal
from usbfuzz.wire import Setup

from .plan import WAYS, Moment

__all__ = ["DIRECTORY", "Books", "Found", "Verdict"]

DIRECTORY = "stress"  #: below the directory of crashes
_FORMAT = 1
_MOST = 1 << 30  #: bytes of a journal that are read
_NAME = re.compile(r"[^a-zA-Z0-9]+")
_HEAD = "number\tway\twhere\ttitle\tcrash\treproduced\n"


class Verdict(Enum):
    """What came of a moment; values are the words of the books and of the summary."""

    CLEAN = "clean"
    BAD = "bad"
    IMPOSSIBLE = "impossible"  #: it cannot be brought about: the reason is kept
    LATE = "late"  #: the guest was answered late each time, so that its silence means nothing; tried again next time


@frozen
class Found:
    """One moment that was tried."""

    number: int
    verdict: Verdict
    why: str = ""  #: title of the bug, or the reason
    slug: str = ""  #: of the crash directory
    hits: int = 0  #: of ``runs`` on a fresh guest that showed the bug again
    runs: int = 0


@define
class Books:
    """The books of one device on one kernel. Methods that write raise StorageError."""

    directory: Path
    packets: tuple[Packet, ...] | None  #: the recorded conversation; None: it is not recorded yet
    found: dict[int, Found] = field(factory=dict, init=False)
    _head: dict[str, Any]
    _journal: Journal | None = field(default=None, init=False)

    @classmethod
    def open(cls, out: Path, case: Case, kernel: str, params: tuple[str, ...]) -> Books:
        """The books of a device below ``out``, where it was swept before; raises InputError when they are broken."""
        head = {"format": _FORMAT, "case": digest(case), "kernel": kernel, "params": list(params)}
        head["ways"] = [way.name for way in WAYS]
        name = _NAME.sub("-", case.devices[0].name).strip("-") or "device"
        mark = hashlib.sha256(json.dumps(head).encode()).hexdigest()[:8]
        directory = out / DIRECTORY / f"{name[:40]}-{mark}"
        path = directory / "plan.json"
        if not path.exists():
            return cls(directory, None, head)
        try:
            kept = json.loads(path.read_text())
            packets = tuple(_packet(row) for row in kept.pop("packets"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(path, error) from error
        if kept != head:
            raise _broken(path, "it is of another device, kernel or version")
        books = cls(directory, packets, head)
        books._begin(new=False)
        return books

    def record(self, packets: tuple[Packet, ...]) -> None:
        """Keep the conversation whose moments are tried from now on."""
        self.packets = packets
        try:
            (self.directory / "bad").mkdir(parents=True, exist_ok=True)
            (self.directory / "moments.jsonl").unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{self.directory}: cannot be made: {error.strerror}; give another --out") from error
        rows = [
            [packet.endpoint, packet.setup.pack().hex() if packet.setup else "", packet.length] for packet in packets
        ]
        write_file(self.directory / "plan.json", json.dumps({**self._head, "packets": rows}).encode())
        self._begin(new=True)

    def note(self, found: Found) -> None:
        """Keep what came of one moment."""
        assert self._journal is not None
        line = {"n": found.number, "is": found.verdict.value}
        given = {"why": found.why, "slug": found.slug, "hits": found.hits, "runs": found.runs}
        self._journal.append({**line, **{key: value for key, value in given.items() if value}})
        self.found[found.number] = found

    def note_bad(self, found: Found, case: Case) -> None:
        """Keep a bad moment, with its case."""
        write_file(self.directory / "bad" / f"{found.number:06}.toml", dumps(case).encode())
        self.note(found)

    def write_list(self, rows: Iterator[tuple[Moment, Found]]) -> None:
        """Write the list of bad moments."""
        lines = [
            "\t".join(
                (str(found.number), moment.way.name, moment.where, found.why, found.slug, f"{found.hits}/{found.runs}")
            )
            for moment, found in rows
        ]
        write_file(self.directory / "bad.tsv", (_HEAD + "".join(f"{line}\n" for line in lines)).encode())

    @property
    def bad(self) -> list[Found]:
        """The bad moments, by number."""
        return [self.found[number] for number in sorted(self.found) if self.found[number].verdict is Verdict.BAD]

    def is_open(self, number: int) -> bool:
        """Whether a moment is still to be tried."""
        found = self.found.get(number)
        return found is None or found.verdict is Verdict.LATE

    def close(self) -> None:
        """Close the files; may be called twice."""
        if self._journal is not None:
            self._journal.close(done=False)

    def _begin(self, *, new: bool) -> None:
        path = self.directory / "moments.jsonl"
        assert self.packets is not None
        head = {"plan": hashlib.sha256((self.directory / "plan.json").read_bytes()).hexdigest()}
        self._journal = Journal(path, head, "make room there or give another --out")
        if not new and path.exists():
            lines = self._journal.read(_MOST)
            if lines is None:
                raise _broken(path, "its first line is not that of these moments")
            for nth, line in enumerate(lines):
                try:
                    found = Found(
                        line["n"],
                        Verdict(line["is"]),
                        *(line.get(key, "") for key in ("why", "slug")),
                        *(line.get(key, 0) for key in ("hits", "runs")),
                    )
                except (KeyError, ValueError) as error:
                    raise _broken(path, f"line {nth + 2} says nothing of a moment") from error
                self.found[found.number] = found
        self._journal.open(new=new or not path.exists())


def _broken(path: Path, why: object) -> InputError:
    return InputError(f"{path}: is broken ({why}); remove {path.parent} to begin anew, or give another --out")


def _packet(row: list[Any]) -> Packet:
    endpoint, setup, length = row
    return Packet(int(endpoint), Setup.unpack(bytes.fromhex(setup)) if setup else None, int(length))
