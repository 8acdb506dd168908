"""After which messages a guest may run on: known warnings that can be armed again, and no others."""

from __future__ import annotations

import pytest

from harness.lane.verdicts import may_run_on, runs_on_after, shown
from tests.triage.golden_files import GOLDEN, golden_log
from usbfuzz.triage import Kind

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
    if not all(report.type is Kind.WARNING for report in reports):
        assert not may_run_on(console, reports, reports)
