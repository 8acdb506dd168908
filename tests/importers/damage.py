"""Damaged files: an importer answers them with devices that can be written down, or with one clear error.

The fast tests try a hundred of each; ``pytest --timeout=0 --hypothesis-profile=long -k damaged`` tries 100000.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from usbfuzz.case import Case, dumps, loads
from usbfuzz.errors import InputError
from usbfuzz.importers import Importer

__all__ = ["damaged", "damaged_text", "survives"]

_MOST_CHANGES = 12
_LONGEST_RUN = 400  #: bytes or lines that are deleted, or repeated, at once
_DIGITS = 5000  #: more than int() reads without complaint

#: What stands where a number stood: too large, too long, negative, of other scripts, of no sense.
_NUMBERS = (
    *("", "0", "1", "3", "-1", "+7", "255", "256", "65535", "65536", "4294967295", "18446744073709551616"),
    *("9" * _DIGITS, "0x" + "f" * _DIGITS, "0x", "0x0", "0x 0", "0xff", "0xg", "00", "1e9", "1.00", "9.99.99", "1_000"),
    *("nan", "None", "\u0663", "\u00b2", "\u2167", "\u09ea\u09eb", "\U0001d7d8", "\uff11"),
)
#: What mailers, browsers, terminals and word processors leave in a text, and what ends a line for some programs only.
_WORDS = (
    *" \t\xa0\u2003\u2009\u3000\u200b\u202e\ufeff\u0301\x85\u2028\u2029\x0b\x0c\x1c\x1d\x1e\x1f\0\x08\r\n\ufffd\udc80",
    *"|={}[]():\"'\\/>\U0001f600",
    *("\x1b[31m", "\x1b]0;", "> ", "=20", "=3D", "=\n", "&nbsp;", "&#x110000;", "<br>", "&lt", "%s"),
    *("**", "\\x", "\\u", "\\777", "../", "${x}", "A" * _DIGITS, "0" * _DIGITS),
)
_SHORT_WORDS = [word for word in _WORDS if len(word) < _DIGITS]

Lines = list[str]
_place = st.integers(0, 1 << 16)  #: a line or a column, modulo how many there are


def damaged(content: bytes, values: st.SearchStrategy[int]) -> st.SearchStrategy[bytes]:
    """The content with some of its bytes changed, up to 400 at a place missing or twice there, or its end cut off."""
    at = st.integers(0, len(content) - 1)
    run = st.integers(1, _LONGEST_RUN)
    change = st.one_of(
        st.tuples(at, st.just(1), values.map(lambda value: bytes((value,)))),
        st.tuples(at, run, st.just(b"")),
        st.tuples(at, st.just(0), st.tuples(at, run).map(lambda cut: content[cut[0] : cut[0] + cut[1]])),
        st.tuples(at, st.just(len(content)), st.just(b"")),
    )

    def apply(changes: list[tuple[int, int, bytes]]) -> bytes:
        raw = bytearray(content)
        for start, length, by in changes:
            raw[start : start + length] = by
        return bytes(raw)

    return st.lists(change, max_size=_MOST_CHANGES).map(apply)


def damaged_text(content: bytes) -> st.SearchStrategy[bytes]:
    """The text with lines lost, doubled, moved, indented, joined and broken, other blanks, absurd numbers, odd words.

    Some of its bytes may be changed besides, or its end be cut off.
    """
    edits = st.lists(st.one_of(*_EDITS), min_size=1, max_size=_MOST_CHANGES)

    def apply(changes: list[Callable[[Lines], None]]) -> bytes:
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        for change in changes:
            change(lines)
            lines = lines or [""]
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    whole = edits.map(apply)
    return st.one_of(whole, whole.filter(bool).flatmap(lambda text: damaged(text, st.integers(0, 255))))


def survives(importer: Importer, content: bytes) -> None:
    """The importer raises nothing but InputError, and what it gives can be written down and read again."""
    try:
        found = importer(content, "x")
    except InputError:
        return
    for imported in found:
        assert loads(dumps(Case((imported.device,), ()))).devices == (imported.device,)


def _cut(at: int, count: int) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        start = at % len(lines)
        del lines[start : start + count]

    return change


def _repeat(at: int, count: int, to: int) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        start, end = at % len(lines), to % len(lines)
        lines[end:end] = lines[start : start + count]

    return change


def _swap(at: int, to: int) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        one, two = at % len(lines), to % len(lines)
        lines[one], lines[two] = lines[two], lines[one]

    return change


def _indent(at: int, count: int, by: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        start = at % len(lines)
        lines[start : start + count] = [by + line.lstrip() for line in lines[start : start + count]]

    return change


def _join(at: int) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        start = at % len(lines)
        lines[start : start + 2] = ["".join(lines[start : start + 2])]

    return change


def _insert(at: int, column: int, word: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        place = at % len(lines)
        middle = column % (len(lines[place]) + 1)
        lines[place] = lines[place][:middle] + word + lines[place][middle:]

    return change


def _respace(at: int, count: int, column: int, by: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        start = at % len(lines)
        for place, line in enumerate(lines[start : start + count], start=start):
            lines[place] = line[:column] + line[column:].replace(" ", by)

    return change


def _number(at: int, which: int, number: str) -> Callable[[Lines], None]:
    def change(lines: Lines) -> None:
        place = at % len(lines)
        words = lines[place].split(" ")
        numbers = [index for index, word in enumerate(words) if any(letter.isdigit() for letter in word)]
        if numbers:
            words[numbers[which % len(numbers)]] = number
        lines[place] = " ".join(words)

    return change


_EDITS: tuple[st.SearchStrategy[Callable[[Lines], None]], ...] = (
    st.builds(_cut, _place, st.one_of(st.just(1), st.integers(1, _LONGEST_RUN), st.just(1 << 16))),
    st.builds(_repeat, _place, st.one_of(st.just(1), st.integers(1, _LONGEST_RUN)), _place),
    st.builds(_swap, _place, _place),
    st.builds(
        _indent, _place, st.integers(1, _LONGEST_RUN), st.sampled_from(("", " ", "\t", " " * 40, "> ", "\u3000"))
    ),
    st.builds(_join, _place),
    st.builds(_respace, _place, st.integers(1, _LONGEST_RUN), st.integers(0, 40), st.sampled_from(_SHORT_WORDS)),
    st.builds(_insert, _place, _place, st.sampled_from((*_WORDS, *_NUMBERS))),
    st.builds(_number, _place, st.integers(0, 3), st.sampled_from(_NUMBERS)),
)
