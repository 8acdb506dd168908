"""Examples of crash reports: those of usbfuzz's own probe."""

from __future__ import annotations

from usbfuzz.triage import CrashType

from .logs import BOOT, frames
from .oops_examples import Example

__all__ = ["LINE", "PROBED", "block", "nmi"]

#: What such a report begins and ends with.
LINE = "=" * 66


def block(kind: str, place: str, *details: str) -> tuple[str, ...]:
    """A report of the probe's, with its opening and its closing line."""
    return (LINE, f"BUG: usbfuzz: {kind} in {place}", *details, LINE)


def nmi(rip: str, *callers: str) -> tuple[str, ...]:
    """What 6.1 prints when it is stopped at an instruction of ``rip``, called by ``callers``."""
    return (
        "Uhhuh. NMI received for unknown reason 21 on CPU 0.",
        "Kernel panic - not syncing: NMI: Not continuing",
        "CPU: 0 PID: 80 Comm: kworker/0:3 Tainted: G         C         6.1.0-56-amd64 #1  Debian 6.1.192-2",
        "Workqueue: usb_hub_wq hub_event [usbcore]",
        "Call Trace:",
        " <NMI>",
        *frames("dump_stack_lvl", "panic", "nmi_panic.cold", "unknown_nmi_error.cold", "exc_nmi"),
        " end_repeat_nmi+0x16/0x67",
        f"RIP: 0010:{rip}",
        "Code: 48 8b 40 08 <48> 8b 80 88 00 00 00 c3",
        "RSP: 0018:ffffd3d6c0647610 EFLAGS: 00000202",
        f" ? {rip}",
        " </NMI>",
        " <TASK>",
        *frames(*callers, "usb_probe_interface [usbcore]"),
        " </TASK>",
        "Kernel Offset: 0x37200000 from 0xffffffff81000000 (relocation range: 0xffffffff80000000-0xffffffffbfffffff)",
    )


_PARSE = "uvc_parse_format+0x1d7/0x9c0 [uvcvideo]"
_WRITE = ("Write of size 4 at addr ffff88800a3b2e38",)
_READ = ("Read of size 8 at addr ffff88800a3b2e38",)
_OBJECT = ("The address is 0 bytes past the end of the 568-byte object at ffff88800a3b2c00 of cache kmalloc-1k",)
_TRACKS = (
    "Allocated by:", *frames("__kmalloc", "uvc_parse_streaming [uvcvideo]"),
    "Freed by:", *frames("kfree", "uvc_delete [uvcvideo]", "kref_put"),
)  # fmt: skip

PROBED = (
    Example(
        "probe, out of bounds",
        (*BOOT, *block("slab-out-of-bounds", _PARSE, *_WRITE, *_OBJECT, *_TRACKS[:3]), *nmi(_PARSE, "uvc_probe")),
        "slab-out-of-bounds Write in uvc_parse_format", CrashType.KASAN_WRITE, "uvcvideo",
    ),
    Example(
        "probe, the guest was let go on",
        (*BOOT, *block("slab-use-after-free", "uvc_status_stop+0x3d/0x90 [uvcvideo]", *_READ, *_OBJECT, *_TRACKS)),
        "slab-use-after-free Read in uvc_status_stop", CrashType.KASAN_FREED_READ, "uvcvideo",
    ),
    Example(
        "probe, freed pages",
        (*BOOT, *block("page-use-after-free", "em28xx_irq_callback+0x3d/0x90 [em28xx]", *_WRITE)),
        "use-after-free Write in em28xx_irq_callback", CrashType.KASAN_FREED_WRITE, "em28xx",
    ),
    Example(
        "probe, a leak to a device",
        (*BOOT, *block("kernel-usb-infoleak", "peak_usb (bulk)",
                       "Kernel address ffff8e015c8ebc40 (direct map) at offset 8 of the 16 bytes sent to endpoint 2",
                       "  00000000: 01 02 03 04 05 06 07 08 40 bc 8e 5c 01 8e ff ff")),
        "kernel-usb-infoleak in peak_usb (bulk)", CrashType.KMSAN_LEAK, "peak_usb",
    ),
    Example(
        "probe, double free",
        (*BOOT, *block("double-free", "vub300_disconnect+0x3d/0x90 [vub300]", *_OBJECT, *_TRACKS)),
        "double-free in vub300_disconnect", CrashType.KASAN_INVALID_FREE, "vub300",
    ),
    Example(
        "probe, invalid free",
        (*BOOT, *block("invalid-free", "k90_init+0x3d/0x90 [hid_corsair]", *_OBJECT)),
        "invalid-free in k90_init", CrashType.KASAN_INVALID_FREE, "hid_corsair",
    ),
    Example(
        "probe, an URB longer than its buffer",
        (*BOOT, *block("urb-out-of-bounds", "usb_bulk_msg+0x3d/0x90 [usbcore]",
                       "Transfer of size 4096 at addr ffff88800a3b2e38", *_OBJECT),
         *nmi("usb_submit_urb+0x1/0x5d0 [usbcore]", "usb_start_wait_urb [usbcore]", "mos7840_open [mos7840]")),
        "urb-out-of-bounds in mos7840_open", CrashType.MEMORY_SAFETY_BUG, "mos7840",
    ),
    Example(
        "probe, in a string function",
        (*BOOT, *block("slab-out-of-bounds", "memcpy_orig+0x3d/0x90", *_READ, *_OBJECT),
         *nmi("memcpy_orig+0x3d/0x90", "az6007_i2c_xfer [dvb_usb_az6007]")),
        "slab-out-of-bounds Read in az6007_i2c_xfer", CrashType.KASAN_READ, "dvb_usb_az6007",
    ),
    Example(
        "probe, through no pointer",
        (*BOOT, *block("null-ptr-deref", "esd_usb_probe+0x3d/0x90 [esd_usb]", "Read of size 2 at addr 00000000000010")),
        "null-ptr-deref Read in esd_usb_probe", CrashType.KASAN_NULL_READ, "esd_usb",
    ),
)  # fmt: skip
