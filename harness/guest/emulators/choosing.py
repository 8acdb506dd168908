"""Which emulator runs a guest: the one that is asked for, else the one in use, else the default."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.archives import DISTRIBUTIONS, AptFiles
from harness.guest.kernels.storage import storage_errors
from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.errors import EmulatorError, QemuError

from .fetch import host_arch, packaged
from .identify import assembled, built, check_emulator, installed
from .model import SYSTEM, Emulator
from .store import EmulatorStore

__all__ = ["ADVISED", "FORMS", "Kept", "default_emulator", "emulator_for", "kept", "remove", "resolve", "use"]

#: What to fetch where this machine's own QEMU sees too little: it runs on every machine that usbfuzz runs on.
ADVISED = "debian:bookworm-backports"

#: The ways to name an emulator, for messages and help.
FORMS = (
    f"{SYSTEM} (this machine's own), debian:SUITE (debian:bookworm-backports, debian:trixie), "
    "or the PATH of a QEMU program or its build tree"
)

_Progress = Callable[[str], None]
_VARIABLE = "USBFUZZ_EMULATOR"
_UNDECIDED = "default"
_SUITE = re.compile(r"[a-z][a-z0-9-]*")
_APT_FILES = AptFiles()


def _silent(_: str) -> None:
    """Drop a progress message."""


@frozen
class Kept:
    """An emulator that is known here."""

    emulator: Emulator
    used: bool  #: whether guests run on it now


def default_emulator(known: Iterable[Emulator]) -> Emulator:
    """The emulator that runs guests when the user has decided nothing: the first of those that see most.

    ``known`` has this machine's own first, then the fetched ones in the order in which they were fetched.
    """
    return max(known, key=lambda emulator: len(emulator.sees))


def emulator_for(
    arch: Arch,
    cache: Path,
    spec: str | None = None,
    *,
    on_progress: _Progress = _silent,
) -> Emulator:
    """The emulator that runs guests of ``arch``: ``spec``, else ``$USBFUZZ_EMULATOR``, else the one in use.

    Raises EmulatorError (not known, not fetched, not usable), QemuError (none here), StorageError.
    """
    store = EmulatorStore(cache.absolute())
    if wanted := _decided(store, spec):
        return resolve(wanted, cache, arch=arch, on_progress=on_progress)
    known = _known(store, arch)
    return default_emulator(known) if known else installed(arch)  # which says what to install


def resolve(
    spec: str,
    cache: Path,
    *,
    arch: Arch = DEFAULT,
    refresh: bool = False,
    on_progress: _Progress = _silent,
    apt_files: AptFiles = _APT_FILES,
) -> Emulator:
    """The emulator ``spec`` means, fetched into ``cache`` when it is a suite's and not there; see :data:`FORMS`.

    A suite that was asked before is not asked again unless ``refresh``. A program of the user's own is remembered.
    Raises EmulatorError, QemuError (it does not run, or lacks a device), StorageError.
    """
    kind, _, wanted = spec.partition(":")
    store = EmulatorStore(cache.absolute())
    if spec == SYSTEM:
        return installed(arch)
    if kind in DISTRIBUTIONS and wanted:
        with storage_errors(store.directory):
            return _archived(spec, store, arch, refresh, on_progress, apt_files)
    if "/" not in spec and not Path(spec).exists():
        raise EmulatorError(f"{spec!r} is not an emulator; give one of {FORMS}")
    emulator = built(Path(spec).expanduser().absolute(), arch)
    check_emulator(emulator, arch)
    if emulator.name not in store.settings.own:
        with store.writing():
            store.keep_own(emulator.name)
    return emulator


def kept(cache: Path, arch: Arch = DEFAULT) -> list[Kept]:
    """The emulators that are known here and run, this machine's own first.

    None of them is used when the one that was decided on is gone.
    """
    store = EmulatorStore(cache.absolute())
    known = _known(store, arch)
    wanted = _decided(store)
    used = store.answer(wanted) or wanted
    if known and not wanted:
        used = default_emulator(known).name
    return [Kept(emulator, emulator.name == used) for emulator in known]


def use(spec: str, cache: Path, *, arch: Arch = DEFAULT, on_progress: _Progress = _silent) -> Emulator:
    """Run guests on the emulator ``spec`` from now on, or on the default one ("default"); raises as :func:`resolve`."""
    store = EmulatorStore(cache.absolute())
    decided = "" if spec == _UNDECIDED else resolve(spec, cache, arch=arch, on_progress=on_progress).name
    with store.writing():
        store.use(decided)
    return emulator_for(arch, cache)


def remove(spec: str, cache: Path) -> None:
    """Delete an emulator from ``cache``; a user's own program is only forgotten. Raises EmulatorError, StorageError."""
    store = EmulatorStore(cache.absolute())
    own = str(Path(spec).expanduser().absolute())
    name = store.answer(spec) or spec
    if own not in store.settings.own and name not in store.names():
        raise EmulatorError(f"{spec}: not kept here; usbfuzz emulator list shows what is")
    with store.writing():
        store.drop(name)
        store.keep_own(own, kept=False)
        if store.settings.used in {name, own}:
            store.use("")


def _decided(store: EmulatorStore, spec: str | None = None) -> str:
    """The emulator that was asked for or decided on; "" when the default is to be taken."""
    wanted = spec or os.environ.get(_VARIABLE) or store.settings.used
    return "" if wanted == _UNDECIDED else wanted


def _archived(
    spec: str, store: EmulatorStore, arch: Arch, refresh: bool, on_progress: _Progress, apt_files: AptFiles
) -> Emulator:
    if not refresh and (emulator := _cached(spec, store, arch)):
        return emulator
    kind, _, suite = spec.partition(":")
    distribution = DISTRIBUTIONS[kind]
    if suite[0].isdigit() or not _SUITE.fullmatch(suite):
        raise EmulatorError(f"{spec}: not kept here; an emulator is fetched by its suite, such as {ADVISED}")
    with store.writing(lambda: on_progress("waiting for another usbfuzz that is fetching an emulator")):
        if not refresh and (emulator := _cached(spec, store, arch)):
            return emulator
        with store.workspace() as workspace:
            offer = packaged(distribution, suite, arch, workspace, apt_files=apt_files, on_progress=on_progress)
            if (emulator := store.load(offer.name, arch)) is None:
                tree = offer.fetch(workspace)
                check_emulator(assembled(tree, offer.name, arch, host_arch()), arch)
                store.add(offer.name, tree)
                emulator = store.load(offer.name, arch)
        if emulator is None:
            raise EmulatorError(f"{offer.name}: does not run from {store.directory}: is that disk full or noexec?")
        store.remember(spec, offer.name)
        return emulator


def _cached(spec: str, store: EmulatorStore, arch: Arch) -> Emulator | None:
    return store.load(store.answer(spec) or spec, arch)


def _known(store: EmulatorStore, arch: Arch) -> list[Emulator]:
    """The emulators that run, this machine's own first."""
    ways: list[Callable[[], Emulator | None]] = [partial(installed, arch)]
    ways += [partial(store.load, name, arch) for name in store.names()]
    ways += [partial(built, Path(path), arch) for path in store.settings.own]
    return [emulator for find in ways if (emulator := _tried(find))]


def _tried(find: Callable[[], Emulator | None]) -> Emulator | None:
    try:
        return find()
    except (EmulatorError, QemuError):
        return None
