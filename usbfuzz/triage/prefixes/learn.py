"""The shapes of prefixes, learned from the lines around reports.

A prefix is taken apart into words, numbers, brackets and signs. Those of one shape are counted; a shape that lines of
several sorts share is believed, and becomes a pattern in which numbers and brackets vary, and words where they did.
All repetitions are possessive, so that a pattern takes linear time on any line.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from attrs import define, evolve, field

from usbfuzz.triage.console import LONGEST_LINE, STAMP

from .anchors import ANCHOR, SIGNS
from .piece import HARD_BLANK, QUOTES, bare_line, is_quoted, is_untidy, unquoted
from .rules import BARE, STAMPED, Rules
from .syslog import HEADED, KERNEL
from .wrapped import is_narrow, is_wrapped, unwrapping

__all__ = ["learn"]

_MOST_SIGNS = 60  #: of each sort
#: The same where a mailer broke a line, or a browser its blanks: looked for when nothing else is found.
_BROKEN_SIGNS = (
    *(words.replace(" ", gap, 1) for words in SIGNS if " " in words.strip() for gap in ("\n", " \n", "\n> ")),
    *(words.replace(" ", HARD_BLANK) for words in SIGNS if " " in words),
)
_MOST_WINDOWS = 12
_BEFORE, _AFTER = 400, 4000  #: bytes around a sign
_LONGEST_PREFIX = 160
_MOST_TOKENS = 40
_ENOUGH_ALIKE = 3  #: lines, when all are of one sort

_TOKEN = re.compile(
    rf"(?P<stamp>{STAMP})"
    r"|(?P<box>\[[^\[\]]{0,80}\]|\([^()]{0,40}\)|<[^<>]{0,40}>)"
    r"|(?P<number>\d+)|(?P<word>[A-Za-z_]+)|(?P<blank>[ \t]+)|(?P<sign>.)", re.DOTALL
)  # fmt: skip
_STAMP = f"(?P<stamp>{STAMP})"
_BLANK = r"[ \t]*+"
_ANY_WORD = "[A-Za-z_]++"
_PATTERNS = {"number": r"\d++", "[": r"\[[^\[\]]{0,80}+\]", "(": r"\([^()]{0,40}+\)", "<": r"<[^<>]{0,40}+>"}
#: Words that vary in a log although those of the reports may be all the same.
_VARYING = re.compile(
    r"(?i)(?:mon|tue|wed|thu|fri|sat|sun)\w*|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*|[ap]m"
    r"|emerg|panic|alert|crit|err|error|warn|warning|notice|info|debug|[VDIWEFSc]"
)
_KERNEL = "kernel"
#: What a console itself prints before the kernel's words.
_PLAIN = re.compile(rf"(?:\*\* \d+ printk messages dropped \*\* )?(?:(?:<\d+>)?{STAMP})?[ \t]*")
#: Lines but the first: a pattern that begins with a sign is searched for many times faster than one with "^".
_STAMPED = re.compile(rf"\n(?:<\d+>)?{STAMP} ")
_CONSOLE_ANCHOR = re.compile(rf"\n{_PLAIN.pattern}(?:{ANCHOR.pattern})")
#: Not within a word: most positions of a line are passed over fast.
_ANCHOR_BEHIND = re.compile(rf"(?<![A-Za-z0-9])(?:{ANCHOR.pattern})")
_NEARLY_ALL = 0.9  #: of the lines
_MANY_TIMES = 4
_LONGEST_BROKEN = 3  #: lines that a mailer makes of one

#: A shape: words and numbers by their kind, brackets by the opening one, other signs as they are; no blanks.
Signature = tuple[str, ...]
_OPEN = frozenset("[(")  #: without its other half: lockdep's "[ BUG: bad unlock balance detected! ]"
_QUOTES = frozenset(">|")
_WORDS = frozenset({"word"})  #: alone they are part of a sentence
_SAYS_SOMETHING = frozenset({"word", "number"})


@define
class _Shape:
    """A form of prefix, and the lines that have it."""

    seen: list[tuple[list[tuple[str, str]], int]] = field(factory=list)  #: tokens, blanks behind them
    sorts: Counter[str] = field(factory=Counter)  #: of anchors
    tails: set[str] = field(factory=set)


def learn(log: str) -> Rules | None:
    """The rules for a log; None when a console printed it."""
    windows = _windows(log)
    if not windows or not all(map(is_quoted, windows)):
        return _learned(windows)
    bare = list(map(unquoted, windows))
    rules = _learned(bare) or (STAMPED if any(_count(_STAMPED, window) for window in bare) else BARE)
    if rules.wrapped or not is_wrapped(windows, (QUOTES,)):
        return evolve(rules, quoted=True)
    behind = tuple(re.compile(f"{QUOTES.pattern}{pattern.pattern}") for pattern in rules.kernel)
    return evolve(rules, kernel=behind, wrapped=True)  # a mailer broke what was quoted


def _learned(windows: Sequence[str]) -> Rules | None:
    if all(map(_printed_by_console, windows)):
        return unwrapping(windows)
    untidy = any(map(is_untidy, windows))
    lines = [bare_line(line[:LONGEST_LINE]) for window in windows for line in window.split("\n")]
    shapes, plain = _shapes(lines)
    believed = _believed(shapes, plain)
    headed = sum(KERNEL.match(line) is not None for line in lines)
    if headed * _LONGEST_BROKEN >= sum(map(bool, lines)):
        believed = list(filter(_names_kernel, believed))  # others are what a mailer broke off
    kernel = [_pattern(shape) for shape in believed]
    others = [pattern for shape in believed if (pattern := _program(shape))]
    if headed:
        kernel.append(KERNEL.pattern)
    if any(map(HEADED.match, lines)):
        others.append(HEADED.pattern)
    if not kernel and not others and not untidy:
        return unwrapping(windows)
    patterns = tuple(map(re.compile, kernel))
    starts = (*patterns, *map(re.compile, others))
    prefixed = sum(any(pattern.match(line) for pattern in patterns) for line in lines)
    return Rules(
        kernel=patterns,
        others=re.compile("|".join(others)) if others else None,
        tail=_tail(believed),
        wrapped=bool(kernel) and (prefixed >= plain * _MANY_TIMES or is_wrapped(windows, starts)),
    )


def _windows(log: str) -> list[str]:
    """The surroundings of what looks like a report, from all over the log."""
    hits = _hits(log, SIGNS) or _hits(log, _BROKEN_SIGNS)
    windows: list[str] = []
    read = 0
    for hit in hits[:: max(len(hits) // _MOST_WINDOWS, 1)]:
        begin = max(read, log.rfind("\n", 0, max(hit - _BEFORE, 0)) + 1)
        read = log.find("\n", hit + _AFTER)
        read = len(log) if read < 0 else read + 1
        if begin < read:
            windows.append(log[begin:read])
    return windows


def _hits(log: str, signs: Iterable[str]) -> list[int]:
    return sorted({hit for words in signs for hit in islice(_occurrences(log, words), _MOST_SIGNS)})


def _printed_by_console(window: str) -> bool:
    """Whether nothing but a stamp precedes the kernel's words: seen fast, as most logs are like this."""
    if is_untidy(window):
        return False
    lines = window.count("\n")
    surely = _count(_CONSOLE_ANCHOR, window)
    return (surely > 2 and surely * 3 > lines and not is_narrow(window)) or (
        surely * 9 > lines and _count(_STAMPED, window) > lines * _NEARLY_ALL
    )


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(f"\n{text}"))


