"""A part of the cache whose entries are directories, each either complete or not there.

::

    CACHE/KIND/
        lock                 held (flock) by the one process that writes; dies with it
        answers.json         which entry a spec meant when it was last asked
        tmp-XXXXXXXX/        an entry that is being made; deleted by the next writer when its maker was killed
        debian_6.1.192-2/    an entry

An entry is made in a private directory and renamed into place, so a reader needs no lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from attrs import frozen

from usbfuzz.atomic import write_atomically, write_synced

from .storage import storage_errors

__all__ = ["Entries", "entry_name", "fingerprint"]

_PLAIN = re.compile(r"[\w.+~:-]+", re.ASCII)
_TEMPORARY = "tmp-"
_ANSWERS = "answers.json"


@frozen
class Entries:
    """The entries of one kind below one cache directory. Methods that write raise StorageError."""

    kind: ClassVar[str]  #: name of their directory

    cache: Path

    @property
    def directory(self) -> Path:
        """Where the entries are."""
        return self.cache / self.kind

    def entry(self, name: str) -> Path:
        """The directory of the entry of a canonical name, whether it is there or not."""
        return self.directory / entry_name(name)

    def entries(self) -> list[Path]:
        """All entries, intact or damaged."""
        return sorted(path for path in self.directory.glob("*/") if not path.name.startswith(_TEMPORARY))

    def holds(self, name: str) -> bool:
        """Whether there is an entry of that name, intact or damaged."""
        return self.entry(name).exists()

    @contextmanager
    def writing(self, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Be the only writer; calls ``on_wait`` once when another process is. Not reentrant.

        Raises StorageError when the directory cannot be written.
        """
        with storage_errors(self.directory):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.set_inheritable(descriptor, True)  # tools we start may outlive us: the lock holds until they end too
            self._sweep()
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A private directory to build an entry in, deleted afterwards. Only while :meth:`writing`."""
        with storage_errors(self.directory):
            path = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self.directory))
            try:
                yield path
            finally:
                shutil.rmtree(path, ignore_errors=True)

    def place(self, name: str, built: Path, record: str, content: Mapping[str, str]) -> Path:
        """Turn a finished directory into the entry of ``name``, with ``content`` as its file ``record`` (JSON).

        ``built`` must lie in a :meth:`workspace`. An older entry of that name is replaced.
        """
        entry = self.entry(name)
        with storage_errors(self.directory):
            write_synced(built / record, json.dumps(content, indent=1).encode())
            self._discard(entry)
            built.rename(entry)
        return entry

    def drop(self, name: str) -> bool:
        """Delete an entry and the answers that named it; False when there was none. Only while :meth:`writing`."""
        entry = self.entry(name)
        existed = entry.exists()
        with storage_errors(self.directory):
            self._discard(entry)
            self._write_answers({spec: answer for spec, answer in self._answers().items() if answer != name})
        return existed

    def answer(self, spec: str) -> str | None:
        """The canonical name ``spec`` meant when it was last asked."""
        return self._answers().get(spec)

    def remember(self, spec: str, name: str) -> None:
        """Keep the answer to ``spec``. Only while :meth:`writing`."""
        with storage_errors(self.directory):
            self._write_answers({**self._answers(), spec: name})

    def _answers(self) -> dict[str, str]:
        try:
            content = json.loads((self.directory / _ANSWERS).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(spec): str(name) for spec, name in content.items()} if isinstance(content, dict) else {}

    def _write_answers(self, answers: Mapping[str, str]) -> None:
        write_atomically(self.directory / _ANSWERS, json.dumps(answers, indent=1, sort_keys=True).encode())

    def _discard(self, entry: Path) -> None:
        """Delete an entry; it is renamed first, so that a reader sees all of it or nothing."""
        if entry.exists():
            discarded = Path(tempfile.mkdtemp(prefix=_TEMPORARY, dir=self.directory))
            entry.rename(discarded / entry.name)
            shutil.rmtree(discarded, ignore_errors=True)

    def _sweep(self) -> None:
        """Delete unfinished entries: their makers were killed, else they would hold the lock."""
        for path in self.directory.glob(f"{_TEMPORARY}*"):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def entry_name(name: str) -> str:
    """The name of the entry of a canonical name, without ``:`` and ``,``, which have a meaning in QEMU's options."""
    if _PLAIN.fullmatch(name):
        return name.replace(":", "_")
    kind = name.partition(":")[0]
    return f"{kind}_{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def fingerprint(tree: Path) -> str:
    """SHA-256 over path and size of every file below a directory: fast, and enough to find files cut by a full disk."""
    digest = hashlib.sha256()
    for path in sorted(tree.rglob("*")):
        if not path.is_dir():
            size = path.stat().st_size if path.exists() else -1  # a link that leads nowhere
            digest.update(f"{path.relative_to(tree)}\0{size}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
