"""What report.txt and the mail about a crash say in the same words; lines of at most 72 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.crashes.layout import CASE_FILE
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.crashes.record import Crash
from usbfuzz.descriptors import string_text
from usbfuzz.descriptors.text import ids_of
from usbfuzz.triage import Report, brief, heap_facts

__all__ = [
    "COLUMNS",
    "by_the_probe",
    "clean",
    "confirmed",
    "identity",
    "oops_of",
    "reproduced",
    "schedule",
    "section",
    "when",
    "wrapped",
]

COLUMNS = 72

_TAIL = 60  #: lines of a console without a report that are shown


def oops_of(report: Report | None, console: str) -> list[str]:
    """The report's own lines; the end of the console when it holds none."""
    text = brief(report.text) if report else "\n".join(console.splitlines()[-_TAIL:])
    return [clean(line) for line in text.strip("\n").splitlines()]


def by_the_probe(report: Report | None) -> list[str]:
    """Who said what in a report of the probe's: a maintainer does not know it."""
    if report is None or heap_facts(report.text) is None:
        return []
    stack = " What follows is the kernel's own panic and stack at that very instruction." if report.panicked else ""
    return [
        *wrapped(
            "Between the double lines is what usbfuzz says, which watches the memory and the packets of drivers from "
            f"outside of the kernel, which is not instrumented.{stack}"
        ),
        "",
    ]


def reproduced(crash: Crash, minimized: Minimized | None) -> str:
    if minimized is not None:
        whole = "nothing more can go" if minimized.complete else "the search was cut short"
        size = f"minimized from {minimized.before} to {minimized.after} bytes; {whole}"
        return f"{minimized.hits} of {minimized.runs}, each on a fresh guest; {size}"
    if not crash.runs:
        return f"not tried; {CASE_FILE} holds the whole round it appeared in"
    if not crash.reproduced:
        return f"0 of {crash.runs}; {CASE_FILE} holds the whole round it appeared in"
    return f"{crash.reproduced} of {crash.runs}, with {crash.how}"


def confirmed(crash: Crash) -> str:
    if crash.confirmed >= 0 and crash.confirmations:
        return f"{crash.confirmed} of {crash.confirmations}"
    return "not tried; it was seen in a guest with a warped clock" if crash.warped else ""


def identity(device: DeviceSpec) -> str:
    """``056a:0ffe Wacom Touch``, as lsusb without arguments would say."""
    raw = device.device[:18].ljust(18, b"\0")
    strings = dict(device.strings)
    names = [string_text(strings[index]) or "" for index in raw[14:16] if index in strings]
    return clean(" ".join([ids_of(raw), *names]))


def schedule(case: Case, columns: int = COLUMNS) -> Iterator[str]:
    for number, event in enumerate(case.events, 1):
        yield from wrapped(f"{number}. {when(event)}{_what(case, event)}", 3, columns)
    use = ", its nodes are opened" if case.guest.exercise and not case.uses else ""
    yield from wrapped(
        f"{len(case.events) + 1}. once the guest has settled{use}: what is left is unplugged", 3, columns
    )


def when(event: Event) -> str:
    """What an event waits for, as the beginning of a line."""
    if event.after_requests is not None:
        return f"after {event.after_requests} requests: "
    if event.after_packets is not None:
        of_next = "" if event.after_bytes is None else f" and {event.after_bytes} bytes of the next"
        return f"after {event.after_packets} packets{of_next}: "
    if event.after_ms is not None:
        return f"after {event.after_ms} ms: "
    return "once the guest has settled: " if event.action is not Action.PLUG else ""


def _what(case: Case, event: Event) -> str:
    place = f" (port {event.port})" if len({other.port for other in case.events}) > 1 else ""
    if event.action is Action.PLUG and event.device is not None and len(case.devices) > 1:
        return f"plug {clean(case.devices[event.device].name)}{place}"
    if event.use is not None:
        lasts = "" if event.for_ms is None else f", and for {event.for_ms} ms beside what follows"
        return f"{event.action.value} {event.use}{place}{lasts}: {clean('; '.join(case.uses[event.use].program))}"
    value = "" if event.configuration is None else f" {event.configuration}"
    return f"{event.action.value}{value}{place}"


def section(title: str, lines: list[str]) -> list[str]:
    return ["", "", title, "-" * len(title), "", *lines]


def wrapped(text: str, hang: int = 0, columns: int = COLUMNS) -> list[str]:
    return textwrap.wrap(text, columns, subsequent_indent=" " * hang, break_on_hyphens=False, break_long_words=False)


def clean(text: str) -> str:
    """Text without control characters: consoles and case files may hold any, and a report is shown on terminals."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in text)
