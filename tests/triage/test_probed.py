"""Reports of the probe's among what a kernel prints: before the NMI that stops it, or where it is let go on."""

from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from usbfuzz.triage import CrashType, HeapFacts, extract, heap_facts, same_bug

from .golden_files import golden_log
from .logs import BOOT, frames, styled
from .probe_examples import LINE, PROBED, block

#: Panics of real guests that an NMI stopped in a driver, by their kernels, and who called what was interrupted.
_PANICS = {
    "5.10": ("020", "snd_usb_parse_audio_interface", "snd_usb_audio"),
    "6.1": ("021", "hid_parser_main", "hid"),
    "6.12": ("022", "hid_parser_main", "hid"),
    "7.3": ("023", "hid_parser_main", "hid"),
}
_NMI = "Uhhuh. NMI received"
_ALONE = "kernel panic: NMI: Not continuing"
_DETAILS = (
    "Write of size 4 at addr ffff88800a3b2e38",
    "The address is 0 bytes past the end of the 568-byte object at ffff88800a3b2c00 of cache kmalloc-1k",
    "Allocated by:", *frames("__kmalloc", "uvc_parse_streaming [uvcvideo]", "uvc_probe [uvcvideo]"),
    "Freed by:", *frames("kfree", "uvc_delete [uvcvideo]"),
)  # fmt: skip


def _stopped(golden: str, place: str, kind: str = "slab-out-of-bounds", more: str = "") -> str:
    """A real panic, with a report of the probe's before its NMI, as the host writes it: without any prefix."""
    log = golden_log(golden).decode()
    at = log.rindex("\n", 0, log.index(_NMI)) + 1
    return log[:at] + "\n".join(block(kind, place, *_DETAILS)) + "\n" + more + log[at:]


@pytest.mark.parametrize("kernel", _PANICS)
def test_the_panic_behind_it_is_part_of_the_report_and_none_of_its_own(kernel: str) -> None:
    golden, caller, _ = _PANICS[kernel]
    (report,) = extract(_stopped(golden, "uvc_parse_format+0x1d7/0x9c0 [uvcvideo]"))
    assert (report.title, report.module, report.corruption) == (
        "slab-out-of-bounds Write in uvc_parse_format", "uvcvideo", "",
    )  # fmt: skip
    assert report.type is CrashType.KASAN_WRITE
    assert (report.task or "").startswith("kworker/0:")
    assert report.panicked
    lines = report.text.splitlines()
    assert lines[3] == LINE
    assert " uvc_delete+0x11/0x1c0 [uvcvideo]" in lines
    assert any(line.startswith(f" {caller}+0x") for line in lines)
    assert any(line.startswith(" ret_from_fork") for line in lines)


@pytest.mark.parametrize("kernel", _PANICS)
def test_a_helper_is_not_blamed_but_its_caller_below_the_nmi(kernel: str) -> None:
    golden, caller, module = _PANICS[kernel]
    (report,) = extract(_stopped(golden, "memcpy_orig+0x1d/0x110"))
    interrupted = report.text.partition("RIP: 0010:")[2].partition("+")[0]
    assert report.frame in {caller, interrupted}
    assert report.module == module


@pytest.mark.parametrize("kernel", _PANICS)
def test_an_nmi_without_the_probe_is_what_it_was(kernel: str) -> None:
    (report,) = extract(golden_log(_PANICS[kernel][0]))
    assert report.title == _ALONE


def test_an_nmi_long_after_a_guest_was_let_go_on_is_no_part_of_the_report() -> None:
    more = styled(BOOT * 40)
    first, second = extract(_stopped("021", "uvc_parse_format+0x1d7/0x9c0 [uvcvideo]", more=more))
    assert (first.title, second.title) == ("slab-out-of-bounds Write in uvc_parse_format", _ALONE)
    assert "NMI" not in first.text


def test_each_bug_of_a_guest_that_is_let_go_on_is_a_report_and_the_same_one_counts() -> None:
    here = "\n".join(block("slab-out-of-bounds", "uvc_parse_format+0x1d7/0x9c0 [uvcvideo]", *_DETAILS)) + "\n"
    there = here.replace("uvc_parse_format", "uvc_probe")
    reports = extract(styled(BOOT) + here + styled(BOOT) + there + here)
    assert [(report.frame, report.count) for report in reports] == [("uvc_parse_format", 2), ("uvc_probe", 1)]
    assert not any(report.panicked or report.corruption for report in reports)
    assert reports[0].text == "\n".join(BOOT) + "\n" + here
    assert reports[1].text == "\n".join(BOOT) + "\n" + there


@pytest.mark.parametrize("word", ["slab-use-after-free", "use-after-free"])
@pytest.mark.parametrize("kind", ["slab-use-after-free", "page-use-after-free"])
def test_a_use_after_free_is_the_bug_that_kasan_reports_in_the_words_of_any_kernel(word: str, kind: str) -> None:
    (ours,) = extract(_stopped("021", "uvc_status_stop+0x1d7/0x9c0 [uvcvideo]", kind))
    kasan = (
        LINE, f"BUG: KASAN: {word} in uvc_status_stop+0x1a4/0x1b0 [uvcvideo]",
        "Write of size 4 at addr ffff888012345678 by task kworker/0:2/45", "", "Call Trace:",
        *frames("dump_stack_lvl", "kasan_report", "uvc_status_stop [uvcvideo]"), LINE,
    )  # fmt: skip
    (theirs,) = extract(styled(kasan))
    assert same_bug(ours, theirs)
    assert theirs.title in ours.alt_titles


def test_facts_of_a_report_are_without_addresses_and_name_who_says_something() -> None:
    (report,) = extract(_stopped("021", "uvc_parse_format+0x1d7/0x9c0 [uvcvideo]"))
    assert heap_facts(report.text) == HeapFacts(
        access="Write of size 4",
        where="0 bytes past the end of the 568-byte object of cache kmalloc-1k",
        allocated="uvc_parse_streaming [uvcvideo]",
        freed="uvc_delete [uvcvideo]",
    )


def test_a_report_of_the_kernels_has_no_such_facts() -> None:
    assert heap_facts(golden_log("001").decode()) is None


@given(st.sampled_from([example.lines for example in PROBED]), st.data())
def test_facts_of_any_piece_of_a_report_are_read(lines: tuple[str, ...], data: st.DataObject) -> None:
    text = "\n".join(lines)
    begin, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    facts = heap_facts(text[begin:end])
    whole = heap_facts(text)
    assert whole is not None
    assert facts is None or evolve(facts, where="", access="", allocated="", freed="") == HeapFacts("", "", "", "")
