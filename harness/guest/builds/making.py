"""Run make in a kernel tree, niced, with what it prints in a log; Ctrl-C and death leave a tree it can go on in."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

from attrs import frozen

from harness.guest.kernels.storage import no_space
from usbfuzz.arch import Arch
from usbfuzz.errors import KernelError

__all__ = ["Tree"]

#: Variables by which the user's own kernel work, or a make that runs usbfuzz, would change the build.
_FOREIGN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEFILES", "ARCH", "SUBARCH", "CROSS_COMPILE", "LOCALVERSION", "LLVM")
_FOREIGN_PREFIXES = ("KBUILD_", "KCONFIG_", "CONFIG_")
_COMPILES = frozenset({"CC", "AS", "CC [M]", "AS [M]"})  #: how lines begin that make prints for one compiled file
_EVERY = 60.0  #: seconds between words about how far it is
_FULL = "No space left on device"


@frozen
class Tree:
    """A kernel source and the directory it is built in."""

    directory: Path  #: holds ``source``, ``objects`` and ``build.log``
    arch: Arch
    jobs: int = 1

    @property
    def source(self) -> Path:
        """The kernel's source; make writes nothing there."""
        return self.directory / "source"

    @property
    def objects(self) -> Path:
        """make's ``O=``."""
        return self.directory / "objects"

    @property
    def config(self) -> Path:
        """The configuration it is built with."""
        return self.objects / ".config"

    @property
    def log(self) -> Path:
        """All that make printed so far."""
        return self.directory / "build.log"

    @property
    def srcarch(self) -> str:
        """The directory of the architecture's code below ``arch``."""
        return self.arch.image.path.split("/")[1]

    def make(self, *words: str) -> None:
        """Run make for targets that take seconds. Raises KernelError, StorageError when the disk is full."""
        for _ in self._run(words):
            pass

    def build(self, expected: int, on_progress: Callable[[str], None]) -> None:
        """Build the image and the modules, going on where it was stopped; about ``expected`` files are compiled.

        Raises KernelError when it fails, StorageError when the disk is full.
        """
        done = sum(1 for path in self.objects.rglob("*.o") if not path.name.endswith(".mod.o"))
        said = time.monotonic() - _EVERY
        with closing(self._run((self.arch.image.name, "modules"))) as lines:
            for line in lines:
                how, _, what = line.strip().partition("  ")
                done += how in _COMPILES
                if how in _COMPILES and time.monotonic() - said >= _EVERY:
                    said = time.monotonic()
                    on_progress(f"compiling: about {min(99, 100 * done // max(expected, 1))} %, at {what.strip()}")

    def _run(self, words: tuple[str, ...]) -> Generator[str, None, None]:
        """The lines that make prints; they go to the log as well."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"make {' '.join(words)}\n")
            begin = log.tell()
            log.flush()
            with self._started(words) as process:
                assert process.stdout is not None
                try:
                    for line in process.stdout:
                        log.write(line)
                        yield line
                except BaseException:
                    process.terminate()  # make removes what is half written, and so do the makes it started
                    raise
        if process.returncode != 0:
            raise self._failed(begin)

    def _started(self, words: tuple[str, ...]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._argv(), *words],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            close_fds=False,  # hands on the lock, the only inheritable descriptor: see built.building
        )

    def _argv(self) -> list[str]:
        if shutil.which("make") is None:
            raise KernelError("make is not installed; install the package make")
        argv = ["setpriv", "--pdeathsig", "TERM", "--", "nice", "-n", "19", "make", f"-j{self.jobs}"]
        cross = [f"CROSS_COMPILE={self.arch.tool_prefix}"] if self.arch.tool_prefix else []
        return [*argv, "-C", str(self.source), f"O={self.objects}", f"ARCH={self.srcarch}", *cross]

    def _failed(self, begin: int) -> Exception:
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(begin)
            lines = [line.strip() for line in log]
        if any(_FULL in line for line in lines):
            return no_space(self.directory)
        errors = [line for line in lines if "error:" in line.lower() or "***" in line] or lines[-1:] or ["no output"]
        return KernelError(f"{self.directory}: make failed: {errors[0]}; {self.log} has all it printed")


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _FOREIGN and not name.startswith(_FOREIGN_PREFIXES)
    }
    # The kernel's version line says who built it where, and goes into each crash report.
    return {**kept, "LC_ALL": "C.UTF-8", "KBUILD_BUILD_USER": "usbfuzz", "KBUILD_BUILD_HOST": "usbfuzz"}
