"""What a guest may go on after: known warnings that can be armed again, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.lane.verdicts import hang_report, may_run_on, runs_on_after, shown
from tests import TESTS
from usbfuzz.triage import Kind

GOLDEN = TESTS / "triage" / "golden"
CUT = "------------[ cut here ]------------\n"
REST = """Modules linked in: videobuf2_common uvcvideo
CPU: 0 PID: 77 Comm: v4l_id Not tainted 6.1.0-50-amd64 #1 Debian 6.1.176-1
RIP: 0010:{function}+0x3b/0x4d0 [videobuf2_common]
Call Trace:
 <TASK>
 {function}+0x3b/0x4d0 [videobuf2_common]
 uvc_ioctl_reqbufs+0x4b/0x90 [uvcvideo]
 </TASK>
---[ end trace 0000000000000000 ]---
"""


def warning(function: str, words: str = "") -> str:
    head = f"WARNING: CPU: 0 PID: 77 at drivers/media/core.c:700 {function}+0x3b/0x4d0 [videobuf2_common]\n"
    return CUT + words + head + REST.format(function=function)


BARE = warning("vb2_core_reqbufs")
OTHER = warning("em28xx_unplug")
WORDED = warning("v4l_querycap", "Bad caps for driver em28xx, 0 != 80000000\n")


def test_a_bare_warning_that_is_known_costs_no_guest() -> None:
    (known,) = shown(BARE)
    assert runs_on_after(known)
    assert may_run_on(BARE, shown(BARE), [known])


def test_a_warning_that_is_new_does() -> None:
    assert not may_run_on(BARE, shown(BARE), [])
    assert not may_run_on(BARE + OTHER, shown(BARE + OTHER), shown(BARE))


def test_a_warning_with_words_may_be_a_warn_once_and_does() -> None:
    assert not may_run_on(WORDED, shown(WORDED), shown(WORDED))


@pytest.mark.parametrize("line", ["usb 1-1: BOGUS urb xfer, pipe 1 != type 3\n", "refcount_t: underflow\n"])
def test_a_once_only_message_beside_it_does(line: str) -> None:
    console = BARE + line
    assert not may_run_on(console, shown(BARE), shown(BARE))


def test_silence_costs_nothing_and_a_once_only_message_alone_does() -> None:
    assert may_run_on("usb 1-1: new device\n", (), ())
    assert not may_run_on("usb 1-1: BOGUS control dir, pipe 80000280 doesn't match bRequestType 80\n", (), ())


@pytest.mark.parametrize("log", sorted(GOLDEN.glob("*.log")), ids=lambda path: path.stem)
def test_what_is_no_warning_is_never_gone_on_after(log: Path) -> None:
    console = log.read_text(errors="replace")
    reports = shown(console)
    if not all(report.type is Kind.WARNING for report in reports):
        assert not may_run_on(console, reports, reports)


NMI = """[  412.281322] Uhhuh. NMI received for unknown reason 31 on CPU 0.
[  412.281364] Kernel panic - not syncing: NMI: Not continuing
[  412.281584] Call Trace:
[  412.281620]  <NMI>
[  412.281837]  panic+0x118/0x2f4
[  412.282420]  exc_nmi+0x11e/0x150
[  412.282540]  end_repeat_nmi+0x16/0x67
[  412.282649] RIP: 0010:{where}+0x0/0x640 [usbcore]
[  412.287954]  </NMI>
[  412.287984]  <TASK>
"""
BOTTOM = "[  412.292216]  entry_SYSCALL_64_after_hwframe+0x6e/0xd8\n[  412.293065]  </TASK>\n"


def test_a_hang_is_named_after_what_the_nmi_interrupted() -> None:
    caller = (
        "[  412.288333]  ? schedule_timeout+0x9e/0x150\n[  412.288017]  digi_write_oob_command+0x16d/0x200 [digi]\n"
    )
    report = hang_report(NMI.format(where="usb_submit_urb") + caller + BOTTOM, "the whole guest stopped")
    assert (report.title, report.frame, report.module) == (
        "hang in digi_write_oob_command",
        "digi_write_oob_command",
        "digi",
    )


def test_a_hang_of_a_guest_that_idled_blames_nobody() -> None:
    report = hang_report(NMI.format(where="default_idle") + BOTTOM, "the whole guest stopped")
    assert (report.title, report.frame) == ("hang: the whole guest stopped", None)


def test_blocked_tasks_are_blamed_before_what_runs() -> None:
    blocked = """sysrq: Show Blocked State
task:kworker/0:1     state:D stack:0     pid:11    ppid:2      flags:0x00004000
Call Trace:
 <TASK>
 __schedule+0x34d/0x9e0
 schedule+0x5a/0xd0
 kthread+0xd7/0x100
 </TASK>
task:init            state:D stack:0     pid:169   ppid:1      flags:0x00004000
Call Trace:
 <TASK>
 __schedule+0x34d/0x9e0
 em28xx_close_extension+0x25/0x60 [em28xx]
 </TASK>
"""
    report = hang_report(blocked + NMI.format(where="digi_close") + BOTTOM, "a probe or hub never returned")
    assert (report.title, report.module) == ("hang in em28xx_close_extension", "em28xx")
