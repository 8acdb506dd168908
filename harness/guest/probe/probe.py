"""The probe of one lane, seen from the host: what QEMU is started with, what was counted, what was found."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from attrs import define, field

from .build import build_plugin
from .memory import Shared
from .plugin import Plugin
from .reports import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .facts import Facts
    from .probing import Probing

__all__ = ["Probe"]


@define(eq=False)
class Probe:
    """The memory that is shared with each QEMU of a lane in turn, and the two events between them."""

    facts: Facts
    probing: Probing
    plugin: Plugin
    shared: Shared
    _told: int = field(default=0, init=False)  #: reports of this QEMU that were taken

    @classmethod
    def open(cls, facts: Facts, probing: Probing, cache: Path, memory_mib: int, vcpus: int = 1) -> Probe:
        """Compile the plugin if need be and make the memory; raises InfraError, StorageError."""
        path = build_plugin(cache)
        shared = Shared.make(facts, probing, memory_mib, vcpus)
        report, resume = (os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK) for _ in range(2))
        return cls(facts, probing, Plugin(path, shared.fd, report, resume), shared)

    def begin(self) -> None:
        """Before a QEMU starts."""
        self.shared.begin()
        self._told = 0
        for event in (self.plugin.report, self.plugin.resume):
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(event)

    def reports(self) -> Iterator[str]:
        """The texts of what was found since the last call."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.plugin.report)
        ring = self.shared.reports
        reported = int(self.shared.header["reported"])
        for index in range(max(self._told, reported - len(ring)), reported):
            yield text_of(ring[index % len(ring)].copy(), self.facts.symbols)
        self._told = reported

    def resume(self) -> None:
        """Let the virtual CPU that waits in the plugin go on."""
        os.eventfd_write(self.plugin.resume, 1)

    @property
    def message(self) -> str:
        """Why something is off, in one line; "" when nothing is."""
        return bytes(self.shared.header["message"]).decode("utf-8", "replace")

    def close(self) -> None:
        """Give everything back."""
        self.shared.close()
        for event in (self.plugin.report, self.plugin.resume):
            with contextlib.suppress(OSError):
                os.close(event)
