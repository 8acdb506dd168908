"""Consoles are shared, cut and lost: what triage makes of logs that are not one clean report."""

from __future__ import annotations

from itertools import chain, zip_longest

import pytest

from usbfuzz.triage import Report, extract, same_bug

from .logs import BOOT, frames, oops, slub, styled, warning

_NULL = "BUG: kernel NULL pointer dereference, address: 0000000000000088"


def _null(function: str = "qt2_read_bulk_callback [quatech2]") -> tuple[str, ...]:
    return oops((_NULL, "Oops: 0000 [#1] SMP NOPTI"), function, "__usb_hcd_giveback_urb [usbcore]")


def _callers(lines: tuple[str, ...], caller: str) -> list[str]:
    return [f"[   12.000001][{caller:>6}] {line}" for line in lines]


def _titles(log: str) -> list[str]:
    return [report.title for report in extract(log)]


QUIET = (
    "usb 1-1: config 1 has an invalid interface number: 12 but max is 0",
    "xhci_hcd 0000:00:04.0: WARN: Can't enable slot",
    "usb 1-1: device descriptor read/64, error -71",
    "INFO: lockdep is turned off.",
    "RETBleed: WARNING: Spectre v2 mitigation leaves CPU vulnerable to RETBleed attacks, data leaks possible!",
    "perf: interrupt took too long (2512 > 2500), lowering kernel.perf_event_max_sample_rate to 79500",
    "traps: lsusb[812] general protection fault ip:7f1e2c sp:7ffd12 error:0 in libc.so.6[7f1e00+15a000]",
    "kernel: BUGS are welcome; DEBUG: BUG in my shoe",
    "uvcvideo 1-1:1.0: Unhandled format, panic mode off",
    "hid-generic 0003:056A:0001.0001: unknown main item tag 0x0",
    "EXT4-fs (sda1): WARNING: mounting fs with errors",
)


@pytest.mark.parametrize("line", QUIET)
def test_ordinary_messages_are_no_crash(line: str) -> None:
    assert extract(styled((*BOOT, line, *BOOT))) == []


def test_a_warning_that_is_only_a_message_is_suppressed() -> None:
    (report,) = extract(styled((*BOOT, "example 1-1:1.0: WARNING: firmware is older than 1.2")))
    assert report.suppressed
    assert report.title == "WARNING: firmware is older than NUM.NUM"


def test_lines_of_other_tasks_stay_out_of_a_report() -> None:
    crash = _callers(_null(), "T45")
    chatter = _callers(tuple(f"usb 2-{n}: reset high-speed USB device number {n}" for n in range(40)), "T46")
    mixed = "\n".join(line for pair in zip_longest(crash, chatter, fillvalue="") for line in pair if line)
    (report,) = extract(mixed)
    assert report.title.endswith(" in qt2_read_bulk_callback")
    assert "reset high-speed" not in report.text


def test_two_cpus_that_crash_at_once_give_two_reports() -> None:
    first = _callers(_null(), "T45")
    second = _callers(_null("airspy_probe [airspy]"), "T46")
    assert _titles("\n".join(chain.from_iterable(zip(first, second, strict=True)))) == [
        "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback",
        "BUG: unable to handle kernel NULL pointer dereference in airspy_probe",
    ]


def test_two_crashes_mixed_without_callers_are_not_trusted() -> None:
    head, stack = _null()[:6], _null()[12:]
    log = styled((*head, "BUG: unable to handle page fault for address: ffffec9fd1d5c188", *stack))
    assert extract(log)[0].corruption == "no stack frame to blame"


def test_a_report_without_its_stack_says_so() -> None:
    (report,) = extract(styled(_null()[:5]))
    assert report.title == "BUG: unable to handle kernel NULL pointer dereference in corrupted"
    assert report.corrupted
    assert report.frame is None


def test_a_panic_alone_means_that_the_report_was_lost() -> None:
    (report,) = extract(styled(("Kernel panic - not syncing: Fatal exception", "Call Trace:", *frames("panic"))))
    assert report.corruption == "the beginning of the report was lost"


def test_a_fault_injection_stack_in_the_middle_spoils_the_report() -> None:
    lines = list(_null())
    at = lines.index("Call Trace:")
    lines[at - 6 : at] = [" should_failslab+0x9/0x20"]
    assert extract(styled(lines))[0].corruption == "no stack frame to blame"


def test_a_timestamp_in_the_title_is_a_merged_line() -> None:
    (report,) = extract(styled(("WARNING: foo [   12.345678] bar", "Call Trace:", *frames("a_b", "c_d", "e_f"))))
    assert report.corruption == "two lines are merged in the title"


def test_a_line_that_printk_replays_is_taken_once() -> None:
    replay = (_NULL[:31], "** replaying previous printk message **", *_null())
    (report,) = extract(styled(replay))
    assert report.title.endswith(" in qt2_read_bulk_callback")
    assert report.start > len(_NULL)


def test_the_panic_after_an_oops_is_the_same_crash() -> None:
    panic = ("Kernel panic - not syncing: Fatal exception in interrupt", "Kernel Offset: disabled")
    (report,) = extract(styled((*_null(), *panic)))
    assert report.panicked
    assert "Kernel panic" not in report.text


