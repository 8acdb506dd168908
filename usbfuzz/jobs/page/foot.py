"""The foot of a page: the machine, the kernel's build, parameters and the emulator of the runs behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

from usbfuzz import __version__
from usbfuzz.jobs.html import add

from .data import Account, Course, Run

__all__ = ["foot"]

_UNKNOWN = "not recorded"


def foot(body: ET.Element, account: Account) -> None:
    """What the numbers were measured on and with."""
    footer = add(body, "footer")
    for course in account.courses:
        add(footer, "h3", f"{course.kernel}, seed {course.seed}")
        facts = add(footer, "dl", classes="facts")
        for name, value in _rows(course):
            add(facts, "dt", name)
            add(facts, "dd", value)
    add(
        footer,
        "p",
        f"Made by usbfuzz {__version__}, {account.made.replace('T', ' ')[:19]} UTC, from {account.directory}.",
    )


def _rows(course: Course) -> Iterator[tuple[str, str]]:
    run = course.runs[-1] if course.runs else None
    facts = run.facts if run else {}
    yield "machine", _machine(_table(facts, "machine"))
    kernel = _table(facts, "kernel")
    yield "kernel build", f"{kernel.get('release')}, SHA-256 {kernel.get('digest')}…" if kernel else _UNKNOWN
    guest = _table(facts, "guest")
    params = " ".join(course.params) or "none"
    yield "parameters", params
    yield "guests", _guest(guest) if guest else _UNKNOWN
    emulator = _table(facts, "emulator")
    yield (
        "emulator",
        f"{emulator.get('name')}: {emulator.get('version') or 'version not known'}" if emulator else _UNKNOWN,
    )
    if aim := _table(facts, "aim"):
        yield "aimed at", _aim(aim)
    for number, each in enumerate(course.runs, 1):
        yield f"run {number}" if len(course.runs) > 1 else "run", _run(each)
    if course.skipped:
        yield "skipped", f"{course.skipped} cases that took down their lane each time"


def _table(facts: dict[str, Any], name: str) -> dict[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _machine(facts: dict[str, Any]) -> str:
    if not facts:
        return _UNKNOWN
    memory = facts.get("memory")
    size = f"{memory / 2**30:.0f} GiB" if isinstance(memory, int) else ""
    cores = f"{facts.get('cores')} cores"
    words = (facts.get("processor"), cores, size, facts.get("system"), f"Linux {facts.get('kernel')}")
    return ", ".join([*(str(word) for word in words if word), f"Python {facts.get('python')}"])


def _guest(facts: dict[str, Any]) -> str:
    parts = [
        f"{facts.get('timing')} time",
        f"{facts.get('ports')} ports",
        f"{facts.get('memory_mib')} MiB",
        f"bad heap accesses: {facts.get('heap')}",
        "coverage kept" if facts.get("coverage") else "no coverage",
    ]
    return ", ".join(parts)


def _aim(facts: dict[str, Any]) -> str:
    drivers = facts.get("drivers")
    names = ", ".join(map(str, drivers)) if isinstance(drivers, list) else ""
    functions = f"{facts.get('functions')} functions of {facts.get('of_modules')} modules"
    return f"{facts.get('at')}: {functions}, by devices for {names or 'no driver'}"


def _run(run: Run) -> str:
    options = _table(run.facts, "options")
    switches = [name for name in ("minimize", "confirm", "leaks") if options.get(name)]
    ended = f"to {run.ended.replace('T', ' ')[:19]}" if run.ended else "and did not end by itself, or still runs"
    lanes = f"{options.get('lanes')} lanes" if options.get("lanes") else "lanes not recorded"
    return f"{run.started.replace('T', ' ')[:19]} {ended} UTC, usbfuzz {run.version}, {', '.join([lanes, *switches])}"
