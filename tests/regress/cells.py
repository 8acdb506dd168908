"""Cells with made-up results, for tests of what is done with results."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.qemu import Timing
from harness.lane.config import LaneConfig
from harness.lane.outcome import Verdict
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Expectation
from usbfuzz.errors import UsbfuzzError
from usbfuzz.jobs.regress.matrix import Cell, Column, Entry, Observation
from usbfuzz.jobs.regress.runner import conclude
from usbfuzz.triage import CrashType, Report

KERNEL = "debian:6.1.192-2"
OOPS = "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback"
NOTHING = Path("/nonexistent")
CASE = Case((DeviceSpec("mouse", b""),), (Event(Action.PLUG, device=0),), title="A mouse")


def report(
    title: str = OOPS, *, kind: CrashType = CrashType.NULL_DEREFERENCE, text: str = "BUG: here\nCall Trace:\n f+0x1/0x2"
) -> Report:
    return Report(
        title=title,
        type=kind,
        frame="qt2_read_bulk_callback",
        file="drivers/usb/serial/quatech2.c",
        module="quatech2",
        panicked=kind is not CrashType.WARNING,
        text=text,
    )


def seen(
    *reports: Report,
    drivers: tuple[str, ...] = ("1.0 usbhid",),
    log: tuple[str, ...] = (),
    userspace: tuple[str, ...] | None = None,
    fresh: bool = True,
    trusted: bool = True,
) -> Observation:
    verdict = Verdict.CRASH if reports else Verdict.CLEAN
    return Observation(verdict, reports, drivers, log, userspace, seconds=0.1, fresh=fresh, trusted=trusted)


def column(name: str = KERNEL, spec: str = "debian:6.1", error: UsbfuzzError | None = None) -> Column:
    if error is not None:
        return Column(spec, error=error)
    kernel = Kernel(name, "6.1.0-56-amd64", NOTHING, NOTHING, "0")
    image = Image(path=NOTHING, digest="0", aliases=NOTHING, modules=())
    return Column(spec, LaneConfig(kernel, image, Timing.WARP, NOTHING))


def entry(*expect: Expectation, name: str = "mouse", path: Path = Path("mouse.toml")) -> Entry:
    return Entry(path, name, evolve(CASE, expect=expect))


def cell(of: Entry, on: Column, *runs: Observation, error: UsbfuzzError | None = None) -> Cell:
    made = Cell(of, on, tuple(runs), seconds=0.25)
    conclude(made, error or of.error or on.error)
    return made
