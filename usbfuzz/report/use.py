"""``use.c``: the programs of user space of a case, as one that plays them where the device is plugged in.

It is joined from files of the guest agent, which play the calls, the programs as the agent gets them, and
``user_space/main.c``, which learns from uevents when to begin them.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import harness.guest
from harness.guest.image.calls import calls_header
from usbfuzz.case.model import Action, Case, Event
from usbfuzz.crashes.layout import CASE_FILE, GADGET_FILE, REPRO_FILE, USE_FILE
from usbfuzz.uses import compiled_lines

from .c_source import c_array, c_bytes, c_comment, c_string
from .programs import programs_listed, used

__all__ = ["BUILD_AND_RUN", "render_use", "unseen"]

BUILD_AND_RUN = f"cc -O2 -pthread -o use {USE_FILE} && ./use"  #: for a shell

_AGENT = Path(harness.guest.__file__).parent / "agent"
_OWN = Path(__file__).parent / "user_space"
#: The agent's files, in the order in which one needs the other; its table of calls stands behind the first.
_HEADERS = ("live.h", "use.h")
_SOURCES = ("clock.c", "live.c", "uevent.c", "use_program.c", "use_play.c", "use_child.c")
_THREAD = "thread"
_COLUMNS = 100  #: of the prose at its top
#: Lines that the joined file has once, or not at all.
_ONCE = re.compile(r"(?m)^(?:// SPDX-.*|/\* SPDX-.* \*/|#define _GNU_SOURCE|#include \".*|#include <.*>)\n")
_GAP = re.compile(r"\n{3,}")
_LIBRARY = re.compile(r"(?m)^#include <.*>$")


def render_use(case: Case, *, title: str, kernel: str = "") -> str:
    """The text of use.c, for a case that has programs. Raises UseError for a program that means nothing."""
    headers, sources, types, main = _agent()
    parts = (*headers, *sources, types, *_programs(case), main)
    library = sorted({line for part in parts for line in _LIBRARY.findall(part)})
    bodies = (_GAP.sub("\n\n", _ONCE.sub("", part)).strip("\n") for part in parts)
    head = ("// SPDX-License-Identifier: GPL-2.0-only", _comment(case, title, kernel), "#define _GNU_SOURCE", *library)
    return "\n".join(head) + "\n\n" + "\n\n".join(bodies) + "\n"


@cache
def _agent() -> tuple[tuple[str, ...], tuple[str, ...], str, str]:
    """What is the same in all: headers with the table of calls, sources, and our own two files."""
    live, use = (_text(_AGENT / name) for name in _HEADERS)
    sources = tuple(_text(_AGENT / name) for name in _SOURCES)
    return (live, calls_header(), use), sources, _text(_OWN / "types.h"), _text(_OWN / "main.c")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _comment(case: Case, title: str, kernel: str) -> str:
    devices = ", ".join(device.name for device in case.devices)
    lines = [
        title,
        *([f"Seen on {kernel}."] if kernel else []),
        "",
        *_prose(
            f"Plays the programs of user space of {CASE_FILE} (devices: {devices}) on what the devices bring that "
            f"{GADGET_FILE} or {REPRO_FILE} plug in, or real ones. As root, before they are plugged in:"
        ),
        "",
        f"    {BUILD_AND_RUN}",
        "",
        *_prose(
            f"In the guest of {REPRO_FILE} it needs -static, a place in the initrd, and somebody there who begins it "
            "before the device comes. ./use -v says of each call what became of it, ./use 300 waits five minutes for "
            "the devices."
        ),
        "",
        *_prose(
            "Exit status: 0 all programs ended by themselves, 1 one was killed, is stuck, or died, 2 it could not be "
            "played, 3 of one no device or no node came."
        ),
        "",
        *_prose(_unknown(case)),
        "",
        "A pattern means the first such node that the device brought. The case had them run so:",
        "",
        *programs_listed(case),
    ]
    return "\n".join(("/*", *(f" * {c_comment(line)}".rstrip() for line in lines), " */"))


def _prose(text: str) -> list[str]:
    return textwrap.wrap(text, _COLUMNS, break_on_hyphens=False)


def _unknown(case: Case) -> str:
    """What this cannot do as the harness does."""
    said = (
        "What it cannot know: when a device has settled (here: no uevent for half a second), nor how far a driver has "
        "come: a program waits up to ten seconds for its nodes. Devices are known by the first port of a root hub; "
        "which is which by the order in which they come. A program that goes on is killed five seconds after its "
        "device has left."
    )
    if unseen(case):
        said += " Moments after so many requests or packets are not seen from here: "
        said += "such a program begins when its device comes."
    return said


def unseen(case: Case) -> bool:
    """Whether a program begins at a moment that only the device sees: after so many requests or packets."""
    return any(event.after_requests is not None or event.after_packets is not None for event in used(case))


def _programs(case: Case) -> Iterator[str]:
    """Each program as data, and the moments in which they run."""
    events = used(case)
    for index in dict.fromkeys(event.use or 0 for event in events):
        program = case.uses[index].program
        yield c_bytes(f"program{index}", compiled_lines(program))
        steps = [line for line in program if line != _THREAD]
        yield c_array("char *const", f"lines{index}", [*map(c_string, steps), "NULL"])
    places = tuple(dict.fromkeys(event.port for event in case.events if event.action is Action.PLUG))
    yield f"#define PLACES {len(places)}"
    at = [at for at, event in enumerate(case.events) if event.use is not None]
    rows = [_row(number, case.events[: last + 1], places) for number, last in enumerate(at)]
    yield c_array("struct use", "uses", rows)


def _row(number: int, schedule: Sequence[Event], places: Sequence[int]) -> str:
    """The moment of a program, whose event is the last of ``schedule``."""
    *before, event = schedule
    plugs = [at for at, other in enumerate(before) if other.action is Action.PLUG and other.port == event.port]
    begun = [at for at, other in enumerate(before) if other.use is not None]
    since = max((*plugs, *begun), default=0 if before else -1)
    wait = _wait(schedule[since + 1 :])
    place = places.index(event.port) if event.port in places else -1
    expected = 0 if place < 0 else max(len(plugs), 1)
    beside = "false" if event.for_ms is None else "true"
    program = f"program{event.use}, sizeof(program{event.use}), lines{event.use}"
    return f"{{ {number}, {event.port}, {place}, {expected}, {wait}, {beside}, {program} }}"


def _wait(events: Sequence[Event]) -> str:
    """The milliseconds from a plug, or the program before, to the last of the events that follow it."""
    if any((event.after_ms, event.after_requests, event.after_packets) == (None, None, None) for event in events):
        return "SETTLED"
    return str(sum(event.after_ms or 0 for event in events))
