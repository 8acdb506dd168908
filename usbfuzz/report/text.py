"""``report.txt``: plain text of at most 72 columns, to be mailed to the maintainer of a driver."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator

from usbfuzz.crashes.layout import (
    CAPTURE_FILE,
    CASE_FILE,
    CONSOLE_FILE,
    FUNCTIONS_FILE,
    GADGET_FILE,
    LSUSB_FILE,
    ORIGINAL_FILE,
    REPRO_FILE,
    USE_FILE,
)
from usbfuzz.crashes.record import Crash
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.triage import Report, heap_facts

from .annotate import annotated
from .gadget import load_modules
from .ran import functions_shown
from .use import BUILD_AND_RUN
from .words import COLUMNS, by_the_probe, clean, confirmed, identity, oops_of, reproduced, schedule, section, wrapped

__all__ = ["render_text"]

_LABEL = 15  #: columns before what a row of the summary says
_MANIFESTATIONS = 10  #: of one bug that are named


def render_text(saved: SavedCrash, files: frozenset[str]) -> str:
    """The text of report.txt; ``files`` are the names of those that lie next to it."""
    crash = saved.crash
    lines = [*textwrap.wrap(clean(crash.title), COLUMNS, break_on_hyphens=False)]
    lines += ["=" * max(map(len, lines), default=0), ""]
    lines += wrapped(
        "A USB device, simulated by usbfuzz, crashes this Linux kernel. The device, what the kernel said and how to "
        "see it again follow."
    )
    lines += ["", *_summary(saved)]
    lines += section("The device", _device_lines(saved))
    lines += section("What happens to it", list(schedule(saved.case)))
    lines += section("What the kernel said", [*by_the_probe(saved.report), *oops_of(saved.report, saved.console)])
    if saved.reached:
        lines += section("What ran of the driver", list(_ran(saved)))
    lines += section("To reproduce", list(_commands(saved, files)))
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _heap_rows(report: Report | None) -> list[tuple[str, str]]:
    facts = heap_facts(report.text) if report else None
    if facts is None:
        return []
    return [
        ("Access", f"{facts.access}, {facts.where}" if facts.access and facts.where else facts.access or facts.where),
        ("Allocated in", facts.allocated),
        ("Freed in", facts.freed),
    ]


def _ran(saved: SavedCrash) -> Iterator[str]:
    for number, (sentence, functions) in enumerate(functions_shown(saved.reached, FUNCTIONS_FILE)):
        yield from [""] * (number > 0)
        yield from wrapped(sentence)
        yield from ("", *(f"    {function}" for function in functions))


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
        ("Leads to", "; ".join(f"{row.title} ({row.where})" for row in crash.manifestations[:_MANIFESTATIONS])),
        ("Seen", _seen(crash)),
        ("Reproduced", reproduced(crash, saved.minimized)),
        ("In real time", confirmed(crash)),
        ("Doubt", report.corruption if report else "the kernel printed no report; the harness saw it stop"),
    ]
    return [line for name, value in rows if value for line in _row(name, clean(value))]


def _row(name: str, value: str) -> list[str]:
    first = f"{name + ':':<{_LABEL}}"
    return textwrap.wrap(
        value, COLUMNS, initial_indent=first, subsequent_indent=" " * _LABEL, break_on_hyphens=False
    ) or [first]


def _seen(crash: Crash) -> str:
    hits = ", ".join(f"{count} x on {kernel}" for kernel, count in sorted(crash.hits.items()))
    span = crash.first_seen if crash.first_seen == crash.last_seen else f"{crash.first_seen} to {crash.last_seen}"
    return f"{hits or 'once'}; {span}"


def _device_lines(saved: SavedCrash) -> list[str]:
    named = [identity(device) for device in saved.case.devices]
    marks = saved.minimized.marks if saved.minimized else ()
    return [*(line for name in named for line in wrapped(name)), "", *annotated(saved.case, marks)]


def _commands(saved: SavedCrash, files: frozenset[str]) -> Iterator[str]:
    kernel = shlex.quote(saved.crash.kernel)
    yield from wrapped("With usbfuzz, which fetches the kernel and plays the whole schedule:")
    yield f"    usbfuzz replay {CASE_FILE} --kernel {kernel}"
    if REPRO_FILE in files:
        yield ""
        yield from wrapped("With one file, Python 3.8 and QEMU (an initrd that has the driver; usbfuzz's own does):")
        yield f"    python3 {REPRO_FILE} --kernel VMLINUZ --initrd INITRD"
    if GADGET_FILE in files:
        yield ""
        yield from wrapped("On the machine itself, as root, with CONFIG_USB_RAW_GADGET and CONFIG_USB_DUMMY_HCD:")
        yield f"    {load_modules(saved.case)}"
        yield f"    gcc -pthread -o repro {GADGET_FILE} && ./repro"
    if USE_FILE in files:
        yield ""
        yield from wrapped("Beside either, and begun first, what user space does with the device:")
        yield f"    {BUILD_AND_RUN}"
    others = [name for name in (ORIGINAL_FILE, LSUSB_FILE, CAPTURE_FILE, CONSOLE_FILE) if name in files]
    if others:
        yield ""
        yield from wrapped(f"Next to this file: {', '.join(others)}.")
