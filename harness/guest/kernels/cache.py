"""The kernels kept on disk, each in a directory that is either complete or not there.

::

    CACHE/kernels/
        debian_6.1.192-2/    an entry (see entries.py)
            kernel.json      what is here, with the SHA-256 of vmlinuz and a fingerprint of the module tree
            vmlinuz
            lib/modules/RELEASE/
"""

from __future__ import annotations

import json
from pathlib import Path

from attrs import asdict, frozen

from .entries import Entries, fingerprint
from .model import Kernel, read_image, sha256_of, short_digest

__all__ = ["KernelStore", "Record"]

_RECORD = "kernel.json"


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
            return self.sha256 == sha256_of(vmlinuz) and self.fingerprint == fingerprint(modules)
        except OSError:
            return False


@frozen
class KernelStore(Entries):
    """The kernels below one cache directory. Methods that write raise StorageError."""

    kind = "kernels"

    def load(self, name: str) -> Kernel | None:
        """The kernel kept under a canonical name; None when there is none or it is damaged."""
        entry = self.entry(name)
        record = _read_record(entry)
        if record is None or record.name != name or not record.fits(entry):
            return None
        return record.kernel(entry)

    def records(self) -> list[Record]:
        """The records of all entries, sorted by name; the files are not checked."""
        found = (record for entry in self.entries() if (record := _read_record(entry)))
        return sorted(found, key=lambda record: record.name)

    def add(self, name: str, release: str, built: Path, stamp: str = "") -> Kernel:
        """Turn a finished ``built`` directory (``vmlinuz``, ``lib/modules/RELEASE``) into the entry of ``name``.

        ``built`` must lie in a :meth:`workspace`. An older entry of that name is replaced.
        """
        record = Record(
            name=name,
            release=release,
            sha256=sha256_of(built / "vmlinuz"),
            fingerprint=fingerprint(built / "lib" / "modules" / release),
            stamp=stamp,
        )
        return record.kernel(self.place(name, built, _RECORD, asdict(record)))


def _read_record(entry: Path) -> Record | None:
    try:
        content = json.loads((entry / _RECORD).read_text(encoding="utf-8"))
        return Record(**content) if all(isinstance(value, str) for value in content.values()) else None
    except (OSError, ValueError, TypeError, AttributeError):
        return None
