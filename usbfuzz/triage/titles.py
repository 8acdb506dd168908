"""Titles that do not change from run to run: numbers, addresses and processes are taken out."""

from __future__ import annotations

import re

__all__ = ["MAX_TITLE", "stable_title"]

#: Longer titles are cut: interleaved lines can be of any length.
MAX_TITLE = 120

#: What varies between runs, and the word that stands for it. Applied in this order, each until nothing changes
#: (in "1,2,3" the separators of neighbouring matches overlap).
_VARYING: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"(syz-executor|syzkaller)\.?\d+(?:[/:]\d+)?", r"\1"),
        (r"kmalloc-rnd-\d+-", "kmalloc-"),  # which of the 16 copies of a cache is drawn at boot
        (r"([^A-Za-z0-9])(?:0x)?[0-9a-f]{6,}", r"\1ADDR"),
        (r"\d{1,3}(?:\.\d{1,3}){3}", "IP"),
        (r"(\.\w+)(?::\d+)+", r"\1:LINE"),
        (r"([A-Za-z][\w.]+)\+0x[0-9a-z]+/0x[0-9a-z]+", r"\1"),
        (r"CPU#\d+", "CPU"),
        (r"(?<!kmalloc)(\W)\d+(\W|$)", r"\1NUM\2"),
        (r"\d{7,}", "NUM"),
    )
)

_BLANKS = re.compile(r" {2,}")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def stable_title(title: str) -> str:
    """The title without what varies, printable ASCII only, at most :data:`MAX_TITLE` characters."""
    for pattern, word in _VARYING:
        changed = 1
        while changed:
            before = title
            title, changed = pattern.subn(word, title)
            if title == before:
                break
    title = title[:MAX_TITLE].replace("\t", " ")
    return _BLANKS.sub(" ", _UNPRINTABLE.sub("", title)).strip()
