"""``report.txt``: plain text of at most 72 columns, to be mailed to the maintainer of a driver."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator

from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.crashes.layout import (
    CAPTURE_FILE,
    CASE_FILE,
    CONSOLE_FILE,
    GADGET_FILE,
    LSUSB_FILE,
    ORIGINAL_FILE,
    REPRO_FILE,
)
from usbfuzz.crashes.minimized import Minimized
from usbfuzz.crashes.record import Crash
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.descriptors import string_text
from usbfuzz.descriptors.text import ids_of
from usbfuzz.triage import Report, brief, heap_facts

from .annotate import annotated
from .gadget import load_modules

__all__ = ["oops_of", "render_text"]

COLUMNS = 72

_LABEL = 15  #: columns before what a row of the summary says
_TAIL = 60  #: lines of a console without a report that are shown


def render_text(saved: SavedCrash, files: frozenset[str]) -> str:
    """The text of report.txt; ``files`` are the names of those that lie next to it."""
    crash = saved.crash
    lines = [*textwrap.wrap(_plain(crash.title), COLUMNS, break_on_hyphens=False)]
    lines += ["=" * max(map(len, lines), default=0), ""]
    lines += _wrap(
        "A USB device, simulated by usbfuzz, crashes this Linux kernel. The device, what the kernel said and how to "
        "see it again follow."
    )
    lines += ["", *_summary(saved)]
    lines += _section("The device", _device_lines(saved))
    lines += _section("What happens to it", list(_events(saved.case)))
    lines += _section("What the kernel said", [*_by_the_probe(saved.report), *oops_of(saved.report, saved.console)])
    lines += _section("To reproduce", list(_commands(saved, files)))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def oops_of(report: Report | None, console: str) -> list[str]:
    """The report's own lines; the end of the console when it holds none."""
    text = brief(report.text) if report else "\n".join(console.splitlines()[-_TAIL:])
    return [_plain(line) for line in text.strip("\n").splitlines()]


def _by_the_probe(report: Report | None) -> list[str]:
    """Who said what in a report of the probe's: a maintainer does not know it."""
    if report is None or heap_facts(report.text) is None:
        return []
    stack = " What follows is the kernel's own panic and stack at that very instruction." if report.panicked else ""
    return [
        *_wrap(
            "Between the double lines is what usbfuzz says, which watches the memory and the packets of drivers from "
            f"outside of the kernel, which is not instrumented.{stack}"
        ),
        "",
    ]


def _heap_rows(report: Report | None) -> list[tuple[str, str]]:
    facts = heap_facts(report.text) if report else None
    if facts is None:
        return []
    return [
        ("Access", f"{facts.access}, {facts.where}" if facts.access and facts.where else facts.access or facts.where),
        ("Allocated in", facts.allocated),
        ("Freed in", facts.freed),
    ]


def _summary(saved: SavedCrash) -> list[str]:
    crash, report = saved.crash, saved.report
    rows = [
        ("Kernel", crash.kernel),
        ("Booted with", " ".join(saved.case.guest.kernel_params)),
        ("Driver", crash.driver or "unknown"),
        ("Function", report.frame if report else None),
        ("File", report.file if report else None),
        *_heap_rows(report),
        ("Also known as", "; ".join(crash.alt_titles)),
        ("Seen", _seen(crash)),
        ("Reproduced", _reproduced(crash, saved.minimized)),
        ("In real time", _confirmed(crash)),
        ("Doubt", report.corruption if report else "the kernel printed no report; the harness saw it stop"),
    ]
    return [line for name, value in rows if value for line in _row(name, _plain(value))]


def _row(name: str, value: str) -> list[str]:
    first = f"{name + ':':<{_LABEL}}"
    return textwrap.wrap(
        value, COLUMNS, initial_indent=first, subsequent_indent=" " * _LABEL, break_on_hyphens=False
    ) or [first]


def _seen(crash: Crash) -> str:
    hits = ", ".join(f"{count} x on {kernel}" for kernel, count in sorted(crash.hits.items()))
    span = crash.first_seen if crash.first_seen == crash.last_seen else f"{crash.first_seen} to {crash.last_seen}"
    return f"{hits or 'once'}; {span}"


