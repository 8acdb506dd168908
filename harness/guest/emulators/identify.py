"""From a program or an unpacked tree to an :class:`Emulator`, and whether it can run guests at all."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from attrs import evolve

from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.errors import EmulatorError, QemuError

from .model import SYSTEM, Emulator
from .symbols import sights

__all__ = ["assembled", "built", "check_emulator", "identified", "installed"]

_TIMEOUT = 60.0  #: wall seconds for a QEMU to say something of itself
_DEVICES = ("usb-redir", "qemu-xhci", "virtserialport")
#: Where ``make`` and ``make install`` leave the program, below a build tree or a prefix.
_BUILT = (".", "build", "bin")


def installed(arch: Arch = DEFAULT) -> Emulator:
    """This machine's own QEMU for guests of ``arch``; raises QemuError with the package to install."""
    name = arch.emulation.qemu
    found = shutil.which(name)
    if found is None:
        raise QemuError(f"{name}: not found on PATH; install Debian's {arch.packages[name]} package")
    return identified(Emulator(found, SYSTEM))


def built(path: Path, arch: Arch = DEFAULT) -> Emulator:
    """The QEMU that a user has: a program, or the directory it was built or installed in. Raises EmulatorError."""
    program = path
    if path.is_dir():
        name = arch.emulation.qemu
        places = [path / part / name for part in _BUILT]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise EmulatorError(f"{path}: holds no {name}, nor do its directories build and bin; build it with make")
        program = found
    if not program.is_file():
        raise EmulatorError(f"{path}: no such file or directory; name a QEMU program or its build tree")
    emulator = Emulator(str(program), str(program))
    try:
        return identified(emulator)
    except QemuError as error:
        raise EmulatorError(str(error)) from error


def assembled(tree: Path, name: str, arch: Arch, host: Arch) -> Emulator:
    """The QEMU in a directory in which the packages of a ``host`` machine were unpacked.

    Raises QemuError when it does not run.
    """
    files = [Path(file).parent.relative_to("/") for file in arch.packages if file.startswith("/")]
    firmware = [tree / "usr/share/qemu", *(tree / directory for directory in files)]
    places = [tree / base / host.gnu for base in ("usr/lib", "lib")]
    modules = places[0] / "qemu"
    emulator = Emulator(
        str(tree / "usr/bin" / arch.emulation.qemu),
        name,
        firmware=tuple(directory for directory in firmware if directory.is_dir()),
        modules=modules if modules.is_dir() else None,
        libraries=tuple(place for place in places if any(place.glob("*.so*"))),
        loader=next((path for place in places for path in sorted(place.glob("ld-linux*.so*"))), None),
    )
    return identified(emulator)


def identified(emulator: Emulator) -> Emulator:
    """The same emulator with its version and what it sees; raises QemuError when it is no QEMU that runs."""
    lines = _said(emulator, "--version").splitlines()
    if not lines or not lines[0].startswith("QEMU emulator version"):
        raise QemuError(f"{emulator.program}: is no QEMU: it answers --version with {(lines or [''])[0][:80]!r}")
    return evolve(emulator, version=lines[0], sees=sights(Path(emulator.program)))


def check_emulator(emulator: Emulator, arch: Arch = DEFAULT) -> None:
    """Raise QemuError unless it knows every device a guest is made of (some builds leave usb-redir out).

    Each is asked for by itself: for the list of all, a QEMU loads every module it finds, and one of another version's
    ends it.
    """
    for device in _DEVICES:
        done = _run(emulator, "-device", f"{device},help")
        if done.returncode > 0:
            package = arch.packages[arch.emulation.qemu]
            raise QemuError(f"{emulator.program}: built without {device}; install Debian's {package} package")
        _succeeded(emulator, done)


def _said(emulator: Emulator, *options: str) -> str:
    done = _run(emulator, *options)
    _succeeded(emulator, done)
    return done.stdout


def _succeeded(emulator: Emulator, done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        words = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise QemuError(f"{emulator.program}: does not run: {words[0]}")


def _run(emulator: Emulator, *options: str) -> subprocess.CompletedProcess[str]:
    command = emulator.command(*options)
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise QemuError(f"{emulator.program}: does not run: {error}") from error
