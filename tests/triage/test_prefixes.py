"""The same crash behind whatever tools put before its lines, between lines of programs, wrapped by a mailer."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.triage import extract

from .golden_files import GOLDEN, golden_log
from .logs import BOOT, frames, styled
from .logs import oops as oops_lines
from .prefix_styles import STYLES, behind, printed
from .test_families import EXAMPLES

_GOLDEN = [golden_log(path.name).decode("utf-8", "replace") for path in sorted(GOLDEN.iterdir())]
_LOGS = (*_GOLDEN, *(styled(example.lines) for example in EXAMPLES.values()))
#: Every log behind a few styles, every style before many logs.
_SHARE = 4

_CRASH = styled(EXAMPLES["divide error"].lines)
_TITLE = "divide error in mct_u232_calculate_baud_rate"


def _titles(log: str | bytes) -> list[str]:
    return [report.title for report in extract(log)]


@pytest.mark.parametrize(("place", "style"), list(enumerate(STYLES)), ids=list(STYLES))
def test_a_prefix_does_not_change_what_is_found(place: int, style: str) -> None:
    assert len(STYLES) >= 40
    for log in _LOGS[place % _SHARE :: _SHARE]:
        alone = styled([line.text for line in printed(log)])  # not every prefix tells callers apart
        assert _titles(behind(style, log))[:1] == _titles(alone)[:1]


@pytest.mark.parametrize("style", STYLES)
def test_offsets_are_those_of_the_log_that_was_sent(style: str) -> None:
    log = "Müll vorweg\n".encode() * 3 + behind(style, _CRASH).encode()
    (report,) = extract(log)
    own = log[report.start : report.end].replace("\u00a0".encode(), b" ")
    assert own.find(b"divide error: ") in range(120 * (1 + ("json-pretty" in style)))
    assert b"end trace 0000000000000000" in own
    assert own.endswith((b"\n", b"}"))
    assert f"{_TITLE.partition(' in ')[0]}: " in report.text


@pytest.mark.parametrize(
    "line",
    [
        "Jun 01 12:00:00 host /usr/libexec/some-session[2110]: (EE) BUG: triggered 'if (locked())'",
        "Jun 01 12:00:00 host app[2110]: WARNING: log rate limit exceeded (5 msgs per 24h).",
        "Jun  1 12:00:00 host compiler[1]: > Internal error:   Could not resolve keysym AKey",
        "2026-06-01T12:00:00.123456+02:00 host python3[12]: Kernel panic - not syncing: a test of mine",
        "<30>1 2026-06-01T12:00:00Z host app 77 - - BUG: x",
        "Mon 2026-06-01 12:00:00 CEST host app[7]: INFO: task x blocked for more than 120 seconds",
        "Mon Jun  1 12:00:00 2026 daemon.warn app[77]: BUG: x",
        "1780308000.123456 host app[7]: BUG: x",
        "Jun 01 12:00:00 [machine's name] app[7]: > Internal error:   Could not resolve keysym AKey",
        "Jun 01 12:00:00 <hidden> app[7]: BUG: x",
        "[    55.723] (EE) BUG: triggered 'if (locked())'",
        "[ 17762.870] (EE) event4  - A Touchpad: WARNING: log rate limit exceeded (5 msgs per 24h).",
        "(EE) BUG: triggered 'if (locked())'",
    ],
)
def test_words_of_programs_are_no_crash(line: str) -> None:
    assert _titles(f"{line}\n" * 3) == []
    assert _titles(f"{line}\n{behind('journalctl short', _CRASH)}{line}\n") == [_TITLE]


@pytest.mark.parametrize("machine", ["[its name]", "<hidden>", "(a host)"])
def test_a_machine_whose_name_was_taken_out_is_a_machine(machine: str) -> None:
    log = behind("journalctl short, with stamps", _CRASH).replace("a-host.lan", machine)
    assert machine in log
    assert _titles(f"Jun 01 12:00:00 {machine} app[7]: BUG: x\n{log}") == [_TITLE]


def test_lines_of_programs_stay_out_of_a_report() -> None:
    lines = behind("journalctl short", _CRASH).splitlines()
    mixed = "".join(f"{line}\nFeb 17 11:10:06 host app[1]: Call Trace:\n" for line in lines)
    (report,) = extract(mixed)
    assert report.title == _TITLE
    assert report.text == extract(_CRASH)[0].text


def test_a_journal_of_records_is_the_kernels_only_where_it_says_so() -> None:
    log = behind("journalctl json", _CRASH) + '{"_TRANSPORT": "stdout", "MESSAGE": "BUG: triggered"}\n'
    assert _titles(log) == [_TITLE]


def test_a_message_of_bytes_is_read() -> None:
    assert _titles('{"_TRANSPORT": "kernel", "MESSAGE": [66, 85, 71, 58, 32, 66, 97, 100, 32, 112, 97, 103, 101]}\n')


@pytest.mark.parametrize("blank", [" \n", "\n", "\n> "], ids=["flowed", "cut", "quoted"])
def test_sentences_that_a_mailer_wrapped_are_joined(blank: str) -> None:
    log = behind("journalctl short, with stamps", _CRASH)
    wrapped = log.replace("divide error: 0000", f"divide{blank}error: 0000").replace("RIP: 0010:", f"RIP:{blank}0010:")
    assert wrapped != log
    assert _titles(wrapped) == [_TITLE]


def test_a_mail_of_stamped_lines_is_unwrapped() -> None:
    oops = oops_lines(
        ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000088",), "qt2_open [quatech2]"
    )
    wrapped = "".join(textwrap.fill(line, 66, break_on_hyphens=False) + "\n" for line in styled(oops).splitlines())
    assert "handle kernel NULL pointer\ndereference" in wrapped
    assert _titles(wrapped) == ["BUG: unable to handle kernel NULL pointer dereference in qt2_open"]


def test_an_urb_that_is_no_more_is_named_by_who_takes_it_back() -> None:
    head = ("BUG: unable to handle kernel NULL pointer dereference at 000000000000002c",)
    lines = oops_lines(head, "usb_unlink_urb", "yurex_disconnect [yurex]", "usb_unbind_interface")
    assert _titles(styled(lines)) == ["BUG: unable to handle kernel NULL pointer dereference in usb_unlink_urb"]


@pytest.mark.parametrize("width", [66, 72, 78])
def test_a_sign_between_two_words_stays_one_and_a_stamp_may_stand_alone(width: int) -> None:
    log = styled(EXAMPLES["KCSAN"].lines)
    wrapped = "".join(textwrap.fill(line, width, break_on_hyphens=False) + "\n" for line in log.splitlines())
    assert " /\n" in wrapped
    assert _titles(wrapped) == _titles(log)


def test_lines_behind_a_line_of_a_program_are_the_programs() -> None:
    log = "Jun 01 12:00:00 host app[7]: it said\n                  BUG: unable to handle kernel paging request\n"
    assert _titles(log) == []


def test_what_a_program_prints_between_stamped_lines_is_not_joined() -> None:
    lines = _CRASH.splitlines()
    assert _titles("".join(f"{line}\nhello from user space\n" for line in lines)) == [_TITLE]


def test_a_log_saved_in_parts_is_read_from_its_oldest() -> None:
    lines = _CRASH.splitlines(keepends=True)
    half = len(lines) // 2
    log = f"Oops#1 Part1\n{''.join(lines[half:])}Oops#1 Part2\n{''.join(lines[:half])}"
    assert _titles(log) == [_TITLE]
    assert _titles(behind("dmesg -T", "".join(lines[:half])) + behind("dmesg -T", "".join(lines[half:]))) == [_TITLE]


def test_a_phone_makers_hooks_of_die_are_not_blamed() -> None:
    lines = (
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008",
        "Internal error: Oops: 96000005 [#1] PREEMPT SMP",
        "CPU: 5 PID: 7247 Comm: insmod Tainted: P S         O      4.19.127 #2",
        "pc : memcpy+0x8c/0x154",
        "lr : u132_probe+0x50/0x90 [u132_hcd]",
        "Call trace:",
        *frames("dump_backtrace", "maker_common_die", "notify_die", "die", "do_page_fault", "el1_da"),
        *frames("memcpy", "u132_probe [u132_hcd]", "platform_drv_probe"),
    )
    assert _titles(behind("MediaTek", styled(lines))) == [
        "BUG: unable to handle kernel NULL pointer dereference in u132_probe"
    ]


@given(st.sampled_from(sorted(STYLES)), st.data())
def test_a_log_with_prefixes_and_damage_is_read(style: str, data: st.DataObject) -> None:
    raw = bytearray(behind(style, _CRASH).encode())
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=20)):
        raw[at] = value
    for report in extract(bytes(raw)):
        assert 0 <= report.start < report.end <= len(raw)


@given(st.lists(st.sampled_from([*"[]()<>{}#:;,.=>|- 0", "12", "kernel", ": ", "[  1.5] ", "Call Trace:", "\n"])))
def test_any_prefix_is_survived(pieces: list[str]) -> None:
    prefix = "".join(pieces)
    extract("".join(f"{prefix}{line}\n" for line in EXAMPLES["divide error"].lines))


@pytest.mark.parametrize("style", ["journalctl short", "journalctl json", "journalctl verbose", "a quoted mail"])
def test_a_long_log_takes_time_in_proportion(style: str) -> None:
    log = behind(style, styled(BOOT * 3000) + _CRASH)
    began = time.process_time()
    assert _titles(log) == [_TITLE]
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize("piece", ["1 ", "a ", "[1]", "> ", " ", "\n", "{", '{"MESSAGE":[', "MESSAGE=", "a1"])
def test_a_prefix_without_end_is_no_trap(piece: str) -> None:
    log = f"{piece * 20}Call Trace:\n{piece * 20}CPU: 0 PID: 1 Comm: a\n" * 30 + (piece * 2000 + "BUG: x\n") * 30
    began = time.process_time()
    extract(log)
    assert time.process_time() - began < 1.0


_FIRST_LINES = {
    "WARNING: CPU: 3 PID: 912 at drivers/net/usb/lan78xx.c:2410 lan78xx_rx_bh+0x97/0x350 [lan78xx]": "WARNING in ",
    "BUG: unable to handle kernel NULL pointer dereference at virtual address 00000014":
        "BUG: unable to handle kernel NULL pointer dereference in ",
}  # fmt: skip


def _wrapped(lines: Sequence[str], width: int, quotes: str) -> str:
    """Lines as a mailer wraps them, and quotes them then."""
    parts = (part for line in lines for part in textwrap.wrap(line, width, break_on_hyphens=False))
    return "".join(f"{quotes}{part}\n" for part in parts)


@pytest.mark.parametrize("width", [72, 76])
@pytest.mark.parametrize("quotes", ["", "> ", "> > ", ">> "])
@pytest.mark.parametrize("prefix", ["", "kernel: ", "[  100.000000] ", "Jan 15 10:23:45 host kernel: [  100.000000] "])
def test_a_report_that_was_wrapped_and_then_quoted_is_named(prefix: str, quotes: str, width: int) -> None:
    for first, title in _FIRST_LINES.items():
        lines = oops_lines((first,), "lan78xx_rx_bh [lan78xx]", "lan78xx_delayedwork [lan78xx]")
        (report,) = extract(_wrapped([f"{prefix}{line}" for line in lines], width, quotes))
        assert report.title == f"{title}lan78xx_rx_bh"


@pytest.mark.parametrize(
    ("sign", "instead"), [("\n", "\r"), ("\n", "\n\r"), ("\n", "\r\n"), (" ", "\xa0"), ("\n", "\x1b[0m\n\x1b[33m")]
)
@pytest.mark.parametrize("prefix", ["", "[  100.000000] "])
def test_line_ends_of_terminals_and_blanks_of_web_pages_change_nothing(prefix: str, sign: str, instead: str) -> None:
    lines = oops_lines((next(iter(_FIRST_LINES)),), "lan78xx_rx_bh [lan78xx]", "lan78xx_delayedwork [lan78xx]")
    log = "".join(f"{prefix}{line}\n" for line in lines)
    (before,), (after,) = extract(log), extract(log.replace(sign, instead))
    assert (after.title, after.corruption, after.task) == (before.title, "", before.task)


def test_a_log_whose_line_ends_became_blanks_is_read() -> None:
    log = styled(oops_lines((list(_FIRST_LINES)[1],), "lan78xx_rx_bh [lan78xx]", "lan78xx_delayedwork [lan78xx]"))
    (before,), (after,) = extract(log), extract(log.replace("\n", " "))
    assert (after.title, after.corruption, after.start) == (before.title, "", before.start)