def test_a_panic_long_after_a_warning_is_a_crash_of_its_own() -> None:
    warn = warning("WARNING: CPU: 0 PID: 45 at sound/usb/pcm.c:1 snd_usb_x+0x1/0x2", "snd_usb_set_rate [snd_usb_audio]")
    panic = ("Kernel panic - not syncing: Out of memory: compulsory", "Call Trace:", *frames("panic", "out_of_memory"))
    log = styled((*warn, *BOOT * 60, *panic, "", ""))
    assert _titles(log) == ["WARNING in snd_usb_set_rate", "kernel panic: Out of memory: compulsory"]


def test_a_bug_that_repeats_is_listed_once_and_counted() -> None:
    (report,) = extract(styled(_null() * 7))
    assert report.count == 7


def test_a_slub_report_and_the_warning_it_ends_with_are_one_crash() -> None:
    closing = warning("WARNING: CPU: 0 PID: 11 at mm/slub.c:1110 object_err+0x177/0x184", "object_err", "check_object")
    assert _titles(styled((*slub("Object corrupt", "kmalloc-192"), *closing))) == ["BUG: Object corrupt in kmalloc-192"]


def test_damage_found_at_different_moments_is_one_bug() -> None:
    track = "Allocated in wacom_parse_and_register+0x9f/0xf0 [wacom] age=14 cpu=0 pid=11"
    first, second = (
        extract(styled(slub(what, "kmalloc-192", track)))[0] for what in ("Right Redzone overwritten", "Object corrupt")
    )
    assert first.title != second.title
    assert same_bug(first, second)


def test_different_access_to_one_place_is_one_bug() -> None:
    fault, general = (
        extract(styled(oops((head,), "ir_toy_rx_callback [iguanair]", "process_one_work")))[0]
        for head in (_NULL, "Oops: general protection fault, probably for non-canonical address 0x6b: 0000 [#1] SMP")
    )
    assert same_bug(fault, general)
    assert not same_bug(fault, extract(styled(_null()))[0])


def test_offsets_frame_the_report_in_the_bytes_of_the_log() -> None:
    before = "Müll und Sänger\n".encode()
    log = before + styled(_null()).encode() + b"login: \xff\xfe\n"
    (report,) = extract(log)
    assert log[report.start :].split(b"] ", 1)[1].startswith(_NULL.encode())
    assert log[: report.end].endswith(b"---[ end trace 0000000000000000 ]---\n")


def test_the_text_is_the_report_without_prefixes_and_doubtful_frames() -> None:
    (report,) = extract(styled(_null()))
    lines = report.text.splitlines()
    assert lines[: len(BOOT)] == list(BOOT)
    assert lines[len(BOOT)] == _NULL
    assert lines[-1] == "---[ end trace 0000000000000000 ]---"
    assert "__die_body" not in report.text


def test_the_task_is_known() -> None:
    assert extract(styled(_null()))[0].task == "kworker/0:2"


def test_system_call_prefixes_do_not_make_another_bug() -> None:
    modern, old = (
        extract(styled(oops(("general protection fault: 0000 [#1] SMP",), name, "do_syscall_64")))[0]
        for name in ("__do_sys_openat2", "SyS_openat2")
    )
    assert modern.names & old.names == {"general protection fault in openat2", "bad-access in openat2"}


def test_a_crash_while_memory_ran_out_is_suppressed() -> None:
    log = styled(("Out of memory: Killed process 812 (sshd) total-vm:10kB", *_null()))
    assert extract(log)[0].suppressed


def test_rust_symbols_are_read() -> None:
    stack = frames("_RNvCscSpY9Juk0HT_7___rustc17rust_begin_unwind", "_RNvMs_NtCsx_6binder4nodeNtB4_4Node6update")
    lines = ("rust_kernel: panicked at drivers/usb/x.rs:1:2:", "index out of bounds", "Call Trace:", *stack, "", "")
    assert _titles(styled(lines)) == ["index out of bounds in <binder::node::Node>::update"]


def test_a_bogus_urb_is_part_of_the_warning_that_older_kernels_print_around_others_lines() -> None:
    bogus = "usb 1-1: BOGUS urb xfer, pipe 1 != type 3"
    warn = "WARNING: CPU: 0 PID: 45 at drivers/usb/core/urb.c:493 usb_submit_urb+0x3b5/0x5e0 [usbcore]"
    own = _callers(warning(warn, "usb_submit_urb [usbcore]", "kbtab_open [kbtab]", before=(bogus,)), "T45")
    at = next(index for index, line in enumerate(own) if bogus in line) + 1
    others = _callers(tuple(f"usb 2-{n}: reset high-speed USB device number {n}" for n in range(99)), "T46")
    assert _titles("\n".join([*own[:at], *others, *own[at:]])) == ["WARNING in kbtab_open/usb_submit_urb"]


def _reports_are_sound(reports: list[Report]) -> None:
    for report in reports:
        assert report.title == report.title.strip()
        assert report.title.isascii()
        assert 0 <= report.start < report.end
        assert report.title not in report.alt_titles


def test_every_prefix_of_a_log_is_read() -> None:
    log = styled((*_null(), *slub("Object corrupt", "kmalloc-192"), "Kernel panic - not syncing: Fatal exception"))
    for length in range(0, len(log), 7):
        _reports_are_sound(extract(log[:length]))
