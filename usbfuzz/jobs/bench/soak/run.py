"""The soak, then the kills."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from attrs import frozen

from harness.guest.kernels import default_cache, resolve
from usbfuzz.errors import StorageError

from .killing import Killed, kill_all
from .plan import Wanted
from .soaking import Course, soak

__all__ = ["Soaked", "run_soak"]


@frozen
class Soaked:
    """What came of it."""

    wanted: Wanted
    machine: str  #: what it ran on
    course: Course | None  #: None: no soak was wanted
    killed: Killed | None  #: None: no kills were

    @property
    def findings(self) -> tuple[str, ...]:
        """What grew, is left, was lost, or was done twice."""
        parts = [part.findings for part in (self.course, self.killed) if part is not None]
        return tuple(finding for part in parts for finding in part)


def run_soak(wanted: Wanted, on_progress: Callable[[str], None]) -> Soaked:
    """Soak and kill, as far as that was not done yet. Raises InputError, InfraError, StorageError."""
    resolve(wanted.kernel, default_cache(), on_progress=on_progress)  # what is wrong shows here, not in a log
    try:
        wanted.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{wanted.out}: cannot be made: {error.strerror}; give another --out") from error
    course = soak(wanted, on_progress) if wanted.seconds else None
    killed = kill_all(wanted, on_progress) if wanted.kills else None
    load = " ".join(f"{average:.1f}" for average in os.getloadavg())
    cores = f"{len(os.sched_getaffinity(0))} of {os.cpu_count()} cores"
    machine = f"{cores}, load {load} at the end, Linux {platform.release()}, Python {platform.python_version()}"
    return Soaked(wanted, machine, course, killed)
