"""What the tables of families are made of: how a report is recognised, what it is called, which frame it blames."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from attrs import evolve, field, frozen

from .functions import name_variants
from .stack import ADDRESS, CALL_TRACE, FUNCTION, PC_LINE, STACK, Blame, Pick, Step, Trail, first_frame, follow
from .types import CrashType

__all__ = [
    "LOCK_PLACE",
    "SOURCE",
    "UNKNOWN_FRAME",
    "CrashTypeOf",
    "Description",
    "Head",
    "Shape",
    "at_fault",
    "at_pc",
    "at_trace",
    "at_warning",
    "describe",
    "later",
    "path",
]  # fmt: skip

#: What a title says when the guilty frame could not be found.
UNKNOWN_FRAME = "corrupted"

CrashTypeOf = CrashType | None | Callable[[Mapping[str, str]], CrashType | None]


def _compile(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(pattern) if isinstance(pattern, str) else pattern


def _compile_or_none(pattern: str | re.Pattern[str] | None) -> re.Pattern[str] | None:
    return None if pattern is None else _compile(pattern)


@frozen
class Head:
    """The words a crash line is found by."""

    words: str  #: searched in the raw log, so they must be rare in healthy ones
    type: CrashType | None = None  #: of a report that starts with the words but has no known shape
    innocent: re.Pattern[str] | None = field(default=None, converter=_compile_or_none)  #: lines that only look like it
    joins: bool = False  #: belongs to the report it appears in or just behind, and begins one only far from any
    part: bool = False  #: belongs to the report it appears in, and begins one behind that report's end

    def spots(self, line: str) -> bool:
        """Whether the line is a crash line by these words."""
        return self.words in line and (self.innocent is None or self.innocent.search(line) is None)


@frozen
class Shape:
    """One form of crash report: a row of a family's table."""

    head: str  #: words of the Head it belongs to
    sign: re.Pattern[str] = field(converter=_compile)  #: what the line says
    title: str  #: str.format template: {frame}, {origin} (second stack), and the pattern's named groups
    type: CrashTypeOf = None
    trail: Trail | None = None  #: leads to {frame}
    detail: re.Pattern[str] | None = field(default=None, converter=_compile_or_none)  #: must follow; its groups count
    clue: re.Pattern[str] | None = field(default=None, converter=_compile_or_none)  #: may follow; its groups count then
    when: Callable[[str, str], bool] | None = None  #: what else must be true of the lines before and of the report
    alt: tuple[str, ...] = ()  #: templates of the alternative titles
    witness: Callable[[str, str], str | None] | None = None  #: finds {frame} in the lines before and in the report
    names_driver: bool = False  #: the name that the witness finds is a driver's, not a function's
    nameless: str = ""  #: the title when the witness, or the trail, finds no name
    traced: bool = True  #: an intact report of this form has a stack trace
    broken: bool = False  #: this form shows only when the real beginning was lost


@frozen
class Description:
    """What a report is called, and the shape and frame that this follows from."""

    title: str
    alt_titles: tuple[str, ...]
    type: CrashType | None
    shape: Shape | None  #: None: none of the known forms; the title is the line itself
    blame: Blame | None
    corruption: str


def later(pattern: str) -> str:
    """Pattern for something on a later line of the report."""
    return rf"[^\n]*\n(?:[^\n]*\n)*?[^\n]*?{pattern}"


def path(*steps: str | Step, skip: str = "", pick: Pick = first_frame) -> Trail:
    """A trail of these steps: patterns of lines, or ``STACK``."""
    ready = tuple(re.compile(step) if isinstance(step, str) else step for step in steps)
    return Trail(ready, skip=re.compile(skip) if skip else None, pick=pick)


def at_pc(skip: str = "") -> Trail:
    """Blame the function at the program counter, and no other."""
    return path(PC_LINE, skip=skip)


def at_trace(skip: str = "", pick: Pick = first_frame) -> Trail:
    """Blame a frame of the call trace."""
    return path(CALL_TRACE, STACK, skip=skip, pick=pick)


def at_fault(skip: str = "", pick: Pick = first_frame) -> Trail:
    """Blame the instruction pointer, or when that is generic or not printed a frame of the call trace."""
    return evolve(path(PC_LINE, CALL_TRACE, STACK, skip=skip, pick=pick), otherwise=at_trace(skip, pick))


#: Where a WARNING's real stack begins: at the trapping instruction, or on powerpc at the interrupt frame.
_TRAPPED = re.compile(rf"{PC_LINE.pattern}|--- interrupt: \d+ at {FUNCTION}")


def at_warning(skip: str = "") -> Trail:
    """Blame the caller of WARN(): new kernels trap there, old ones just print the stack."""
    generic = re.compile(skip) if skip else None
    return Trail((_TRAPPED, STACK), generic, otherwise=Trail((CALL_TRACE, STACK), generic))


