"""What a guest's kernel has said, from its serial port or from its log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from attrs import define, field

from harness.guest.probe.printk import KernelLog, Line
from harness.lane import console
from harness.lane.console import Printed, Remembered, text_with

if TYPE_CHECKING:
    from collections.abc import Iterable


@define
class Ring:
    """A log with room for five records."""

    lines: list[Line] = field(factory=list)

    def says(self, *texts: str, level: int = 4) -> None:
        self.lines += (
            Line(number, number * 10**9, level, text.encode()) for number, text in enumerate(texts, self.place + 1)
        )

    @property
    def place(self) -> int:
        return self.lines[-1].id if self.lines else 0

    def after(self, place: int, most: int) -> list[Line]:
        return [line for line in self.lines[-min(most, 5) :] if line.id > place]


def _remembered(ring: Ring, path: Path = Path("nothing")) -> Remembered:
    return Remembered(cast("KernelLog", ring), 5, Printed(path))


def _text(pieces: Iterable[tuple[int, bytes]]) -> list[str]:
    return text_with(pieces, ()).splitlines()


def test_a_serial_port_is_read_line_by_line_from_any_place(tmp_path: Path) -> None:
    printed = Printed(tmp_path / "console.log")
    assert (printed.place, printed.after(0)) == (0, [])
    printed.path.write_bytes(b"one\r\ntwo\r\nthr")
    assert printed.place == 13
    assert printed.after(0) == [(5, b"one\r\n"), (10, b"two\r\n"), (13, b"thr")]
    assert _text(printed.after(5)) == ["two", "thr"]
    printed.keep_up()


def test_notes_stand_behind_what_had_been_said() -> None:
    pieces = [(4, b"one\n"), (8, b"two\n")]
    assert text_with(pieces, [(4, "found\n"), (8, "and more\n")]) == "one\nfound\ntwo\nand more\n"
    assert text_with((), [(8, "found\n")]) == "found\n"


def test_a_log_is_read_as_a_console_of_the_same_level_would_print_it() -> None:
    ring = Ring()
    remembered = _remembered(ring)
    ring.says("a warning")
    ring.says("a note", level=6)
    assert _text(remembered.after(0)) == ["[    1.000000] a warning"]
    assert remembered.after(0)[-1][0] == 2  # what was not shown is read, too
    assert remembered.after(2) == []


def test_what_was_overwritten_is_counted_where_it_is_missing() -> None:
    ring = Ring()
    remembered = _remembered(ring)
    ring.says("first")
    remembered.keep_up()
    ring.says(*map(str, range(10)))
    lines = _text(remembered.after(0))
    assert lines[:2] == ["[    1.000000] first", "** 5 printk messages dropped **"]
    assert [line.partition("] ")[2] for line in lines[2:]] == ["5", "6", "7", "8", "9"]


def test_what_is_taken_in_time_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "_MOST", 8)
    ring = Ring()
    remembered = _remembered(ring)
    for number in range(20):
        ring.says(str(number))
        remembered.keep_up()
    lines = _text(remembered.after(0))
    assert lines[:8] == [f"[{number + 1:5d}.000000] {number}" for number in range(8)]  # the first are kept
    assert lines[8] == "** 7 printk messages dropped **"
    assert len(lines) == 14
    place = ring.place
    ring.says("next")
    remembered.after(place)
    remembered.keep_up()
    assert _text(remembered.after(place)) == [f"[{place + 1:5d}.000000] next"]


def test_last_words_are_read_from_the_port_when_the_memory_is_gone(tmp_path: Path) -> None:
    port = tmp_path / "console.log"
    port.write_bytes(b"before\n")
    ring = Ring()
    remembered = _remembered(ring, port)
    assert remembered.after(0) == []
    with port.open("ab") as file:
        file.write(b"Kernel panic\r\nend\r\n")
    assert _text(remembered.after(0)) == ["Kernel panic", "end"]
    ring.says("Kernel panic")
    assert _text(remembered.after(0)) == ["[    1.000000] Kernel panic"]
