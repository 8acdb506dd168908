"""The numbers of a page as JSON."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from usbfuzz import __version__

from .compare import Comparison
from .data import Account, Course
from .words import headline, pay, state_words

__all__ = ["to_json"]

_FORMAT = 1


def to_json(account: Account, comparison: Comparison | None = None, indent: int | None = 1) -> str:
    """Everything a page has numbers of. What is not known is null."""
    known = asdict(account)
    for course, raw in zip(account.courses, known["courses"], strict=True):
        raw.update(_derived(course))
    for bug, raw in zip(account.bugs, known["bugs"], strict=True):
        raw["total"] = bug.total
    words = {"headline": headline(account), "state": state_words(account)}
    counts = {word: account.count(word) for word in ("confirmed", "seen", "evidence")}
    whole = {"format": _FORMAT, "usbfuzz": __version__, "words": words, "counts": counts, **known}
    whole["against"] = None if comparison is None else asdict(comparison)
    return json.dumps(whole, indent=indent) + "\n"


def _derived(course: Course) -> dict[str, Any]:
    found = pay(course)
    return {
        "seconds_since_bug": found.since_bug,
        "seconds_since_block": found.since_block,
        "bound": course.bound,
        "standings": {driver.module: driver.standing for driver in course.drivers},
    }
