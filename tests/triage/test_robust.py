"""Nothing a console can hold makes triage raise, and size does not make it slow."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from usbfuzz.triage import Report, extract
from usbfuzz.triage.heads import HEADS
from usbfuzz.triage.rust import demangle
from usbfuzz.triage.titles import MAX_TITLE, stable_title

from .logs import BOOT, styled
from .oops_examples import Example
from .test_families import EXAMPLES

_LOGS = tuple(styled(example.lines, style) for example in EXAMPLES.values() for style in ("timestamp", "caller"))
_LINES = tuple(dict.fromkeys(line for log in _LOGS for line in log.splitlines()))


def _check(log: str | bytes, reports: list[Report]) -> None:
    size = len(log if isinstance(log, bytes) else log.encode("utf-8", "replace"))
    for report in reports:
        assert 0 <= report.start < report.end <= size
        assert len(report.title) <= MAX_TITLE
        assert report.title.isascii()
    starts = [report.start for report in reports]
    assert starts == sorted(starts)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(log: bytes) -> None:
    _check(log, extract(log))


@given(st.lists(st.one_of(st.sampled_from([head.words for head in HEADS]), st.text(max_size=20)), max_size=20))
def test_any_text_around_the_words_of_crashes_is_read(pieces: list[str]) -> None:
    log = "".join(pieces)
    _check(log, extract(log))


@given(st.sampled_from(_LOGS), st.data())
def test_a_log_cut_anywhere_is_read(log: str, data: st.DataObject) -> None:
    begin, end = sorted(data.draw(st.tuples(st.integers(0, len(log)), st.integers(0, len(log)))))
    _check(log[begin:end], extract(log[begin:end]))


@given(st.lists(st.sampled_from(_LINES), max_size=60))
def test_lines_of_many_reports_in_any_order_are_read(lines: list[str]) -> None:
    log = "\n".join(lines)
    _check(log, extract(log))


@given(st.sampled_from(list(EXAMPLES.values())), st.data())
def test_what_another_task_prints_does_not_change_a_report(example: Example, data: st.DataObject) -> None:
    lines = example.lines
    alone = extract(styled(lines, "caller"))[0]
    own = styled(lines, "caller").splitlines()
    mixed = []
    for line in own:
        strangers = data.draw(st.lists(st.sampled_from((*BOOT, "Call Trace:", " kthread+0x1/0x2")), max_size=2))
        mixed += [line, *(f"[   12.000001][  T999] {stranger}" for stranger in strangers)]
    report = extract("\n".join(mixed))[0]
    assert (report.title, report.alt_titles, report.text) == (alone.title, alone.alt_titles, alone.text)


@given(st.text(max_size=300))
def test_stable_titles_are_stable(title: str) -> None:
    once = stable_title(title)
    assert stable_title(once[: MAX_TITLE - 1]) == stable_title(once[: MAX_TITLE - 1])
    assert len(once) <= MAX_TITLE


@given(st.one_of(st.text(max_size=40), st.text(alphabet="_RNvMsXYCIBEtuz0123456789abc", max_size=60).map("_R".__add__)))
@example("_RC0")
def test_any_symbol_is_demangled_or_left_alone(symbol: str) -> None:
    assert demangle(symbol) or not symbol


def test_ten_megabytes_take_half_a_second() -> None:
    quiet = styled(BOOT * 100)
    crash = _LOGS[0]
    log = (quiet * (10_000_000 // len(quiet)) + crash + quiet).encode()
    began = time.process_time()
    assert len(extract(log)) == 1
    assert time.process_time() - began < 1.0  # twice the half second: other tests share the machine


def test_a_storm_of_one_warning_is_counted_not_studied() -> None:
    storm = _LOGS[0] * 2000
    began = time.process_time()
    (report,) = extract(storm)
    assert report.count == 2000
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "piece", ["WARNING: ", "BUG x (Not tainted): a ", "BUG: KASAN: ", "login: ", "INFO: task ", " "]
)
def test_a_line_without_end_is_no_trap(piece: str) -> None:
    log = "BUG a (Not tainted): b" + piece * 100_000
    began = time.process_time()
    _check(log, extract(log))
    assert time.process_time() - began < 1.0
