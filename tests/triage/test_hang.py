"""Hangs are named after the function to blame in the stacks that the kernel was made to print."""

from __future__ import annotations

from usbfuzz.triage import hang_report

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


def test_nor_does_one_of_a_kernel_whose_idle_stacks_begin_under_another_name() -> None:
    idle = "[  412.292216]  do_idle+0x1e/0x90\n[  412.292217]  common_startup_64+0x13e/0x141\n[  412.293065]  </TASK>\n"
    report = hang_report(NMI.format(where="pv_native_safe_halt") + idle, "the whole guest stopped")
    assert (report.title, report.frame) == ("hang: the whole guest stopped", None)


def test_a_symbol_keeps_the_compiler_s_suffix() -> None:
    caller = "[  412.288017][    T9]  usbctrl_vendorreq.constprop.0+0x16d/0x200 [r8712u]\n"
    report = hang_report(NMI.format(where="usb_submit_urb") + caller + BOTTOM, "the whole guest stopped")
    assert (report.title, report.module) == ("hang in usbctrl_vendorreq.constprop.0", "r8712u")


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
