"""report.txt can be mailed: 72 columns, nothing that moves a cursor, all a maintainer asks for; never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import KNOWN_BUGS
from tests.triage.golden_files import golden_log
from tests.triage.logs import styled
from tests.triage.probe_examples import PROBED
from usbfuzz.case import load
from usbfuzz.case.model import Case, DeviceSpec, GuestNeeds
from usbfuzz.crashes.minimized import Mark, Minimized
from usbfuzz.crashes.record import Crash
from usbfuzz.crashes.saved import SavedCrash
from usbfuzz.report.render import render
from usbfuzz.report.text import render_text
from usbfuzz.report.words import COLUMNS, oops_of

_CORPUS = KNOWN_BUGS
_CASES = {path.stem: load(path) for path in sorted(_CORPUS.glob("*.toml"))}
_LOG = golden_log("001").decode(errors="replace")


def crash_of(title: str = "general protection fault in device_wakeup_disable", **changes: object) -> Crash:
    known: dict[str, object] = {
        "slug": "s",
        "title": title,
        "alt_titles": (),
        "type": "DoS",
        "driver": "btusb",
        "kernel": "debian:5.10.223-1",
        "how": "one case alone",
        "reproduced": 3,
        "runs": 3,
        "attempts": 1,
        "first_seen": "2026-01-02T03:04:05+00:00",
        "last_seen": "2026-01-02T04:00:00+00:00",
        "hits": {"debian:5.10.223-1": 4},
        "clock": "warp",
    }
    return Crash(**{**known, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(_CASES))
def test_its_own_lines_have_at_most_72_columns(name: str) -> None:
    case = _CASES[name]
    title = case.expect[0].title
    facts = SavedCrash(crash_of(title, alt_titles=(title * 3,)), case, "")
    for line in render_text(facts, frozenset({"repro.py", "repro.c", "usb.pcapng"})).splitlines():
        assert len(line) <= COLUMNS or " " not in line.strip()


def test_it_says_all_a_maintainer_asks_for() -> None:
    case = _CASES["btusb-unplug-uaf"]
    (configuration,) = case.devices[0].configurations
    marks = (Mark(0, "configurations[0]", 9, 9),)
    minimized = Minimized(case, hits=9, runs=10, tried=4, seconds=1.0, before=900, after=80, complete=True, marks=marks)
    facts = SavedCrash(crash_of(confirmed=2, confirmations=3), case, "console\n", minimized)
    text = render_text(facts, frozenset({"repro.py", "repro.c", "original.toml"}))
    for expected in (
        "Kernel:        debian:5.10.223-1",
        "Booted with:   slub_debug=FZPU",
        "Driver:        btusb",
        "Reproduced:    9 of 10, each on a fresh guest; minimized from 900 to 80",
        "In real time:  2 of 3",
        "Seen:          4 x on debian:5.10.223-1; 2026-01-02",
        "0a12:0001",
        "[09 04 01 00 02 e0 01 01",
        "usbfuzz replay case.toml --kernel debian:5.10.223-1",
        "python3 repro.py --kernel VMLINUZ --initrd INITRD",
        "modprobe dummy_hcd num=1 && modprobe raw_gadget",
        "gcc -pthread -o repro repro.c",
        "1. plug",
        "2. once the guest has settled: unplug",
        "original.toml",
    ):
        assert expected in text, text
    assert len(configuration) == 62


def test_the_oops_is_the_reports_own_lines_where_the_console_has_it() -> None:
    from usbfuzz.triage import extract

    (report, *_) = extract(_LOG)
    facts = SavedCrash(crash_of(report.title), _CASES["btusb-unplug-uaf"], _LOG)
    text = render_text(facts, frozenset())
    assert facts.report is not None
    assert oops_of(report, _LOG)[0] in text
    assert "Modules linked in" not in text


def test_a_report_of_the_probes_tells_the_object_and_who_allocated_and_freed_it() -> None:
    lines = next(example.lines for example in PROBED if "Freed by:" in example.lines)
    console = styled(lines)
    text = render_text(SavedCrash(crash_of(PROBED[1].title), _CASES["btusb-unplug-uaf"], console), frozenset())
    for expected in (
        "Access:        Read of size 8, 0 bytes past the end of the 568-byte",
        "object of cache kmalloc-1k",
        "Allocated in:  uvc_parse_streaming [uvcvideo]",
        "Freed in:      uvc_delete [uvcvideo]",
        "Between the double lines is what usbfuzz says",
        "\nBUG: usbfuzz: slab-use-after-free in uvc_status_stop+0x3d/0x90 [uvcvideo]\n",
        "\nFreed by:\n kfree+0x10/0x1c0\n uvc_delete+0x11/0x1c0 [uvcvideo]\n",
    ):
        assert expected in text, text
    assert "panic" not in text


def test_without_a_report_the_end_of_the_console_is_shown() -> None:
    console = "".join(f"line {number}\n" for number in range(100))
    facts = SavedCrash(crash_of("hang in x"), _CASES["btusb-unplug-uaf"], console)
    text = render_text(facts, frozenset())
    assert "line 99" in text
    assert "line 10\n" not in text
    assert "the harness saw it stop" in text


_text = st.text(max_size=80)


@given(_text, st.lists(_text, max_size=2), st.text(max_size=300), st.binary(max_size=30), st.binary(max_size=60))
def test_whatever_a_case_holds_it_renders_and_moves_no_cursor(
    title: str, params: list[str], console: str, device: bytes, configuration: bytes
) -> None:
    spec = DeviceSpec(title, device, (configuration,), strings=((1, device),))
    case = Case((spec,), (), guest=GuestNeeds(kernel_params=tuple(params)))
    rendered = render(SavedCrash(crash_of(title, driver=title), case, console))
    assert rendered.failures == {}
    assert set(rendered.files) == {"report.txt", "lsusb.txt", "repro.py", "repro.c", "repro.syz"}
    report = rendered.files["report.txt"].replace("\n", "").replace("\t", "")
    assert report == "" or report.isprintable()
