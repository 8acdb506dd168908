"""Stack traces: what a frame looks like, where a trace begins, and how a path leads to the guilty frame."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from attrs import frozen

from .console import as_log, lines_from
from .functions import bare_name, is_generic
from .printed import BARE_FRAME, PROGRAM_COUNTER, TRACE_START
from .rust import demangle

__all__ = [
    "ADDRESS", "CALL_TRACE", "FUNCTION", "PC_LINE", "STACK", "TRACE_STARTS",
    "Blame", "Pick", "StackPlace", "Step", "Trail", "first_frame", "follow", "frame_names", "is_frame", "is_traced",
    "missing_stack", "module_of", "places",
]  # fmt: skip

#: What klogd up to 2010 wrote in place of an address: "[usb_submit_urb+69/284]", "[option:option_open+0x1/0x2]".
_BY_KLOGD = r"\[(?:\w{1,64}:)?%s\+(?:0x)?[0-9a-f]{1,8}/(?:0x)?[0-9a-f]{1,8}\]"
#: A code address in brackets, as kernels before 4.13 and arm print before a symbol.
ADDRESS = rf"(?:\[<?(?:0x)?[0-9a-f]+>?\]|{_BY_KLOGD % '[A-Za-z0-9_]{1,128}'})"
#: What tools put behind a function, or in place of its offset: "f (drivers/usb/core/hub.c:12)" of the kernel's
#: decode_stacktrace.sh, "f drivers/usb/core/hub.c:12" of syzbot. "[inline]" calls are no frames of their own.
_DECODED = (
    r" (?:\((?:[\w.\-]{0,64}/){0,16}|(?:[\w.\-]{0,64}/){1,16})[\w.\-]{1,64}\.(?:c|h|S|rs):\d+(?![^\n]*\[inline\])"
    r"| \(\?\?:"
)
#: A function name (captured) with the "+0x12/0x34" or ".isra.3+0x..." that follows a real symbol.
FUNCTION = rf"([A-Za-z0-9_]+)(?:[.+]|{_DECODED})"
#: The same with what may stand before it: addresses, and the module (":usbcore:" up to 2.6.18, and braces to 2.6.16).
_CODE = rf"(?:(?:{ADDRESS}|(?:0x)?[0-9a-f]{{8,16}}) +){{0,2}}(?:<[0-9a-f]{{8,16}}>)?[(<{{]?(?::\w+:)?\.?{FUNCTION}"

#: The line that says where a CPU was, and on some architectures in which code segment.
#: A program counter that is no symbol (null, freed memory) matches too, without a name.
PC_LINE = re.compile(
    rf"(?:{PROGRAM_COUNTER})(?:"
    rf"(?:\d+:)?{_CODE}|\d+:{_BY_KLOGD % '([A-Za-z0-9_]+)'}"
    rf"|(?:\d+:)?(?:{ADDRESS} +){{0,2}}0x[0-9a-f]+"
    rf"|(?:\d+:)?{ADDRESS} +\[< *\(null\)>\] +\(null\)"
    r"|\d+: +\(null\))"
)
#: Where a trace begins. Some put its first frame into the same line, some print it without any heading.
CALL_TRACE = re.compile(
    rf"(?:Call [Tt]race:|Backtrace:)(?: *(?:{ADDRESS} +|<[0-9a-f]{{8,16}}>){_CODE})?|{TRACE_START}|{BARE_FRAME}"
)
_BARE_FRAME = re.compile(BARE_FRAME, re.MULTILINE)
#: A stack may follow these lines.
_OPTIONAL_START = re.compile(TRACE_START)

#: A line that begins a stack trace, and so ends the one before.
TRACE_STARTS = (
    re.compile(r"Call [Tt]race"),
    re.compile(r"Allocated:|Allocated by task \d+:"),
    re.compile(r"Freed:|Freed by task \d+:"),
    re.compile(r"[^k] backtrace(?: \(crc [0-9A-Fa-f]*\))?:"),  # kmemleak's, not lockdep's "stack backtrace:"
    re.compile(r"Backtrace:"),
    re.compile(r"Uninit was stored to memory at"),
    _OPTIONAL_START,
)
_ANY_START = re.compile("|".join(start.pattern for start in TRACE_STARTS))

_FRAME = re.compile(rf"^ *(?:{ADDRESS} +){{0,2}}(?:<[0-9a-f]{{8,16}}>{{|\[[0-9a-f]{{8}} : )?(?::\w+:)?\.?{FUNCTION}")

#: A frame or a program counter: the whole symbol ("f.constprop.0"), and the module in whose code it lies.
_PLACE = re.compile(
    rf"(?:^ *(?:{ADDRESS} ){{0,2}}|\b(?:{PROGRAM_COUNTER})(?:\d+:)?)"
    r"([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[(\w+)\])?"
)

#: A fault-injection stack in the middle of a trace: the two are mixed and neither can be trusted.
_FOREIGN = re.compile(rf"^(?: {ADDRESS})? should_fail(?:slab)?(?:\.[a-z0-9.]+)?\+0x")

_DYING = re.compile(r"(?:^|_)die(?:_|$)")

#: A stack is looked for in this many lines after its heading.
_STACK_WITHIN = 15

#: One step of a trail: go to the line that matches (its captures are frames), or read the stack from here.
Step = re.Pattern[str] | None
STACK: Step = None

#: Chooses the guilty one of the frames left after skipping: its name for the title, and its index; None if none.
Pick = Callable[[Sequence[str]], tuple[str, int] | None]


def first_frame(frames: Sequence[str]) -> tuple[str, int] | None:
    """Blame the topmost frame."""
    return (frames[0], 0) if frames else None


@frozen
class Trail:
    """The path through a report's lines to the guilty frame."""

    steps: tuple[Step, ...]
    skip: re.Pattern[str] | None = None  #: functions generic in this sort of report only
    pick: Pick = first_frame
    otherwise: Trail | None = None  #: taken when this one finds no frame
    last_resort: bool = False  #: blames generic functions as well; not taken when the report has a trace


