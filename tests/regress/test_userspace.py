"""What programs see of a device as lines: bounded, unique, and compared property by property."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.regress.userspace import changes, line, recordable

TEXT = st.text(max_size=80)
LINES = st.lists(st.builds(line, TEXT, TEXT), max_size=12)
MANY = " ".join(f"KEY_{number}" for number in range(20))


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("48000", "44100 48000", "48000 → 44100 48000"),
        ("48000", None, "48000 → none"),
        (None, "48000", "none → 48000"),
        ("48000", "", "48000 → nothing"),
        (MANY, f"KEY_MICMUTE {MANY}", "+KEY_MICMUTE"),
        ("0 to 36 x 2 read-only = 0 0", "0 to 36 x 2 read-only", "0 to 36 x 2 read-only = 0 0 → 0 to 36 x 2 read-only"),
        (f"{MANY} KEY_MUTE", f"{MANY} KEY_MICMUTE", "-KEY_MUTE +KEY_MICMUTE"),
    ],
)
def test_a_change_is_told_in_the_words_of_the_record(old: str | None, new: str | None, change: str) -> None:
    before, after = ([] if value is None else [line("1.2 x: y", value)] for value in (old, new))
    assert list(changes(before, after)) == [f"1.2 x:y: {change}"]


def test_a_device_number_in_a_name_does_not_tell_two_runs_apart() -> None:
    told = {line(f"device hwmon 'apple_mfi_fastcharge_1_{number}'", "present") for number in (2, 17)}
    assert told == {"device hwmon 'apple_mfi_fastcharge_N': present"}


def test_a_long_list_in_another_order_is_shown_whole() -> None:
    reverse = " ".join(reversed(MANY.split()))
    (change,) = changes([line("a", MANY)], [line("a", reverse)])
    assert change == f"a: {MANY} → {reverse}"


def test_a_long_list_that_comes_or_goes_is_cut_but_counted() -> None:
    words = " ".join(map(str, range(100)))
    assert list(changes([], [line("a", words)])) == [f"a: none → {' '.join(map(str, range(24)))} (and 76 more)"]


def test_two_things_of_one_name_are_told_apart_whatever_came_first() -> None:
    ways = [line("1.0 input 'M' keys", "A"), line("1.0 input 'M' keys", "B")]
    assert recordable(ways) == recordable(ways[::-1]) == ("1.0 input 'M' keys #2: B", "1.0 input 'M' keys: A")


def test_what_a_case_file_has_no_room_for_still_makes_a_difference() -> None:
    intervals = [f"{number}/1000" for number in range(500)]
    long = line("1.0 video 640x480 intervals", " ".join(intervals))
    assert len(long) < 2100
    assert long.split("intervals: ")[1].startswith("0/1000 1/1000 ")
    assert long != line("1.0 video 640x480 intervals", " ".join([*intervals[:-1], "1/1"]))
    lines = [line(f"control {number:04}", "0") for number in range(900)]
    kept = recordable(lines)
    assert len(kept) == 301
    assert kept[-1].startswith("~ 600 more: ")
    assert kept != recordable([*lines[:-1], line("control 0899", "1")])


@given(LINES, LINES)
def test_records_differ_exactly_when_a_change_is_told(one: list[str], other: list[str]) -> None:
    before, after = recordable(one), recordable(other)
    assert (before == after) == (not list(changes(before, after)))
    lefts = [text.partition(": ")[0] for text in before]
    assert len(set(lefts)) == len(lefts)
    assert list(before) == sorted(before)
    assert all(text.isprintable() for text in before)
