"""Golden files: what is found in a console log, as a header, and the log itself.

::

    TITLE: BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback
    ALT: bad-access in qt2_read_bulk_callback
    TYPE: NULL-POINTER-DEREFERENCE
    BYTES: 248-1466

    [   12.000000] usb 1-1: new high-speed USB device number 2 using xhci_hcd
    ...

A log with several reports has one such block for each, without blank lines between; a field that says nothing is left
out. BYTES are offsets of the report in the log.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from tests import TESTS
from usbfuzz.triage import Report

__all__ = ["GOLDEN", "Golden", "described", "golden_log", "read", "write"]

GOLDEN = TESTS / "triage" / "golden"


@frozen
class Golden:
    """One golden file."""

    header: str
    log: bytes


def read(path: Path) -> Golden:
    """The header and the log of a golden file."""
    header, _, log = (b"\n" + path.read_bytes()).partition(b"\n\n")
    return Golden(header[1:].decode() + "\n" * bool(header), log)


def write(path: Path, golden: Golden) -> None:
    """Replace a golden file."""
    path.write_bytes(golden.header.encode() + b"\n" + golden.log)


def golden_log(name: str) -> bytes:
    """The log of a golden file."""
    return read(GOLDEN / name).log


def described(reports: list[Report]) -> str:
    """The header of a log with these reports."""
    return "".join(f"{key}: {value}\n" for report in reports for key, value in _fields(report) if value)


def _fields(report: Report) -> list[tuple[str, str | None]]:
    return [
        ("TITLE", report.title),
        *(("ALT", title) for title in report.alt_titles),
        ("TYPE", report.type),
        ("FRAME", report.frame),
        ("FILE", report.file),
        ("MODULE", report.module),
        ("TASK", report.task),
        ("CORRUPTED", report.corruption),
        ("SUPPRESSED", "Y" * report.suppressed),
        ("PANICKED", "Y" * report.panicked),
        ("COUNT", str(report.count) if report.count > 1 else ""),
        ("BYTES", f"{report.start}-{report.end}"),
    ]
