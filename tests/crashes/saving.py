"""A store of crashes, and a crash to save in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve

from harness.guest.qemu import Timing
from tests.campaign.pretend import case, report
from usbfuzz.crashes.evidence import Evidence
from usbfuzz.crashes.store import CrashStore
from usbfuzz.report import render as render_module

__all__ = ["KERNEL", "TITLE", "evidence", "store_in"]

KERNEL = "debian:5.10.223-1"
TITLE = "KASAN: use-after-free in wacom_remove"


def store_in(directory: Path, kernel: str = KERNEL) -> CrashStore:
    """The store of a campaign under a warped clock."""
    return CrashStore(directory, kernel=kernel, timing=Timing.WARP, render=render_module.render)


def evidence(title: str = TITLE, *alt_titles: str, **changes: Any) -> Evidence:
    """A crash, seen once."""
    return evolve(Evidence(report(title, *alt_titles), case(5), "the console\n", ("usbhid",)), **changes)
