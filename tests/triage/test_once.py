"""Which messages a kernel prints only once a boot."""

from __future__ import annotations

import pytest

from usbfuzz.triage import once_only

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
