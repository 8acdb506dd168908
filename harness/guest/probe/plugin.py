"""The plugin as QEMU's command line names it."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

__all__ = ["Plugin"]


@frozen
class Plugin:
    """What QEMU's command line says of the plugin, and the descriptors that its process inherits."""

    path: Path
    shm: int
    report: int
    resume: int

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Descriptors to inherit."""
        return self.shm, self.report, self.resume
