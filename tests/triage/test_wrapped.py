"""Logs that a mailer has wrapped, before or after it quoted them: the same crash as in the log itself."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

import pytest

from usbfuzz.triage import extract

from .golden_files import GOLDEN, golden_log
from .logs import BOOT, styled
from .prefix_styles import behind, printed
from .test_families import EXAMPLES

_FEWEST = 25  #: lines of a log in which the mailer's width shows
_LOGS = [
    log
    for log in (
        *(styled([*BOOT, *example.lines]) for example in EXAMPLES.values()),
        *(golden_log(path.name).decode("utf-8", "replace") for path in sorted(GOLDEN.iterdir())),
    )
    if len(printed(log)) >= _FEWEST
]


def _each(log: str, change: Callable[[str], str]) -> str:
    return "".join(f"{change(line)}\n" for line in log.splitlines())


def _wrapped(log: str, width: int) -> str:
    return _each(log, lambda line: textwrap.fill(line, width, break_on_hyphens=False, break_long_words=False))


def _quoted(log: str) -> str:
    return _each(log, "> {}".format)


_MAILS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "a syslog": ("rsyslog", lambda log: _wrapped(log, 76)),
    "a journal": ("journalctl short", lambda log: _wrapped(log, 72)),
    "dmesg -T": ("dmesg -T", lambda log: _wrapped(log, 78)),
    "stamps": ("dmesg -r", lambda log: _wrapped(log, 80)),
    "a syslog, then quoted": ("rsyslog", lambda log: _quoted(_wrapped(log, 72))),
    "a journal, then quoted twice": ("journalctl short", lambda log: _quoted(_quoted(_wrapped(log, 72)))),
    "a journal that was quoted": ("journalctl short", lambda log: _wrapped(_quoted(log), 76)),
    "stamps that were quoted": ("dmesg -r", lambda log: _wrapped(_quoted(log), 76)),
}


@pytest.mark.parametrize("mail", _MAILS)
def test_a_mailers_line_breaks_do_not_change_what_is_found(mail: str) -> None:
    style, sent = _MAILS[mail]
    assert len(_LOGS) > len(EXAMPLES) // 2
    wrong = {}
    for log in _LOGS:
        whole = behind(style, log)
        titles = [[report.title for report in extract(text)][:1] for text in (whole, sent(whole))]
        if titles[0] != titles[1]:
            wrong[whole] = titles
    assert list(wrong.values()) == []


@pytest.mark.parametrize("gap", ["\n", " \n", "\n> ", "\u00a0"])
def test_the_words_that_a_report_is_found_by_may_be_parted(gap: str) -> None:
    log = behind("rsyslog", styled(EXAMPLES["panic"].lines)).replace("Kernel panic", f"Kernel{gap}panic")
    log = log.replace(" ", "\u00a0") if gap == "\u00a0" else log
    assert [report.title for report in extract(log)] == ["kernel panic: Attempted to kill init!"]
