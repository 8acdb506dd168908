"""The conversation of a crash as steps."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.jobs.page.ladder import read_ladder
from usbfuzz.report.capture import render_capture

from .made import said


def _saved(directory: Path, content: bytes) -> Path:
    path = directory / "usb.pcapng"
    path.write_bytes(content)
    return path


def test_requests_answers_and_plugs_are_steps_and_the_last_answer_is_fatal(tmp_path: Path) -> None:
    ladder = read_ladder(_saved(tmp_path, render_capture(said())), died=True)
    assert [step.asks for step in ladder.steps] == [None, True, False, True, False, True, False, True]
    assert ladder.steps[0].text == "port 0: 056a:0001 plugged in"
    assert ladder.steps[1].text == "vendor request 0x2d IN  wValue 0001 wIndex 0002 wLength 8"
    assert (ladder.steps[2].text, ladder.steps[2].data) == ("8 bytes", "01 01 01 01 01 01 01 01")
    assert [step.fatal for step in ladder.steps] == [False] * 6 + [True, False]


def test_in_a_guest_that_went_on_nothing_is_fatal(tmp_path: Path) -> None:
    ladder = read_ladder(_saved(tmp_path, render_capture(said())), died=False)
    assert not any(step.fatal for step in ladder.steps)


def test_of_a_long_conversation_the_middle_is_left_out(tmp_path: Path) -> None:
    ladder = read_ladder(_saved(tmp_path, render_capture(said(500))), died=True)
    assert len(ladder.steps) + ladder.left_out == 1002
    assert len(ladder.steps) < 60
    assert ladder.steps[0].asks is None
    assert ladder.steps[-2].fatal


def test_what_was_not_recorded_says_so(tmp_path: Path) -> None:
    assert read_ladder(tmp_path / "usb.pcapng", died=True).why.startswith("Not recorded")


@given(st.binary(max_size=200), st.integers(0, 600))
def test_any_bytes_are_a_ladder_or_a_reason(tmp_path_factory, junk: bytes, at: int) -> None:  # type: ignore[no-untyped-def]
    whole = render_capture(said())
    content = whole[:at] + junk + whole[at + len(junk) :]
    ladder = read_ladder(_saved(tmp_path_factory.getbasetemp(), content), died=True)
    assert bool(ladder.steps) != bool(ladder.why)
