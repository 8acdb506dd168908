"""What people send of a log: pieces of it, lines that tools rewrote, and the same bug as different kernels print it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest

from usbfuzz.triage import CrashType, Report, extract, same_bug

from .golden_files import golden_log
from .logs import BOOT, addressed, frames, oops, styled
from .test_families import EXAMPLES

_CPU = "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.12.30 #1"
_DEPTH = 40  #: calls of a function by itself that are printed


def _recursion(*circle: str) -> tuple[str, ...]:
    """A trace of functions that call each other without end, down to the system call that began it."""
    deep = circle * (_DEPTH // len(circle))
    return frames(*deep, "usbdev_ioctl", "__x64_sys_ioctl", "do_syscall_64", "entry_SYSCALL_64_after_hwframe")


def _overflows(*circle: str) -> dict[str, tuple[str, ...]]:
    """One stack overflow in the words of several kernels."""
    down = (*circle * 20, "usbdev_ioctl", "sys_ioctl", "ret_fast_syscall")
    arm = tuple(f" {callee} from {caller}+0x1c/0x34" for callee, caller in pairwise(down))
    return {
        "double fault": (
            *BOOT, "traps: PANIC: double fault, error_code: 0x0", "double fault: 0000 [#1] PREEMPT SMP", _CPU,
            f"RIP: 0010:{circle[0]}+0x17/0x70", "RSP: 0018:ffffc900054afff8 EFLAGS: 00010246", "Call Trace:", " <TASK>",
            *_recursion(*circle), " </TASK>", "---[ end trace 0000000000000000 ]---",
        ),
        "guard page": (
            *BOOT, "BUG: TASK stack guard page was hit at ffffc900054afff8 (stack is ffffc900054b0000..)",
            "Oops: stack guard page: 0000 [#1] SMP KASAN NOPTI", _CPU, "RIP: 0010:stack_trace_consume_entry+0x7/0x40",
            "Call Trace:", " <TASK>", *_recursion(*circle), " </TASK>", "---[ end trace 0000000000000000 ]---",
        ),
        "guard page, the sentence is lost": (
            *BOOT, "Oops: stack guard page: 0000 [#1] SMP KASAN NOPTI", _CPU, f"RIP: 0010:{circle[0]}+0x7/0x40",
            "Call Trace:", " <TASK>", *_recursion(*circle), " </TASK>", "---[ end trace 0000000000000000 ]---",
        ),
        "arm64": (
            *BOOT, "Insufficient stack space to handle exception!", "ESR: 0x0000000096000047 -- DABT (current EL)",
            "FAR: 0xffff80000b0ebff0", "Task stack:     [0xffff80000b0ec000..0xffff80000b0f0000]", _CPU,
            f"pc : {circle[0]}+0x8/0x70", "lr : usbdev_ioctl+0x14/0x70",
            "Kernel panic - not syncing: kernel stack overflow",
            _CPU, "Call trace:", *frames("dump_backtrace", "show_stack", "panic", "panic_bad_stack", "handle_bad_stack",
                                         "__bad_stack"),
            *_recursion(*circle), "SMP: stopping secondary CPUs",
            "---[ end Kernel panic - not syncing: kernel stack overflow ]---",
        ),
        "riscv": (
            *BOOT, "Insufficient stack space to handle exception!",
            "Task stack:     [0xff20000000a0c000..0xff20000000a10000]",
            _CPU, f"epc : {circle[0]}+0x8/0x70", "Kernel panic - not syncing: Kernel stack overflow", "Call Trace:",
            *addressed(*circle * 20, "usbdev_ioctl", "sys_ioctl", address="[<ffffffff8000a1b2>]"),
        ),
        "arm": (
            *BOOT, "Insufficient stack space to handle exception!", "Task stack:     [0xf0b2c000..0xf0b2e000]",
            "Internal error: kernel stack overflow: 0 [#1] SMP ARM", _CPU, f"PC is at {circle[0]}+0x8/0x70",
            "Stack: (0xf0b2bff8 to 0xf0b2e000)", *arm, "---[ end trace 0000000000000000 ]---",
        ),
    }  # fmt: skip


def _only(lines: Sequence[str], style: str = "timestamp") -> Report:
    (report,) = extract(styled(lines, style))
    return report


_KERNELS = [name for name in _overflows("f") if name != "double fault"]


@pytest.mark.parametrize("kernel", _KERNELS)
@pytest.mark.parametrize("circle", [("parse_collection",), ("open_node", "scan_tree")], ids=["itself", "each other"])
def test_a_stack_that_overflows_by_recursion_is_one_bug_in_the_words_of_every_kernel(
    kernel: str, circle: tuple[str, ...]
) -> None:
    logs = _overflows(*circle)
    first, other = _only(logs["double fault"]), _only(logs[kernel])
    assert same_bug(first, other)
    assert not first.corruption
    assert not other.corruption


@pytest.mark.parametrize("kernel", ["double fault", *_KERNELS])
def test_a_function_that_calls_itself_names_the_overflow(kernel: str) -> None:
    report = _only(_overflows("parse_collection")[kernel])
    assert report.frame == "parse_collection"
    assert "stack-overflow in parse_collection" in report.names


def test_a_double_fault_without_recursion_is_no_stack_overflow() -> None:
    report = _only(oops(("PANIC: double fault, error_code: 0x0",), "dwc3_writel", "dwc3_send_gadget_ep_cmd"))
    assert not [name for name in report.names if "overflow" in name]


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_log_cut_at_any_line_blames_no_other_function_without_saying_that_it_is_doubtful(name: str) -> None:
    lines = EXAMPLES[name].lines
    whole = extract(styled(lines))[0]
    for cut in range(len(lines)):
        for piece in (lines[:cut], lines[cut:]):
            for report in extract(styled(piece)):
                assert report.frame in (None, whole.frame) or report.corruption, (report.title, piece[-1])


def test_a_first_line_that_was_cut_out_names_its_function() -> None:
    first, second = extract(
        styled((
            "WARNING: CPU: 2 PID: 154 at drivers/net/usb/lan78xx.c:2337 lan78xx_tx_bh+0xc65/0x14d0 [lan78xx]",
            "CPU: 2 PID: 154 Comm: kworker/2:2 Not tainted 5.5.8 #1",
            "---[ end trace bf5cda3a10f0b7af ]---",
            "WARNING: CPU: 2 PID: 154 at drivers/net/usb/lan78xx.c:2084 lan78xx_reset+0x1f9/0x220 [lan78xx]",
            "---[ end trace bf5cda3a10f0b7b0 ]---",
        ))
    )  # fmt: skip
    assert [first.title, second.title] == ["WARNING in lan78xx_tx_bh", "WARNING in lan78xx_reset"]
    assert first.module == "lan78xx"
    assert first.corruption == second.corruption == "no stack trace"


@pytest.mark.parametrize("bug", ["KASAN: slab-use-after-free", "KMSAN: uninit-value"])
def test_a_sanitizers_first_line_alone_names_its_function(bug: str) -> None:
    report = _only((f"BUG: {bug} in ttusb_fill_frame+0x1a/0x90 drivers/media/usb/ttusb.c:512",))
    assert report.title == f"{bug} in ttusb_fill_frame"
    assert report.frame == "ttusb_fill_frame"
    assert report.corruption


def test_the_lines_of_inlined_calls_before_a_report_are_no_report() -> None:
    (report,) = extract(golden_log("060"))
    assert report.frame == "catc_rx_callback"


def test_a_task_whose_name_holds_line_breaks_hangs_like_any_other() -> None:
    log = styled((
        "INFO: task a", "b", "c:18088 blocked for more than 143 seconds.", "      Not tainted 6.12.30 #1",
        "task:a", "b", "c state:D stack:25960 pid:18088 tgid:18087 ppid:15126", "Call Trace:", " <TASK>",
        *frames("__schedule", "schedule", "cdc_wdm_release", "__fput"), " </TASK>",
    ))  # fmt: skip
    (report,) = extract(log)
    assert (report.title, report.type) == ("INFO: task hung in cdc_wdm_release", CrashType.HANG)


def test_an_oops_behind_the_end_of_a_report_is_a_report_of_its_own() -> None:
    warning = oops(("WARNING: CPU: 0 PID: 1 at drivers/usb/a.c:1 f_one+0x1/0x2",), "f_one", "g_one")
    trap = ("Oops: int3: 0000 [#1] SMP NOPTI", _CPU, "RIP: 0010:f_two+0x1/0x2", "Call Trace:", *frames("g_two"))
    assert [report.title for report in extract(styled((*warning, *trap)))] == ["WARNING in f_one", "int3 in f_two"]


@pytest.mark.parametrize(
    "line", ["Oops: 0 of 4 patches applied", "usb 1-1: [#1] is no port", "printk: Oops", "a [#1]: b"]
)
def test_words_that_only_look_like_an_oops_are_none(line: str) -> None:
    assert extract(styled((*BOOT, line))) == []


@pytest.mark.parametrize(
    "line",
    [
        "CPU: 0 PID: 35 Comm: khubd Not tainted 4.9.0 #1",
        "Pid: 35, comm: khubd Not tainted 2.6.32-5-686 #1",
        "Process khubd (pid: 35, threadinfo=f7e80000 task=f7f98030)",
    ],
)
def test_the_task_is_named_as_old_kernels_print_it(line: str) -> None:
    report = _only(
        ("Unable to handle kernel paging request at virtual address 5a5a5a62", line, "EIP is at f_one+0x1/0x2")
    )
    assert report.task == "khubd"


def test_a_lock_that_must_not_be_waited_for_is_named_where_the_trace_is_lost() -> None:
    report = _only((
        "[ BUG: Invalid wait context ]", "kworker/0:1/48 is trying to lock:",
        "ffffffff857d3788 (gspca_lock){+.+.}-{3:3}, at: gspca_stream_off+0x37c/0xa90",
    ))  # fmt: skip
    assert (report.frame, report.corruption) == ("gspca_stream_off", "no stack trace")


_GUESSES = (
    "BUG: unable to handle kernel NULL pointer dereference at 00000014", "IP: [<f8a3c1b5>] kfree+0x25/0x90",
    "Oops: 0000 [#1] SMP ", "Pid: 35, comm: khubd Not tainted (2.6.32-5-686 #1) ", "EIP is at kfree+0x25/0x90",
    "Call Trace:", " [<f8a1d2c2>] ? ark3116_disconnect+0x62/0xd0 [ark3116]",
    " [<f8129f1e>] ? usb_unbind_interface+0x4e/0xf0 [usbcore]", "Code: 55 89 e5 <8b> 40 14", "---[ end trace 9c1b ]---",
)  # fmt: skip


@pytest.mark.parametrize("prefix", ["[  100.000000] ", "", "kernel: "])
def test_a_trace_of_a_kernel_that_vouches_for_no_frame_is_a_trace(prefix: str) -> None:
    (crash,) = extract("".join(f"{prefix}{line}\n" for line in _GUESSES))
    assert crash.title == "BUG: unable to handle kernel NULL pointer dereference in ark3116_disconnect"
    assert not crash.corrupted


def test_a_doubtful_frame_is_not_blamed_where_the_kernel_vouches_for_another() -> None:
    lines = [*_GUESSES[:7], " [<f8a1d2c2>] ark3116_release+0x62/0xd0 [ark3116]", *_GUESSES[7:]]
    (crash,) = extract("".join(f"[  100.000000] {line}\n" for line in lines))
    assert crash.title == "BUG: unable to handle kernel NULL pointer dereference in ark3116_release"


def test_an_assertion_of_a_kernel_without_places_of_source_names_its_function() -> None:
    lines = ("Kernel BUG at f8a3c1b5 [verbose debug info unavailable]", "invalid opcode: 0000 [#1]",
             "EIP is at ark3116_open+0x25/0x90 [ark3116]", *_GUESSES[5:])  # fmt: skip
    (crash,) = extract("".join(f"[  100.000000] {line}\n" for line in lines))
    assert crash.title == "kernel BUG in ark3116_open"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("watchdog: BUG: soft lockup - CPU#2 stuck for 22s! [kworker/2:1:88]", "BUG: soft lockup in ohci_irq"),
        ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 2", "BUG: hard lockup in ohci_irq"),
    ],
)
def test_a_lockup_whose_trace_is_lost_is_named_by_the_program_counter(line: str, title: str) -> None:
    lines = (line, "CPU: 2 PID: 88 Comm: kworker/2:1 Not tainted 5.10.0 #1", "RIP: 0010:ohci_irq+0x33/0x200")
    (crash,) = extract("".join(f"[  100.000000] {line}\n" for line in lines))
    assert crash.title == title
    assert crash.corrupted


@pytest.mark.parametrize("prefix", ["[  100.000000] ", "", "Jan 15 10:23:45 host kernel: "])
@pytest.mark.parametrize(
    "counter",
    [
        "EIP:    0060:[ark3116_open+9/52]    Tainted: P",
        "RIP: 0010:[ark3116:ark3116_open+0x9/0x34]  [ark3116:ark3116_open+0x9/0x34] :ark3116:ark3116_open+0x9/0x34",
    ],
)
def test_addresses_that_klogd_has_looked_up_are_addresses(prefix: str, counter: str) -> None:
    lines = (
        "Unable to handle kernel NULL pointer dereference at virtual address 00000018", "Oops: 0000 [#1]", "CPU:    0",
        counter, "Process khubd (pid: 4, threadinfo=c15bc000 task=dbf8c680)", "Call Trace:",
        " [serial_open+69/284] serial_open+0x45/0x11c", " [tty_open+721/764] tty_open+0x2d1/0x2fc", "Code: 8b 40 18",
    )  # fmt: skip
    (report,) = extract("".join(f"{prefix}{line}\n" for line in lines))
    assert report.title == "BUG: unable to handle kernel NULL pointer dereference in ark3116_open"
    assert report.corruption == ""