#: "drivers/usb/core/hub.c:123".
SOURCE = r"[A-Za-z0-9\-_/.]+\.[a-z]+:\d+"
#: "at: [<ffffffff8123>] f+0x1/0x2", the way lockdep names the place of a lock operation.
LOCK_PLACE = rf"at: (?:{ADDRESS} +)?(?P<place>[A-Za-z0-9_]+)[.+]"


def describe(head: Head, shapes: Sequence[Shape], body: str, before: Callable[[], str]) -> Description:
    """Name the report whose lines are ``body``: by the first shape that fits at the earliest sign.

    ``shapes`` are those of the head, in order of preference; when none fits, the line itself is the title.
    ``before`` gives the lines before the report, for the few that need them.
    """
    first = body.find("\n") + 1 or len(body)
    signed = _earliest(shapes, body, first) or _earliest(shapes, body, len(body))
    for shape, sign in signed:
        found = sign if shape.detail is None else shape.detail.search(body)
        if found is not None and (shape.when is None or shape.when(before(), body)):
            return _testify(shape, found, before, body) if shape.witness else _fill(shape, found, body)
    begin = max(body.find(head.words), 0)
    line = body[begin:].split("\n", 1)[0]
    return Description(line, (), head.type, None, None, "the crash line is there, its report is not" if signed else "")


def _earliest(shapes: Sequence[Shape], body: str, end: int) -> list[tuple[Shape, re.Match[str]]]:
    """The shapes whose sign comes first, when it begins before ``end``."""
    best: list[tuple[Shape, re.Match[str]]] = []
    for shape in shapes:
        sign = shape.sign.search(body, 0, end)
        if sign is None or (best and sign.start() > best[0][1].start()):
            continue
        if best and sign.start() < best[0][1].start():
            best.clear()
        best.append((shape, sign))
    return best


def _fill(shape: Shape, found: re.Match[str], body: str) -> Description:
    words = {name: value or "" for name, value in found.groupdict().items()}
    if shape.clue is not None and (clue := shape.clue.search(body, found.start())):
        words |= {name: value or "" for name, value in clue.groupdict().items()}
    blamed: tuple[Blame | None, ...] = ()
    sound, pc_lost = True, False
    if shape.trail is not None:
        report = body[found.start() :]
        blamed, sound = follow(shape.trail, report)
        pc_lost = shape.trail.steps[0] is PC_LINE and PC_LINE.search(report) is None
    if shape.nameless and not any(blamed):
        return _nameless(shape, words)
    names = _named([blame.name if blame else UNKNOWN_FRAME for blame in blamed])
    title = shape.title.format(**words, **names)
    alt = [template.format(**words, **names) for template in shape.alt]
    for symbols in _variants(blamed):
        names = _named(symbols)
        alt += [template.format(**words, **names) for template in (shape.title, *shape.alt)]
    corruption = ("the program counter is missing" if pc_lost else "") if sound else "no stack frame to blame"
    if not corruption and shape.broken:
        corruption = "the beginning of the report was lost"
    guilty = blamed[0] if blamed else None
    if guilty is None and words.get("place"):
        guilty = Blame(words["place"], words["place"])
    return Description(
        title, tuple(dict.fromkeys(t for t in alt if t != title)), _type(shape, words), shape, guilty, corruption
    )


def _testify(shape: Shape, found: re.Match[str], before: Callable[[], str], body: str) -> Description:
    assert shape.witness is not None
    words = {group: value or "" for group, value in found.groupdict().items()}
    name = shape.witness(before(), body)
    if name is None:
        return _nameless(shape, words)
    alt = tuple(template.format(**words, frame=name) for template in shape.alt)
    title = shape.title.format(**words, frame=name)
    return Description(title, alt, _type(shape, words), shape, Blame(name, name), "")


def _nameless(shape: Shape, words: Mapping[str, str]) -> Description:
    """What a report is called for which nobody is blamed; doubtful where a trail should have led to somebody."""
    doubt = "no stack frame to blame" if shape.trail else ""
    return Description(shape.nameless.format(**words), (), _type(shape, words), shape, None, doubt)


def _type(shape: Shape, words: Mapping[str, str]) -> CrashType | None:
    return shape.type if shape.type is None or isinstance(shape.type, CrashType) else shape.type(words)


def _named(names: Sequence[str]) -> dict[str, str]:
    return dict(zip(("frame", "origin"), names, strict=False))


def _variants(blamed: Sequence[Blame | None]) -> list[list[str]]:
    """Symbols as they are, then with every entry-point prefix taken off that any of them has."""
    options = [name_variants(blame.symbol) if blame else (UNKNOWN_FRAME,) for blame in blamed]
    longest = max(map(len, options), default=0)
    return [[option[min(index, len(option) - 1)] for option in options] for index in range(longest)]
