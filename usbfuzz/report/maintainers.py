"""Who is to be told of a file: the kernel's MAINTAINERS, read as the text at its beginning says.

Of the fields of a section M, R, L, S, F, X and N are used. The section for the whole tree ("THE REST") gives its list,
and no persons.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from attrs import field, frozen

__all__ = ["Person", "Recipients", "Section", "parse_maintainers", "recipients"]

USB_CORE = "drivers/usb/core/hub.c"  #: the lists for this file hear of every USB bug
_FIELD = re.compile(r"([A-Z]):\s+(\S.*?)\s*")
_REST = "THE REST"
_NOBODY = ("orphan", "obsolete")  #: values of S: whose persons are not written to
_CLOSED = "subscribers-only"  #: said behind a list that takes no mail from others
_WILD = re.compile(r"(\*\*|\*|\?)")
_ADDRESS = re.compile(r"(?P<name>[^<>]*?)\s*<?(?P<address>[\w.+=/-]+@[\w.-]+\w)>?\s*", re.ASCII)


@frozen
class Person:
    """Somebody, or a list, to write to."""

    name: str  #: "" for most lists
    address: str


@frozen
class Section:
    """A subsystem: who looks after it, and which files are its."""

    title: str
    maintainers: tuple[Person, ...] = ()  #: M:
    reviewers: tuple[Person, ...] = ()  #: R:
    lists: tuple[Person, ...] = ()  #: L: that anybody may write to
    status: str = ""  #: S: Supported, Maintained, Odd Fixes, Orphan, Obsolete
    files: tuple[str, ...] = ()  #: F: shell patterns
    excluded: tuple[str, ...] = ()  #: X: the same, of files that are not its
    names: tuple[str, ...] = ()  #: N: regular expressions of paths

    @property
    def is_rest(self) -> bool:
        """Whether it is the section for all files of the tree."""
        return self.title == _REST

    @property
    def is_looked_after(self) -> bool:
        """Whether its persons are still in charge."""
        return not self.status.lower().startswith(_NOBODY)

    def depth(self, path: str) -> int:
        """How closely it fits a file, or a directory with a slash at its end: 0 not at all, more is closer."""
        if any(_fits(pattern, path) for pattern in self.excluded):
            return 0
        found = [_depth(pattern) for pattern in self.files if _fits(pattern, path)]
        found += [1 for pattern in self.names if _searched(pattern, path)]
        return max(found, default=0)


@frozen
class Recipients:
    """To whom a mail goes."""

    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    sections: tuple[str, ...] = field(default=())  #: titles of the sections that fit, the closest first
    orphaned: tuple[str, ...] = field(default=())  #: those of them that nobody looks after


def parse_maintainers(text: str) -> tuple[Section, ...]:
    """The sections of a MAINTAINERS file, in its order; lines that are none of its fields are skipped."""
    return tuple(section for block in re.split(r"\n\s*\n", text) if (section := _section(block.splitlines())))


def recipients(sections: Sequence[Section], paths: Iterable[str]) -> Recipients:
    """To whom a bug in these files goes, the guiltiest first; a directory has a slash at its end.

    To: the maintainers of the section that fits closest and has any. Cc: those of the others, reviewers, the lists, and
    the list for USB.
    """
    found = list(dict.fromkeys(section for path in paths for section in _closest(sections, path)))
    own = [section for section in found if not section.is_rest]
    alive = [section for section in own if section.is_looked_after]
    to = next((section.maintainers for section in alive if section.maintainers), ())
    usb = [section for section in _closest(sections, USB_CORE) if not section.is_rest]
    rest = [section for section in found if section.is_rest]
    cc = [person for section in alive for person in (*section.maintainers, *section.reviewers)]
    cc += [person for section in (*own, *usb[:1], *rest) for person in section.lists]
    seen: set[str] = set()
    orphaned = tuple(section.title for section in own if not section.is_looked_after)
    titles = tuple(section.title for section in own)
    return Recipients(tuple(_new(to, seen)), tuple(_new(cc, seen)), titles, orphaned)


def _section(lines: Sequence[str]) -> Section | None:
    """The section of a block of lines: its title stands before its fields."""
    fields = [(number, match[1], match[2]) for number, line in enumerate(lines) if (match := _FIELD.fullmatch(line))]
    if not fields or fields[0][0] == 0:
        return None

    def values(letter: str) -> tuple[str, ...]:
        return tuple(value for _, name, value in fields if name == letter)

    lists = [value for value in values("L") if _CLOSED not in value]
    return Section(
        title=lines[fields[0][0] - 1].strip(),
        maintainers=tuple(_people(values("M"))),
        reviewers=tuple(_people(values("R"))),
        lists=tuple(_people(value.partition("(")[0] for value in lists)),
        status=next(iter(values("S")), ""),
        files=values("F"),
        excluded=values("X"),
        names=values("N"),
    )


def _people(values: Iterable[str]) -> Iterator[Person]:
    """Names and addresses; what holds no address is skipped."""
    for value in values:
        if match := _ADDRESS.fullmatch(value):
            yield Person(match["name"].strip('" '), match["address"])


def _closest(sections: Iterable[Section], path: str) -> list[Section]:
    """The sections that fit a path, the closest first."""
    depths = [(section.depth(path), section) for section in sections]
    return [section for depth, section in sorted(depths, key=lambda pair: -pair[0]) if depth]


def _fits(pattern: str, path: str) -> bool:
    """Whether a path is one of a shell pattern; with a slash at its end, the pattern means all below a directory."""
    regex = _regex(pattern)
    if pattern.endswith("/"):
        return re.match(regex, path) is not None
    is_plain = not _WILD.search(pattern)
    return re.fullmatch(regex, path) is not None or (is_plain and path.startswith(f"{pattern}/"))


def _regex(pattern: str) -> str:
    """A shell pattern as a regular expression: a star ends at a slash, two stars do not."""
    words = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(words.get(part, re.escape(part)) for part in _WILD.split(pattern))


def _depth(pattern: str) -> int:
    """Parts of a path that a pattern names; one that begins with a star names hardly any."""
    return 1 if pattern.startswith("*") else 1 + len(pattern.rstrip("/").split("/"))


def _searched(pattern: str, path: str) -> bool:
    try:
        return re.search(pattern, path) is not None
    except re.error:
        return False


def _new(people: Iterable[Person], seen: set[str]) -> Iterator[Person]:
    """Those whose addresses were not there before; they are noted as seen."""
    for person in people:
        if person.address.lower() not in seen:
            seen.add(person.address.lower())
            yield person
