"""Books that cannot be true."""

from __future__ import annotations

from typing import Any

import pytest

from usbfuzz.jobs.audit.books import Books


def _books(**changes: Any) -> Books:
    plain: dict[str, Any] = {
        "kernel": "debian:5.10.223-1",
        "params": "[]",
        "next": 128,
        "unfinished": (3, 100, 101),
        "skipped": frozenset({7}),
        "totals": {"cases": 124, "plugs": 140},
        "sources": 130,
        "drivers": frozenset({"usbhid", "wacom"}),
        "bound": frozenset({"usbhid"}),
        "samples": ((10, 8, 1), (140, 124, 2)),
        "sighted": frozenset({"oops in x"}),
        "begun": "2026-01-01T00:00:00+00:00",
    }
    return Books(**{**plain, **changes})


def test_books_that_add_up_are_right() -> None:
    assert list(_books().findings()) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"totals": {"cases": 125}}, "1 run twice"),
        ({"totals": {"cases": 122}}, "2 lost"),
        ({"unfinished": (3, 3, 100, 101), "totals": {"cases": 123}}, "are there twice"),
        ({"unfinished": (3, 100, 300)}, "never handed out, or are there twice: 300"),
        ({"skipped": frozenset({100})}, "skipped and are unfinished: 100"),
        ({"sources": 100}, "sources made 100"),
        ({"bound": frozenset({"asix"})}, "never bound: asix"),
        ({"samples": ((10, 8, 2), (140, 124, 1))}, "samples go back"),
    ],
)
def test_books_that_lost_something_or_did_it_twice_say_so(changes: dict[str, Any], said: str) -> None:
    assert said in "; ".join(_books(**changes).findings())


def test_books_that_went_on_lost_nothing() -> None:
    later = _books(
        next=192,
        unfinished=(3, 150),
        totals={"cases": 189, "plugs": 200},
        samples=((10, 8, 1), (140, 124, 2), (200, 189, 2)),
    )
    assert list(later.since(_books())) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"totals": {"cases": 124, "plugs": 139}}, "plugs went back from 140 to 139"),
        ({"next": 64, "unfinished": ()}, "the next number went back from 128 to 64"),
        ({"unfinished": (3, 99, 100, 101)}, "run are unfinished again: 99"),
        ({"drivers": frozenset({"usbhid"})}, "known no more: wacom"),
        ({"sighted": frozenset()}, "known no more: oops in x"),
        ({"skipped": frozenset()}, "known no more: 7"),
        ({"samples": ((10, 8, 1),)}, "gone or others"),
    ],
)
def test_what_was_known_and_is_not_is_named(changes: dict[str, Any], said: str) -> None:
    assert said in "; ".join(_books(**changes).since(_books()))
