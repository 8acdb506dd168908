"""What a driver leaked is named after it, and reported as triage reads it; a kernel tells where its memory is."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.channel.addresses import UNKNOWN_KERNEL, AddressMap, Range
from harness.channel.leaks import Leak
from harness.channel.protocol import ChannelState
from harness.guest.agent_client import UEvent
from harness.lane.addresses import map_of_core
from harness.lane.drivers import matching_module
from harness.lane.leaks import Leaks, leak_text, poisons
from harness.lane.outcome import Verdict
from harness.lane.verdicts import Diagnosis, leaking
from tests.channel.ends import UsbipEnd, brought
from tests.usbredir.peer import Dummy, endpoint, in_loop
from usbfuzz.triage import CrashType, extract
from usbfuzz.wire import Setup, TransferType

SET_REPORT = Setup(0x21, 9, 0x0302, 0, 27)
ADDRESS = 0xFFFF8E015C8EBC40
MAP = AddressMap((Range("direct map", 0xFFFF8E0140100000, 0xFFFF8E015FFE0000),))
ALIASES = """\
# comment
alias usb:v*p*d*dc*dsc*dp*ic03isc*ip*in* usbhid
alias usb:v*p*d*dc*dsc*dp*ic*isc*ip*in* snd-usb-audio
alias usb:v1234p5678d*dc*dsc*dp*icFFisc*ip*in* peak-usb
alias usb:v1234p9999d*dc*dsc*dp*ic*isc*ip*in* other
"""


def _core(*areas: tuple[int, int, int]) -> bytes:
    """The beginning of a core file with areas of start, end and physical address, as fs/proc/kcore.c writes it."""
    head = struct.pack("<16sHHIQQQIHHH6x", b"\x7fELF\x02\x01\x01", 4, 62, 1, 0, 64, 0, 0, 64, 56, len(areas) + 1)
    notes = struct.pack("<IIQQQQQQ", 4, 0, 0x1000, 0, 0, 64, 0, 0)
    loads = (struct.pack("<IIQQQQQQ", 1, 7, 0x4000, at, phys, end - at, end - at, 4096) for at, end, phys in areas)
    return head + notes + b"".join(loads)


#: What 5.10 in a guest of 512 MiB said.
_AREAS = (
    (0xFFFFFFFFAB400000, 0xFFFFFFFFAE42C000, 0x2B400000),
    (0xFFFFA53780000000, 0xFFFFC5377FFFFFFF, (1 << 64) - 1),
    (0xFFFFFFFFC0000000, 0xFFFFFFFFFF000000, (1 << 64) - 1),
    (0xFFFF8E0140100000, 0xFFFF8E015FFE0000, 0x100000),
    (0xFFFFC7BB40004000, 0xFFFFC7BB40800000, (1 << 64) - 1),
)


def _leak(address: int = ADDRESS, row: bytes = b"", endpoint_: int = 0, setup: Setup | None = SET_REPORT) -> Leak:
    device = Dummy(endpoint(0x02, TransferType.BULK), endpoint(0x03, TransferType.INTERRUPT))
    return Leak(address, row, device, endpoint_, setup, 3, 27, 0, bytes(range(27)))


@pytest.mark.parametrize(
    ("leak", "title"),
    [
        (_leak(), "kernel-usb-infoleak in hid_multitouch (control 0x21/0x09)"),
        (_leak(0, b"\x6b" * 24), "kernel-usb-infoleak in hid_multitouch (control 0x21/0x09)"),
        (_leak(endpoint_=2, setup=None), "kernel-usb-infoleak in hid_multitouch (bulk)"),
        (_leak(endpoint_=3, setup=None), "kernel-usb-infoleak in hid_multitouch (interrupt)"),
    ],
)
def test_a_leak_is_a_report_named_after_driver_and_transfer(leak: Leak, title: str) -> None:
    text = leak_text(leak, "hid_multitouch", MAP)
    (report,) = extract("[   12.000000] usb 1-1: new device\n" + text)
    assert (report.title, report.type, report.module) == (title, CrashType.KMSAN_LEAK, "hid_multitouch")
    assert (report.corruption, report.panicked) == ("", False)
    assert text in report.text + "\n"
    assert "at offset 3 of the 27 bytes" in report.text
    assert "  00000010: 10 11 12 13 14 15 16 17 18 19 1a\n" in report.text


def test_a_leak_of_nobody_is_a_report_too() -> None:
    (report,) = extract(leak_text(_leak(), "an unknown driver", MAP))
    assert report.title == "kernel-usb-infoleak in an unknown driver (control 0x21/0x09)"
    assert report.module is None


def test_a_guest_that_leaked_has_crashed_and_one_that_died_has_still_died() -> None:
    text = leak_text(_leak(), "hid_multitouch", MAP)
    clean = leaking(Diagnosis(Verdict.CLEAN, (), "no line end"), text)
    assert (clean.verdict, len(clean.reports)) == (Verdict.CRASH, 1)
    assert extract(clean.console) != []
    died = leaking(Diagnosis(Verdict.DIED, (), ""), text)
    assert died.verdict is Verdict.DIED
    assert leaking(clean, "") is clean


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["slub_debug=FZP,kmalloc-*"], True),
        (["quiet", "slub_debug=P"], True),
        (["slab_debug=FZPU"], True),
        (["slub_debug=FZ,kmalloc-P"], False),
        (["init_on_alloc=0"], False),
    ],
)
def test_poison_is_looked_for_where_the_allocator_writes_it(words: list[str], said: bool) -> None:
    assert poisons(words) is said


def test_the_map_of_a_guest_is_what_its_kernel_has_in_use() -> None:
    addresses = map_of_core(_core(*_AREAS))
    for value, where in (
        (0xFFFFFFFFAB400000, "kernel text"),
        (0xFFFFA53780286000, "vmalloc"),
        (0xFFFFC53770000000, "vmalloc"),
        (0xFFFFB53770000000, None),
        (0xFFFFFFFFC2BEA000, "modules"),
        (0xFFFFFFFFFE000000, None),
        (ADDRESS, "direct map"),
        (0xFFFF8E0160000000, None),
        (0xFFFFC7BB40004000, "vmemmap"),
    ):
        assert addresses.where(value) == where, hex(value)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(lambda raw: _core(*_AREAS)[:120] + raw)))
def test_any_core_makes_a_map(core: bytes) -> None:
    assert map_of_core(core).ranges


def test_what_makes_no_sense_makes_the_map_of_any_kernel() -> None:
    assert map_of_core(b"") is UNKNOWN_KERNEL
    assert map_of_core(_core()) is UNKNOWN_KERNEL


def _bound(*names: tuple[str, str]) -> list[UEvent]:
    return [UEvent("bind", "hid" if name.startswith("0003") else "usb", name, driver) for name, driver in names]


@pytest.mark.parametrize(
    ("events", "setup", "driver"),
    [
        (_bound(("1-1:1.0", "peak_usb")), SET_REPORT, "peak_usb"),
        (_bound(("1-1:1.0", "usbhid"), ("0003:1234:5678.0001", "hid-multitouch")), SET_REPORT, "hid_multitouch"),
        (_bound(("1-1:1.0", "usbhid"), ("0003:1234:5678.0001", "hid-generic")), SET_REPORT, "usbhid"),
        (_bound(("1-1:1.0", "usbhid"), ("0003:1234:0001.0001", "hid-multitouch")), SET_REPORT, "usbhid"),
        (_bound(("1-1:1.1", "cdc_acm"), ("1-1:1.0", "zd1201")), SET_REPORT, "zd1201"),
        (_bound(("1-1:1.1", "cdc_acm")), Setup(0x40, 1, 0, 0, 8), "cdc_acm"),
        (_bound(("3-1:1.0", "cdc_acm")), SET_REPORT, "peak_usb"),
        ([], Setup(0x00, 0x30, 0, 0, 6), "usbcore"),
        ([], Setup(0x02, 1, 0, 0x03, 6), "usbcore"),
        ([], None, "peak_usb"),
    ],
)
@in_loop
async def test_the_driver_is_the_one_bound_to_the_interface_else_the_one_that_would_be(
    tmp_path: Path, events: list[UEvent], setup: Setup | None, driver: str
) -> None:
    aliases = tmp_path / "modules.alias"
    aliases.write_text(ALIASES)
    leaks = Leaks(aliases, addresses=MAP)
    async with brought(UsbipEnd, tmp_path, ChannelState.EMPTY) as end:
        leaks.listen([end.channel])
        assert end.channel.leaks is not None
        device = Dummy(endpoint(0x02, TransferType.BULK))
        end.channel.leaks.look(device, 0 if setup else 2, ADDRESS.to_bytes(8, "little"), setup)
        text = await leaks.told(None, events)
    assert f"kernel-usb-infoleak in {driver} (" in text
    assert await leaks.told(None, events) == ""


def test_no_alias_no_module(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("alias\nalias x\nnonsense usb:v* y\n")
    assert matching_module(Dummy(), None, tmp_path / "a") is None
    assert matching_module(Dummy(), None, None) is None