def _reproduced(crash: Crash, minimized: Minimized | None) -> str:
    if minimized is not None:
        whole = "nothing more can go" if minimized.complete else "the search was cut short"
        size = f"minimized from {minimized.before} to {minimized.after} bytes; {whole}"
        return f"{minimized.hits} of {minimized.runs}, each on a fresh guest; {size}"
    if not crash.runs:
        return f"not tried; {CASE_FILE} holds the whole round it appeared in"
    if not crash.reproduced:
        return f"0 of {crash.runs}; {CASE_FILE} holds the whole round it appeared in"
    return f"{crash.reproduced} of {crash.runs}, with {crash.how}"


def _confirmed(crash: Crash) -> str:
    if crash.confirmed >= 0 and crash.confirmations:
        return f"{crash.confirmed} of {crash.confirmations}"
    return "not tried; it was seen in a guest with a warped clock" if crash.warped else ""


def _device_lines(saved: SavedCrash) -> list[str]:
    named = [_identity(device) for device in saved.case.devices]
    marks = saved.minimized.marks if saved.minimized else ()
    return [*(line for name in named for line in _wrap(name)), "", *annotated(saved.case, marks)]


def _identity(device: DeviceSpec) -> str:
    """``056a:0ffe Wacom Touch``, as lsusb without arguments would say."""
    raw = device.device[:18].ljust(18, b"\0")
    strings = dict(device.strings)
    names = [string_text(strings[index]) or "" for index in raw[14:16] if index in strings]
    return _plain(" ".join([ids_of(raw), *names]))


def _events(case: Case) -> Iterator[str]:
    for number, event in enumerate(case.events, 1):
        yield from _wrap(f"{number}. {_when(event)}{_what(case, event)}", hang=3)
    use = ", its nodes are opened" if case.guest.exercise else ""
    yield from _wrap(f"{len(case.events) + 1}. once the guest has settled{use}: what is left is unplugged", hang=3)


def _when(event: Event) -> str:
    if event.after_requests is not None:
        return f"after {event.after_requests} requests: "
    if event.after_ms is not None:
        return f"after {event.after_ms} ms: "
    return "once the guest has settled: " if event.action is not Action.PLUG else ""


def _what(case: Case, event: Event) -> str:
    place = f" (port {event.port})" if len({other.port for other in case.events}) > 1 else ""
    if event.action is Action.PLUG and event.device is not None and len(case.devices) > 1:
        return f"plug {_plain(case.devices[event.device].name)}{place}"
    return f"{event.action.value}{place}"


def _commands(saved: SavedCrash, files: frozenset[str]) -> Iterator[str]:
    kernel = shlex.quote(saved.crash.kernel)
    yield from _wrap("With usbfuzz, which fetches the kernel and plays the whole schedule:")
    yield f"    usbfuzz replay {CASE_FILE} --kernel {kernel}"
    if REPRO_FILE in files:
        yield ""
        yield from _wrap("With one file, Python 3.8 and QEMU (an initrd that has the driver; usbfuzz's own does):")
        yield f"    python3 {REPRO_FILE} --kernel VMLINUZ --initrd INITRD"
    if GADGET_FILE in files:
        yield ""
        yield from _wrap("On the machine itself, as root, with CONFIG_USB_RAW_GADGET and CONFIG_USB_DUMMY_HCD:")
        yield f"    {load_modules(saved.case)}"
        yield f"    gcc -pthread -o repro {GADGET_FILE} && ./repro"
    others = [name for name in (ORIGINAL_FILE, LSUSB_FILE, CAPTURE_FILE, CONSOLE_FILE) if name in files]
    if others:
        yield ""
        yield from _wrap(f"Next to this file: {', '.join(others)}.")


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", "", title, "-" * len(title), "", *lines]


def _wrap(text: str, hang: int = 0) -> list[str]:
    return textwrap.wrap(text, COLUMNS, subsequent_indent=" " * hang, break_on_hyphens=False)


def _plain(text: str) -> str:
    """Text without control characters: consoles and case files may hold any, and a report is shown on terminals."""
    return "".join(char if char.isprintable() or char == "\t" else "?" for char in text)