def _occurrences(log: str, words: str) -> Iterator[int]:
    hit = log.find(words)
    while hit >= 0:
        yield hit
        hit = log.find(words, hit + _BEFORE)


def _shapes(lines: Sequence[str]) -> tuple[Mapping[Signature, _Shape], int]:
    """What precedes the anchors of these lines, by shape; and how many have nothing but what a console prints."""
    shapes: dict[Signature, _Shape] = defaultdict(_Shape)
    plain = 0
    for line in lines:
        prefix = _PLAIN.match(line)
        assert prefix is not None
        if ANCHOR.match(line, prefix.end()):
            plain += 1
            continue
        found = None if HEADED.match(line) else _ANCHOR_BEHIND.search(line, 0, _LONGEST_PREFIX + 40)
        if found is None or not 0 < found.start() <= _LONGEST_PREFIX:
            continue
        signature, tokens, blank = _taken_apart(line[: found.start()])
        if len(signature) <= _MOST_TOKENS and _OPEN.isdisjoint(signature):
            shape = shapes[signature]
            shape.seen.append((tokens, blank))
            shape.sorts[found.lastgroup or ""] += 1
            shape.tails.add(line[-24:])
    return shapes, plain


def _taken_apart(prefix: str) -> tuple[Signature, list[tuple[str, str]], int]:
    """The shape of a prefix, its tokens (kind, text) without blanks, and how many blanks end it."""
    tokens = [(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(prefix)]
    blank = len(prefix) - len(prefix.rstrip(" \t"))
    tokens = [token for token in tokens if token[0] != "blank"]
    kinds = (text if kind == "sign" else text[0] + text[-1] if kind == "box" else kind for kind, text in tokens)
    return tuple(kinds), tokens, blank


def _believed(shapes: Mapping[Signature, _Shape], plain: int) -> list[_Shape]:
    """The shapes that enough lines of several sorts have, and rare ones that are nearly the same; the longest first."""
    total = plain + sum(len(shape.seen) for shape in shapes.values())
    enough = max(2, total // 25)
    found = {
        signature
        for signature, shape in shapes.items()
        if not _WORDS.issuperset(signature)
        and ((len(shape.seen) >= enough and len(shape.sorts) > 1) or (len(shape.seen) >= _ENOUGH_ALIKE and not plain))
    }
    if not found and not plain:  # a short log
        found = {signature for signature in shapes if len(signature) > 1 and _SAYS_SOMETHING.isdisjoint(signature)}
    variants = {signature for signature in shapes if any(_nearly(signature, other) for other in found)}
    ends = {signature for signature in shapes if _is_quoted_end(signature, shapes)}
    longest = sorted(
        (found | variants) - ends, key=lambda signature: (-len(signature), -len(shapes[signature].seen), signature)
    )
    return [shapes[signature] for signature in longest]


def _is_quoted_end(quotes: Signature, shapes: Mapping[Signature, _Shape]) -> bool:
    """Whether a shape of quotation marks alone is that of ends of lines: wrapped first, and quoted then."""
    whole = sum(
        len(shape.seen)
        for other, shape in shapes.items()
        if len(other) > len(quotes) + 1 and other[: len(quotes)] == quotes
    )
    return _QUOTES.issuperset(quotes) and whole > len(shapes[quotes].seen)


def _nearly(one: Signature, other: Signature) -> bool:
    """Whether one of two shapes has a token that the other lacks, and nothing else differs."""
    short, long = sorted((one, other), key=len)
    return len(long) == len(short) + 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _names_kernel(shape: _Shape) -> bool:
    return any(text == _KERNEL for tokens, _ in shape.seen[:1] for _, text in tokens)


def _columns(shape: _Shape) -> list[tuple[str, list[str]]]:
    """The kind and all texts of each token."""
    return [
        (tokens[0][0], list(dict.fromkeys(text for _, text in tokens)))
        for tokens in zip(*(tokens for tokens, _ in shape.seen), strict=True)
    ]


def _token(kind: str, texts: Sequence[str]) -> str:
    if kind == "stamp":
        return _STAMP
    if kind == "box":
        return _PATTERNS[texts[0][0]]
    if kind == "number":
        return _PATTERNS["number"]
    if kind == "word" and (len(texts) > 1 or _VARYING.fullmatch(texts[0])):
        return _ANY_WORD
    return re.escape(texts[0])


def _pattern(shape: _Shape) -> str:
    """What matches prefixes of this shape, and no blank that belongs to the kernel's words."""
    columns = _columns(shape)
    stamps = [at for at, (kind, _) in enumerate(columns) if kind == "stamp"]
    tokens = [_token(kind, texts) for kind, texts in columns]
    for at in stamps[:-1]:  # the last one is the kernel's
        tokens[at] = _PATTERNS["["]
    pattern = _BLANK + _BLANK.join(tokens)
    return f"{pattern}[ \\t]{{0,{min(blank for _, blank in shape.seen)}}}+"


def _program(shape: _Shape) -> str:
    """What matches the same prefix of a program: something else where the kernel is named; empty if it is not."""
    columns = _columns(shape)
    named = [at for at, (_, texts) in enumerate(columns) if texts == [_KERNEL]]
    if not named or named[-1] < 3:
        return ""
    head = [
        _ANY_WORD if kind == "word" else _token(kind, texts).replace("?P<stamp>", "?:")
        for kind, texts in columns[: named[-1]]
    ]
    return f"{_BLANK}{_BLANK.join(head)}{_BLANK}[^\\s:\\[]"


def _tail(shapes: Sequence[_Shape]) -> str:
    """The signs that end every line behind a prefix: a quote and a bracket."""
    tails = [tail for shape in shapes for tail in shape.tails]
    if len(tails) < 2:
        return ""
    tail = tails[0]
    while tail and not all(other.endswith(tail) for other in tails):
        tail = tail[1:]
    return re.sub(r"^[^\"'}]+", "", tail)
