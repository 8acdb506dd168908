"""What a round did to a guest, and what the guest may run on after: known warnings that can be armed again."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from attrs import define

from harness.lane.guest import LaneGuest
from harness.lane.outcome import Verdict
from harness.lane.verdicts import Diagnosis, Ending, diagnose, may_run_on, runs_on_after, shown
from tests.triage.golden_files import GOLDEN, golden_log
from usbfuzz.errors import QemuError
from usbfuzz.triage import CrashType

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


@pytest.mark.parametrize("name", sorted(path.name for path in GOLDEN.iterdir()))
def test_what_is_no_warning_is_never_gone_on_after(name: str) -> None:
    console = golden_log(name).decode(errors="replace")
    reports = shown(console)
    if not all(report.type is CrashType.WARNING for report in reports):
        assert not may_run_on(console, reports, reports)


@define
class Lost:
    """A guest whose QEMU has ended, and that QEMU."""

    console: str = ""
    status: str = "0"
    signalled: bool = False
    killed_from_outside: bool = False

    @property
    def qemu(self) -> Lost:
        return self

    async def exits_within(self, seconds: float) -> bool:
        return True

    def last_words(self) -> str:
        return "qemu: assertion failed"

    def read_console(self) -> str:
        return self.console


GONE = QemuError("the channel broke")


def _diagnose(guest: Lost, ending: Ending) -> Diagnosis:
    return asyncio.run(diagnose(cast("LaneGuest", guest), ending))


def test_a_round_that_ended_well_is_clean_or_what_the_console_says() -> None:
    assert _diagnose(Lost("usb 1-1: new device\n"), Ending(None)).verdict is Verdict.CLEAN
    found = _diagnose(Lost(BARE), Ending(None))
    assert (found.verdict, found.reports, found.console) == (Verdict.CRASH, shown(BARE), BARE)
    assert _diagnose(Lost(BARE), Ending(TimeoutError(), reported=True)).verdict is Verdict.CRASH


@pytest.mark.parametrize(("signalled", "title"), [(False, "silent death of the guest"), (True, "QEMU died: SIGABRT")])
def test_a_qemu_that_ended_without_a_report_is_named_after_how_it_ended(*, signalled: bool, title: str) -> None:
    found = _diagnose(Lost(status="SIGABRT", signalled=signalled), Ending(GONE))
    assert found.verdict is Verdict.DIED
    (report,) = found.reports
    assert (report.title, report.type) == (title, CrashType.REBOOT)
    assert report.text.endswith("QEMU: SIGABRT qemu: assertion failed")


def test_a_report_is_a_crash_however_qemu_ended() -> None:
    assert _diagnose(Lost(BARE, killed_from_outside=True), Ending(GONE)).verdict is Verdict.CRASH


def test_a_qemu_that_was_killed_from_outside_is_no_bug_of_the_guest() -> None:
    with pytest.raises(QemuError, match=r"killed from outside \(SIGKILL\): the channel broke"):
        _diagnose(Lost(status="SIGKILL", signalled=True, killed_from_outside=True), Ending(GONE))
