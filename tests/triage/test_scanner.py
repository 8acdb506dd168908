"""The scanner sees a crash line as it is being written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usbfuzz.triage import Scanner, extract, once_only

from .logs import BOOT, styled
from .test_families import EXAMPLES

_LOG = styled(EXAMPLES["NULL dereference, 5.2 and later"].lines)


def test_a_crash_is_seen_before_its_line_ends() -> None:
    scanner = Scanner()
    assert scanner.feed(styled(BOOT).encode()) == ()
    assert not scanner.crashed
    (sighting,) = scanner.feed(b"[   12.5] BUG: kernel NULL poi")
    assert scanner.crashed
    assert sighting.line == "BUG: kernel NULL poi"
    assert sighting.offset == len(styled(BOOT))
    assert scanner.feed(b"nter dereference, address: 0\n") == ()


@given(st.lists(st.integers(1, 200), min_size=1, max_size=40))
@settings(max_examples=60, deadline=None)
def test_pieces_of_any_size_show_the_same_crash_lines(sizes: list[int]) -> None:
    data = (_LOG * 2).encode()
    whole = Scanner().feed(data)
    scanner = Scanner()
    offsets = []
    at = 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        offsets += [sighting.offset for sighting in scanner.feed(data[at : at + size])]
        at += size
    assert offsets == [sighting.offset for sighting in whole]
    assert offsets[0] == extract(data)[0].start


def test_bytes_one_by_one_show_a_crash() -> None:
    scanner = Scanner()
    seen = [sighting for byte in _LOG.encode() for sighting in scanner.feed(bytes([byte]))]
    assert len(seen) == 1


@given(st.binary(max_size=500), st.binary(max_size=500))
def test_any_bytes_can_be_fed(first: bytes, second: bytes) -> None:
    scanner = Scanner()
    scanner.feed(first)
    scanner.feed(second)


ONCE = (
    "usb 1-1: BOGUS urb xfer, pipe 1 != type 3",
    "WARNING: CPU: 0 PID: 80 at drivers/usb/core/urb.c:493 usb_submit_urb+0x3b5/0x5e0 [usbcore]",
    "refcount_t: underflow; use-after-free.",
    "WARNING: possible circular locking dependency detected",
    "BUG: KASAN: slab-out-of-bounds in hdpvr_probe+0x1/0x2",
)
AGAIN = (
    "BUG: kernel NULL pointer dereference, address: 0000000000000088",
    "BUG: sleeping function called from invalid context at mm/slab.h:521",
    "BUG kmalloc-192 (Not tainted): Right Redzone overwritten",
    "usb 1-1: New USB device found, idVendor=061d, idProduct=c120",
    "cxacru 1-1:1.0: usb_control_msg failed",
)


@pytest.mark.parametrize("line", ONCE)
def test_messages_printed_once_a_boot_are_known(line: str) -> None:
    assert once_only(f"[   12.5] {line}")


@pytest.mark.parametrize("line", AGAIN)
def test_other_messages_come_again(line: str) -> None:
    assert not once_only(line)


def test_the_scanner_remembers_until_reset() -> None:
    scanner = Scanner()
    scanner.feed(b"usb 1-1: BOGUS urb xfer, pipe 1 != type 3\nKernel panic - not syncing: Fatal exception\n")
    assert (scanner.crashed, scanner.once, scanner.fatal) == (True, True, True)
    scanner.reset()
    assert (scanner.crashed, scanner.once, scanner.fatal) == (False, False, False)
