"""The kernels kept on disk, each in a directory that is either complete or not there.

::

    CACHE/kernels/
        lock                 held (flock) by the one process that writes; dies with it
        answers.json         which kernel a spec meant when it was last asked
        tmp-XXXXXXXX/        an entry that is being made; deleted by the next writer when its maker was killed
        debian_6.1.192-2/    an entry
            kernel.json      what is here, with the SHA-256 of vmlinuz and a fingerprint of the module tree
            vmlinuz
            lib/modules/RELEASE/

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

from attrs import asdict, frozen

from usbfuzz.atomic import write_atomically, write_synced

from .model import Kernel, read_image, sha256_of, short_digest
from .storage import storage_errors

__all__ = ["KernelStore", "Record"]

_PLAIN = re.compile(r"[\w.+~:-]+", re.ASCII)
_TEMPORARY = "tmp-"
_RECORD = "kernel.json"
_ANSWERS = "answers.json"


@frozen
class Record:
    """What an entry says of itself: the content of ``kernel.json``."""

    name: str
    release: str
    sha256: str  #: of vmlinuz
    fingerprint: str  #: of the module tree
    stamp: str = ""  #: state of the files a local kernel was made from

    def kernel(self, entry: Path) -> Kernel:
        """The kernel in the directory ``entry``, whose files are intact."""
        vmlinuz, modules = self.files(entry)
        arch = read_image(vmlinuz).arch
        return Kernel(self.name, self.release, vmlinuz, modules, short_digest(self.sha256), arch)

    def files(self, entry: Path) -> tuple[Path, Path]:
        """The image and the module tree in the directory ``entry``."""
        return entry / "vmlinuz", entry / "lib" / "modules" / self.release

    def fits(self, entry: Path) -> bool:
        """Whether image and module tree are as they were when the entry was made."""
        vmlinuz, modules = self.files(entry)
        try:
            return self.sha256 == sha256_of(vmlinuz) and self.fingerprint == _fingerprint(modules)
        except OSError:
            return False


@frozen
class KernelStore:
    """The kernels below one cache directory. Methods that write raise StorageError."""

    cache: Path

    @property
    def directory(self) -> Path:
        """Where the entries are."""
        return self.cache / "kernels"

    def load(self, name: str) -> Kernel | None:
        """The kernel kept under a canonical name; None when there is none or it is damaged."""
        entry = self.directory / _key(name)
        record = _read_record(entry)
        if record is None or record.name != name or not record.fits(entry):
            return None
        return record.kernel(entry)

    def holds(self, name: str) -> bool:
        """Whether there is an entry of that name, intact or damaged."""
        return (self.directory / _key(name)).exists()

    def records(self) -> list[Record]:
        """The records of all entries, sorted by name; the files are not checked."""
        entries = (path for path in self.directory.glob("*/") if not path.name.startswith(_TEMPORARY))
        return sorted((record for entry in entries if (record := _read_record(entry))), key=lambda record: record.name)

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

    def add(self, name: str, release: str, built: Path, stamp: str = "") -> Kernel:
        """Turn a finished ``built`` directory (``vmlinuz``, ``lib/modules/RELEASE``) into the entry of ``name``.

        ``built`` must lie in a :meth:`workspace`. An older entry of that name is replaced.
        """
        record = Record(
            name=name,
            release=release,
            sha256=sha256_of(built / "vmlinuz"),
            fingerprint=_fingerprint(built / "lib" / "modules" / release),
            stamp=stamp,
        )
        entry = self.directory / _key(name)
        with storage_errors(self.directory):
            write_synced(built / _RECORD, json.dumps(asdict(record), indent=1).encode())
            self._discard(entry)
            built.rename(entry)
        return record.kernel(entry)

    def drop(self, name: str) -> bool:
        """Delete an entry and the answers that named it; False when there was none. Only while :meth:`writing`."""
        entry = self.directory / _key(name)
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


def _key(name: str) -> str:
    """The name of an entry's directory, without ``:`` and ``,``, which have a meaning in QEMU's options."""
    if _PLAIN.fullmatch(name):
        return name.replace(":", "_")
    kind = name.partition(":")[0]
    return f"{kind}_{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


def _read_record(entry: Path) -> Record | None:
    try:
        content = json.loads((entry / _RECORD).read_text(encoding="utf-8"))
        return Record(**content) if all(isinstance(value, str) for value in content.values()) else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _fingerprint(modules: Path) -> str:
    """SHA-256 over path and size of every file of a module tree: fast, and enough to find files cut by a full disk."""
    digest = hashlib.sha256()
    for path in sorted(modules.rglob("*")):
        if not path.is_dir():
            digest.update(f"{path.relative_to(modules)}\0{path.stat().st_size}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()
