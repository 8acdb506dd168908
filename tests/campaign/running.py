"""Whole campaigns in a test: a view that remembers, and the processes that belong to the test."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from attrs import define, field

from usbfuzz.jobs.campaign.progress import Progress
from usbfuzz.jobs.campaign.supervisor import Campaign

from .pretend import VARIABLE

__all__ = ["Listener", "Run", "pretenders", "until"]


@define
class Listener:
    """A view that remembers."""

    said: list[str] = field(factory=list)
    frames: int = 0
    on_update: Callable[[Progress], None] = lambda _: None

    def update(self, progress: Progress) -> None:
        self.frames += 1
        self.on_update(progress)

    def say(self, text: str) -> None:
        self.said.append(text)

    def close(self) -> None:
        self.said.append("closed")


Run = Callable[..., Campaign]


def pretenders(directory: Path, role: str = "") -> list[psutil.Process]:
    """Worker and generator processes of the test that owns ``directory``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if any(word.endswith("campaign/pretend.py") for word in words) and role in ("", *words[2:3]):
                mine = process.environ().get(VARIABLE) == str(directory / "script.json")
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
    return found


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds, at most a minute."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
