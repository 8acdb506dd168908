"""Build the kernel of a tree of the user's, as it is checked out, with the configuration that is theirs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from attrs import field, frozen

from harness.workers.procs import usable_cores
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import GuestError, InfraError, InputError

__all__ = ["BuildError", "UserTree"]

_MODULES = "CONFIG_MODULES=y"
_STDERR = 2  #: file descriptor


class BuildError(GuestError):
    """The tree, as it is checked out, does not build: there is no guest to be had of it."""


@frozen
class UserTree:
    """A kernel tree, or a directory for its objects (``O=``)."""

    path: Path
    config: Path | None = None  #: what .config is to be before each build; None: as it is
    jobs: int = field(factory=usable_cores)

    def check(self) -> None:
        """Raises InputError for what is no kernel tree, or has no configuration; InfraError without make."""
        if not self.path.is_dir():
            raise InputError(f"{self.path}: no such directory; give a kernel tree, or its O= directory")
        if not (self.path / "Makefile").is_file():
            raise InputError(f"{self.path}: no kernel tree: there is no Makefile in it")
        if self.config is None and not self._configuration.is_file():
            raise InputError(f"{self._configuration}: no such file; configure the tree, or give --config FILE")
        if self.config is not None and not self.config.is_file():
            raise InputError(f"{self.config}: no such file; give the configuration to build with")
        if shutil.which("make") is None:
            raise InfraError("make is not installed; install the package make")

    def build(self) -> None:
        """Make the image and the modules; what make says goes to stderr. Raises BuildError, OSError.

        ``olddefconfig`` answers what the configuration does not say. As it forgets what this commit has no option for,
        a configuration that was given is taken anew each time.
        """
        if self.config is not None:
            shutil.copyfile(self.config, self._configuration)
        self._make("olddefconfig")
        modules = _MODULES in self._configuration.read_text(encoding="utf-8", errors="replace").splitlines()
        self._make(DEFAULT.image.name, *(["modules"] if modules else []))

    @property
    def _configuration(self) -> Path:
        return self.path / ".config"

    def _make(self, *targets: str) -> None:
        argv = ["make", "-s", f"-j{self.jobs}", *targets]
        done = subprocess.run(argv, cwd=self.path, stdin=subprocess.DEVNULL, stdout=_STDERR, check=False)
        if done.returncode:
            raise BuildError(f"{self.path}: does not build: make {' '.join(targets)} ended with {done.returncode}")