@frozen
class Blame:
    """A stack frame that is blamed for a crash."""

    name: str  #: as the title has it
    symbol: str  #: as the stack has it


@frozen
class StackPlace:
    """Where a task or a processor was."""

    symbol: str
    module: str | None  #: None for built-in code


def places(console: str) -> list[StackPlace]:
    """The frames of all stacks on the console in order, those left out that the unwinder itself does not vouch for."""
    sure = (line.text for line in lines_from(as_log(console), 0) if not line.doubtful)
    return [StackPlace(found[1], found[2]) for text in sure if (found := _PLACE.search(text))]


def module_of(line: str) -> str | None:
    """The module in whose code the frame or program counter of a line lies; None when it has neither, or no module."""
    found = _PLACE.search(line)
    return found[2] if found else None


def is_frame(line: str) -> bool:
    """Whether the line is a stack frame."""
    return _frame(line) is not None


def _frame(line: str) -> re.Match[str] | None:
    return _FRAME.match(line) or _BARE_FRAME.match(line)


def frame_names(report: str) -> list[str]:
    """The functions of all frames in the report, topmost first."""
    found = filter(None, map(_frame, report.split("\n")))
    return [name for frame in found for name in frame.groups() if name]


def is_traced(report: str) -> bool:
    """Whether there is any stack trace in the report."""
    return _ANY_START.search(report) is not None or _BARE_FRAME.search(report) is not None


def follow(trail: Trail, text: str) -> tuple[tuple[Blame | None, ...], bool]:
    """Walk the trail over a report.

    Returns the guilty frame of each stack on the trail (None: no frame to blame), and whether every step was found.
    """
    blamed, sound = _walk(trail, text)
    if sound or trail.otherwise is None or (trail.otherwise.last_resort and is_traced(text)):
        return blamed, sound
    others, sound = follow(trail.otherwise, text)
    return (blamed if any(blamed) and not any(others) else others), sound


def _walk(trail: Trail, text: str) -> tuple[tuple[Blame | None, ...], bool]:
    steps = trail.steps
    lines = iter(text.split("\n"))
    stacks: list[list[str]] = [[]]
    sound = True
    stacks_read = 0
    counter: list[str] = []
    index = 0
    while index < len(steps):
        step = steps[index]
        index += 1
        if step is not None:
            found, intact = _seek(step, lines)
            counter = found if step is PC_LINE else counter
        else:
            if stacks_read:
                stacks.append([])
            stacks_read += 1
            following = steps[index] if index < len(steps) else None
            found, intact, passed = _read_stack(lines, following)
            index += passed
            found = _below(found, counter)
        sound = sound and intact
        stacks[-1] += [name for name in map(demangle, found) if not _skipped(trail, name)]
    blamed = tuple(_choose(trail, frames) for frames in stacks)
    return blamed, sound and None not in blamed


def _below(frames: list[str], counter: list[str]) -> list[str]:
    """A stack without what a dying kernel calls: die() and its hooks stand above the program counter's function."""
    dying = max((at for at, name in enumerate(frames) if _DYING.search(name)), default=-1)
    if dying < 0:
        return frames
    if counter:
        return frames[frames.index(counter[-1]) :] if counter[-1] in frames else []
    return frames[dying + 1 :]


def _seek(step: re.Pattern[str], lines: Iterator[str]) -> tuple[list[str], bool]:
    """Advance to the line that matches; its captures, and whether no foreign stack was met."""
    for line in lines:
        if _FOREIGN.match(line):
            return [], False
        found = step.search(line)
        if found is not None:
            return [name for name in found.groups() if name], True
    return [], True


def _read_stack(lines: Iterator[str], following: re.Pattern[str] | None) -> tuple[list[str], bool, bool]:
    """Frames up to the next trace; whether no foreign stack was met; whether the following step's line was taken."""
    names: list[str] = []
    for line in lines:
        if _FOREIGN.match(line):
            return names, False, False
        if _ANY_START.search(line):
            break
        if following is not None and (found := following.search(line)):
            return names + [name for name in found.groups() if name], True, True
        if frame := _frame(line):
            names += [name for name in frame.groups() if name]
    return names, True, False


def _skipped(trail: Trail, name: str) -> bool:
    if is_generic(name) and not trail.last_resort:
        return True
    return trail.skip is not None and trail.skip.search(name) is not None


def _choose(trail: Trail, symbols: list[str]) -> Blame | None:
    if not symbols:
        return None
    choice = trail.pick([bare_name(symbol) for symbol in symbols])
    return None if choice is None else Blame(choice[0], symbols[choice[1]])


def missing_stack(text: str) -> str:
    """Why the stack traces of a report are incomplete; empty when each heading has its stack, and there is one."""
    traced = False
    for begins in TRACE_STARTS:
        heading = begins.search(text)
        if heading is None:
            continue
        lines = text[heading.start() :].split("\n", _STACK_WITHIN + 1)
        if len(lines) < 4:
            return "the log ends where a stack should follow"
        if _stack_follows(lines[1 : _STACK_WITHIN + 1]):
            traced = True
        elif begins is not _OPTIONAL_START:
            return "no stack where one should follow"
    return "" if traced or _BARE_FRAME.search(text) else "no stack trace"


def _stack_follows(lines: list[str]) -> bool:
    for line in lines:
        if any(begins.search(line) for begins in TRACE_STARTS):
            return False
        if "(stack is not available)" in line or is_frame(line):
            return True
    return False
