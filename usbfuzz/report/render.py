"""All texts of a crash directory, from what it holds: ``crash.toml``, ``case.toml``, ``console.log``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from attrs import field, frozen

from usbfuzz.case import load
from usbfuzz.case.files import CASE_FILE
from usbfuzz.crashes.files import write_atomically
from usbfuzz.crashes.minimized import load_result
from usbfuzz.crashes.record import Crash
from usbfuzz.errors import CaseError, InputError
from usbfuzz.report.lsusb import render_lsusb

from .gadget import render_gadget
from .repro import render_repro
from .text import Facts, oops_of, render_text

__all__ = ["CAPTURE_FILE", "CONSOLE_FILE", "REPORT_FILE", "Rendered", "read_facts", "render", "rerender"]

CAPTURE_FILE = "usb.pcapng"
CONSOLE_FILE = "console.log"
REPORT_FILE = "report.txt"
_MAX_CONSOLE = 64 << 20
_KEPT = ("original.toml", CAPTURE_FILE, CONSOLE_FILE)  #: named in the report if they are there


@frozen
class Rendered:
    """Texts by file name; report.txt is always among them. ``failures`` says which are missing, and why."""

    files: dict[str, str]
    failures: dict[str, str] = field(factory=dict)


def render(facts: Facts, present: frozenset[str] = frozenset()) -> Rendered:
    """Every text of a crash; ``present`` are the other files of its directory. Never raises.

    What cannot be rendered is left out: a report is worth less than the crash it is about.
    """
    files: dict[str, str] = {}
    failures: dict[str, str] = {}
    for name, make in _TEXTS.items():
        try:
            files[name] = make(facts)
        except Exception as error:  # noqa: BLE001 - whatever a hostile case makes a renderer do
            failures[name] = f"{type(error).__name__}: {error}"
    try:
        files[REPORT_FILE] = render_text(facts, frozenset(files) | present)
    except Exception as error:  # noqa: BLE001
        failures[REPORT_FILE] = f"{type(error).__name__}: {error}"
        files[REPORT_FILE] = "\n".join([facts.crash.title, "", *oops_of(None, facts.console), ""])
    if failures:
        files[REPORT_FILE] += "\nThese files could not be written:\n"
        files[REPORT_FILE] += "".join(f"    {name}: {why}\n" for name, why in failures.items())
    return Rendered(files, failures)


def read_facts(directory: Path) -> tuple[Facts, frozenset[str]]:
    """What a crash directory holds, and which files that no text is made of; raises InputError, CaseError."""
    crash = Crash.read(directory)
    if crash is None:
        raise InputError(f"{directory}: is no crash directory: it lacks a crash.toml or case.toml that can be read")
    case = load(directory / CASE_FILE)
    try:
        minimized = load_result(directory)
    except CaseError:
        minimized = None  # what is known of the bytes that matter is broken; the rest is not
    console = _read_console(directory / CONSOLE_FILE)
    present = frozenset(name for name in _KEPT if (directory / name).is_file())
    return Facts(crash, case, console, minimized), present


def rerender(directory: Path) -> Rendered:
    """Write the texts of a crash directory anew; raises InputError, CaseError, OSError."""
    facts, present = read_facts(directory)
    rendered = render(facts, present)
    for name, text in rendered.files.items():
        write_atomically(directory / name, text.encode("utf-8", "replace"))
    return rendered


def _read_console(path: Path) -> str:
    try:
        if path.is_symlink() or not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_MAX_CONSOLE).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def _lsusb(facts: Facts) -> str:
    return "\n\n".join(render_lsusb(device) for device in facts.case.devices)


def _repro(facts: Facts) -> str:
    crash, report = facts.crash, facts.report
    return render_repro(facts.case, title=crash.title, kernel=crash.kernel, report=report.text if report else "")


def _gadget(facts: Facts) -> str:
    return render_gadget(facts.case, title=facts.crash.title, kernel=facts.crash.kernel)


_TEXTS: dict[str, Callable[[Facts], str]] = {"lsusb.txt": _lsusb, "repro.py": _repro, "repro.c": _gadget}
