"""What a run reached of a driver, function by function: counted once, kept as text, shown in a report."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.coverage import Reached, parse_reached, reached_text
from usbfuzz.errors import InputError
from usbfuzz.report.ran import functions_shown

_NAMES = st.from_regex(r"[a-z_][a-z0-9_.]{0,40}", fullmatch=True)
_COUNTS = st.integers(0, 999_999_999)
_FUNCTIONS = st.builds(Reached, st.from_regex(r"[a-z_]{1,20}", fullmatch=True), _NAMES, _COUNTS, _COUNTS, _COUNTS)
_ROW = "uvcvideo\tuvc_probe\t41\t1203\t4120\n"


def test_bytes_of_blocks_that_overlap_count_once_and_none_beyond_the_function() -> None:
    reached = Reached.of("uvcvideo", "uvc_probe", 100, [(40, 20), (0, 10), (50, 10), (45, 5), (90, 30)])
    assert reached == Reached("uvcvideo", "uvc_probe", 5, 10 + 20 + 10, 100)


@given(st.lists(_FUNCTIONS, min_size=1, max_size=8))
def test_what_is_written_is_read_back(functions: list[Reached]) -> None:
    assert parse_reached(reached_text(functions), "coverage.tsv") == tuple(functions)


def test_where_nothing_ran_there_is_no_file() -> None:
    assert reached_text([]) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_ROW, r"coverage\.tsv:1: must be '# usbfuzz functions 1'"),
        (f"# usbfuzz functions 1\n{_ROW}uvcvideo\tuvc_pro", r"coverage\.tsv:3: must be MODULE, FUNCTION"),
        ("# usbfuzz functions 1\n../x\tf\t1\t1\t1\n", r"coverage\.tsv:2: must be MODULE"),
    ],
)
def test_a_damaged_file_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_reached(text, "coverage.tsv")


def test_a_driver_s_functions_with_most_blocks_are_shown_and_the_rest_is_counted() -> None:
    functions = [Reached("uvcvideo", f"uvc_{number:02}", number, 10 * number, 4120) for number in range(1, 15)]
    ((sentence, lines),) = functions_shown(functions, "coverage.tsv")
    assert sentence == "Of uvcvideo 105 blocks in 14 functions ran; those with most:"
    assert lines[0] == "uvc_14                            14 blocks, 140 of 4,120 bytes"
    assert lines[-1] == "and 2 more: coverage.tsv"
    assert len(lines) == 13


def test_each_driver_has_its_own_lines() -> None:
    shown = list(functions_shown([Reached("hid", "f", 1, 5, 9), Reached("wacom", "g" * 40, 2, 6, 9)], "coverage.tsv"))
    assert shown == [
        ("Of hid 1 block in 1 function ran:", ["f                                   1 block, 5 of 9 bytes"]),
        ("Of wacom 2 blocks in 1 function ran:", [f"{'g' * 31}…   2 blocks, 6 of 9 bytes"]),
    ]
