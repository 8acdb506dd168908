"""What is known of moments survives, and what is broken is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from usbfuzz.errors import InputError
from usbfuzz.jobs.stress.books import Books, Found, Verdict

from .test_plan import KEYBOARD, PACKETS


def _open(out: Path) -> Books:
    return Books.open(out, KEYBOARD, "debian:6.1", ())


def _begun(out: Path) -> Books:
    books = _open(out)
    books.record(PACKETS)
    books.note(Found(0, Verdict.CLEAN))
    books.note(Found(1, Verdict.IMPOSSIBLE, "no driver"))
    books.note(Found(2, Verdict.LATE))
    books.note_bad(Found(3, Verdict.BAD, "BUG: a bug", "slug", 2, 2), KEYBOARD)
    books.close()  # every line is on the disk already
    return books


def test_a_run_goes_on_with_what_the_last_one_found_however_it_ended(tmp_path: Path) -> None:
    begun = _begun(tmp_path)
    with (begun.directory / "moments.jsonl").open("a") as file:
        file.write('{"n":4,"is"')  # in the middle of a line
    again = _open(tmp_path)
    again.close()
    assert again.packets == PACKETS
    assert again.found == begun.found
    assert [number for number in range(6) if again.is_open(number)] == [2, 4, 5]


def test_books_of_another_kernel_are_others(tmp_path: Path) -> None:
    _begun(tmp_path)
    assert Books.open(tmp_path, KEYBOARD, "debian:5.10", ()).packets is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plan.json", "{"),
        ("plan.json", "[]"),
        ("moments.jsonl", "{}\n"),
        ("moments.jsonl", None),
    ],
)
def test_broken_books_are_named_with_what_to_do(tmp_path: Path, name: str, text: str | None) -> None:
    books = _begun(tmp_path)
    path = books.directory / name
    path.write_text(path.read_text().replace("clean", "spotless") if text is None else text)
    with pytest.raises(InputError, match=f"{name}: is broken .*remove .* to begin anew"):
        _open(tmp_path)
