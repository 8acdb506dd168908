"""The emulators kept on disk, and which one is in use.

::

    CACHE/emulators/
        settings.json            the emulator in use, and the user's own ones
        debian_10.0.2+ds-2/      an entry (see harness.guest.kernels.entries)
            emulator.json        what is here, with a fingerprint of its files
            tree/                the unpacked packages
"""

from __future__ import annotations

import json
from pathlib import Path

from attrs import asdict, evolve, frozen

from harness.guest.kernels.entries import Entries, fingerprint
from harness.guest.kernels.storage import storage_errors
from usbfuzz.arch import Arch
from usbfuzz.atomic import write_atomically
from usbfuzz.errors import QemuError

from .fetch import host_arch
from .identify import assembled
from .model import Emulator

__all__ = ["EmulatorStore", "Settings"]

_RECORD = "emulator.json"
_SETTINGS = "settings.json"
_TREE = "tree"


@frozen
class Settings:
    """What the user has decided."""

    used: str = ""  #: name of the emulator in use; "": the default one
    own: tuple[str, ...] = ()  #: paths of the user's own programs


@frozen
class EmulatorStore(Entries):
    """The emulators below one cache directory. Methods that write raise StorageError."""

    kind = "emulators"

    def load(self, name: str, arch: Arch) -> Emulator | None:
        """The emulator kept under a canonical name; None when there is none, it is damaged, or runs no ``arch``."""
        entry = self.entry(name)
        record = _read(entry / _RECORD)
        tree = entry / _TREE
        if record.get("name") != name or record.get("fingerprint") != fingerprint(tree):
            return None
        try:
            return assembled(tree, name, arch, host_arch())
        except QemuError:
            return None

    def names(self) -> list[str]:
        """The names of all entries, oldest first: another one does not change the default. Files are not checked."""
        records = [entry / _RECORD for entry in self.entries()]
        found = (_read(record).get("name") for record in sorted(records, key=_written))
        return [name for name in found if isinstance(name, str)]

    def add(self, name: str, tree: Path) -> None:
        """Turn a finished tree in a :meth:`workspace` into the entry of ``name``. An older one is replaced."""
        built = tree.parent / "built"
        with storage_errors(self.directory):
            built.mkdir()
            tree.rename(built / _TREE)
            record = {"name": name, "fingerprint": fingerprint(built / _TREE)}
        self.place(name, built, _RECORD, record)

    @property
    def settings(self) -> Settings:
        """What the user has decided; nothing when the file is missing or damaged."""
        content = _read(self.directory / _SETTINGS)
        used, own = content.get("used"), content.get("own")
        return Settings(
            used if isinstance(used, str) else "",
            tuple(path for path in own if isinstance(path, str)) if isinstance(own, list) else (),
        )

    def use(self, name: str) -> None:
        """Remember which emulator is in use. Only while :meth:`writing`."""
        self._decide(evolve(self.settings, used=name))

    def keep_own(self, path: str, *, kept: bool = True) -> None:
        """Remember, or forget, a program of the user's own. Only while :meth:`writing`."""
        others = [known for known in self.settings.own if known != path]
        self._decide(evolve(self.settings, own=tuple([*others, path] if kept else others)))

    def _decide(self, settings: Settings) -> None:
        with storage_errors(self.directory):
            write_atomically(self.directory / _SETTINGS, json.dumps(asdict(settings), indent=1).encode())


def _written(path: Path) -> int:
    """When a file was written; 0 when it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
