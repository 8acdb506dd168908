"""Examples of crash reports: sanitizers, locking, memory, and the rest."""

from __future__ import annotations

from usbfuzz.triage import CrashType

from .logs import BOOT, frames, slub
from .oops_examples import Example

__all__ = ["LOCKING", "MEMORY", "OTHERS", "SANITIZERS"]

_KASAN_TAIL = (
    "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.6.0 #1", "Call Trace:", " <TASK>",
    *frames("dump_stack_lvl", "print_report", "kasan_report", "dvb_usb_read_remote_control [dvb_usb]"), " </TASK>",
    "", "Allocated by task 45:", *frames("kasan_save_stack", "__kmalloc", "dvb_usb_device_init [dvb_usb]"),
    "", "Freed by task 45:", *frames("kasan_save_stack", "kfree", "dvb_usb_device_exit [dvb_usb]"), "=" * 66,
)  # fmt: skip

SANITIZERS = (
    Example(
        "KASAN", (
            *BOOT, "=" * 66, "BUG: KASAN: slab-use-after-free in dvb_usb_read_remote_control+0x1a4/0x1b0 [dvb_usb]",
            "Read of size 8 at addr ffff888012345678 by task kworker/0:2/45", "", *_KASAN_TAIL,
        ),
        "KASAN: slab-use-after-free Read in dvb_usb_read_remote_control", CrashType.KASAN_FREED_READ, "dvb_usb",
    ),
    Example(
        "KASAN in a string function", (
            *BOOT, "=" * 66, "BUG: KASAN: slab-out-of-bounds in memcpy+0x3c/0x60",
            "Write of size 64 at addr ffff888012345678 by task kworker/0:2/45", "", *_KASAN_TAIL,
        ),
        "KASAN: slab-out-of-bounds Write in dvb_usb_read_remote_control", CrashType.KASAN_WRITE, "dvb_usb",
    ),
    Example(
        "KASAN double free", (
            *BOOT, "=" * 66, "BUG: KASAN: double-free in kfree+0x3c/0x60",
            "Free of addr ffff888012345678 by task kworker/0:2/45", "", *_KASAN_TAIL,
        ),
        "KASAN: invalid-free in dvb_usb_read_remote_control", CrashType.KASAN_INVALID_FREE, "dvb_usb",
    ),
    Example(
        "KMSAN", (
            *BOOT, "=" * 53, "BUG: KMSAN: uninit-value in ath9k_hif_usb_rx_cb+0x1c4/0x1b0",
            *frames("ath9k_hif_usb_rx_cb", "__usb_hcd_giveback_urb", "usb_hcd_giveback_urb"), "",
            "Uninit was created at:", *frames("slab_post_alloc_hook", "__alloc_skb", "ath9k_hif_usb_alloc_rx_urbs"),
            "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.6.0 #1", "=" * 53,
        ),
        "KMSAN: uninit-value in ath9k_hif_usb_rx_cb", CrashType.KMSAN_UNINIT,
    ),
    Example(
        "KFENCE", (
            *BOOT, "=" * 66, "BUG: KFENCE: out-of-bounds write in hid_set_field+0x10/0x1c0 [hid]", "",
            "Out-of-bounds write at 0x00000000c7ab1234 (1B right of kfence-#12):",
            *frames("hid_set_field [hid]", "wacom_hid_set_device_mode [wacom]"), "",
            "kfence-#12: 0x00000000c7ab1200-0x00000000c7ab1233, size=52, cache=kmalloc-64", "",
            "allocated by task 45 on cpu 0 at 12.5s:", *frames("hid_register_field [hid]"), "=" * 66,
        ),
        "KFENCE: out-of-bounds write in hid_set_field", CrashType.KFENCE_WRITE, "hid",
    ),
    Example(
        "KCSAN", (
            *BOOT, "=" * 66, "BUG: KCSAN: data-race in usb_serial_port_work / usb_serial_disconnect", "",
            "write to 0xffff8881 of 4 bytes by task 45 on cpu 0:", *frames("usb_serial_disconnect"), "=" * 66,
        ),
        "KCSAN: data-race in usb_serial_port_work / usb_serial_disconnect", CrashType.KCSAN_RACE,
    ),
    Example(
        "UBSAN bounds", (
            *BOOT, "------------[ cut here ]------------",
            "UBSAN: array-index-out-of-bounds in drivers/media/usb/uvc/uvc_driver.c:1017:30",
            "index 40 is out of range for type '__u8 [32]'",
            "CPU: 0 UID: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.16.3+deb13-amd64 #1 PREEMPT(lazy)", "Call Trace:",
            " <TASK>", *frames("dump_stack_lvl", "ubsan_epilogue", "__ubsan_handle_out_of_bounds.cold",
                              "uvc_parse_standard_control [uvcvideo]", "uvc_probe [uvcvideo]"),
            " </TASK>", "---[ end trace ]---",
        ),
        "UBSAN: array-index-out-of-bounds in uvc_parse_standard_control", CrashType.MEMORY_SAFETY_UBSAN, "uvcvideo",
        "drivers/media/usb/uvc/uvc_driver.c",
    ),
    Example(
        "UBSAN shift", (
            *BOOT, "UBSAN: shift-out-of-bounds in drivers/hid/hid-core.c:1373:16",
            "shift exponent 4294967295 is too large for 32-bit type 'int'", "Call Trace:",
            *frames("dump_stack_lvl", "ubsan_epilogue", "__ubsan_handle_shift_out_of_bounds.cold", "s32ton [hid]"),
        ),
        "UBSAN: shift-out-of-bounds in s32ton", CrashType.UBSAN, "hid", "drivers/hid/hid-core.c",
    ),
)  # fmt: skip

LOCKING = (
    Example(
        "sleeping in atomic context", (
            *BOOT, "BUG: sleeping function called from invalid context at include/linux/sched/mm.h:306",
            "in_atomic(): 1, irqs_disabled(): 1, non_block: 0, pid: 45, name: kworker/0:2", "Call Trace:",
            *frames("dump_stack_lvl", "__might_resched.cold", "__kmalloc", "kaweth_set_rx_mode [kaweth]",
                    "__dev_set_rx_mode"),
        ),
        "BUG: sleeping function called from invalid context in kaweth_set_rx_mode", CrashType.ATOMIC_SLEEP, "kaweth",
    ),
    Example(
        "scheduling while atomic", (
            *BOOT, "BUG: scheduling while atomic: kworker/0:2/45/0x00000002", "Call Trace:",
            *frames("dump_stack", "__schedule_bug.cold", "__schedule", "schedule", "schedule_timeout",
                    "go7007_usb_send_firmware [go7007_usb]"),
        ),
        "BUG: scheduling while atomic in go7007_usb_send_firmware", CrashType.ATOMIC_SLEEP, "go7007_usb",
    ),
    Example(
        "deadlock", (
            *BOOT, "=" * 54, "WARNING: possible recursive locking detected", "6.6.0 #1 Not tainted", "-" * 44,
            "kworker/0:2/45 is trying to acquire lock:",
            "ffff888012345678 (&dev->lock){+.+.}-{3:3}, at: em28xx_ir_close+0x22/0x70 [em28xx_rc]", "",
            "but task is already holding lock:",
            "ffff888012345678 (&dev->lock){+.+.}-{3:3}, at: em28xx_close_extension+0x22/0x70 [em28xx]", "",
            "stack backtrace:", "Call Trace:", *frames("dump_stack_lvl", "__lock_acquire", "lock_acquire",
                                                       "__mutex_lock", "em28xx_ir_close [em28xx_rc]"),
        ),
        "possible deadlock in em28xx_ir_close", CrashType.LOCKDEP, "em28xx_rc",
    ),
    Example(
        "unregistered lock", (
            *BOOT, "INFO: trying to register non-static key.", "The code is fine but needs lockdep annotation.",
            "Call Trace:", *frames("dump_stack_lvl", "register_lock_class", "__lock_acquire", "lock_acquire",
                                   "_raw_spin_lock_irqsave", "ims_pcu_disconnect [ims_pcu]"),
        ),
        "INFO: trying to register non-static key in ims_pcu_disconnect", None, "ims_pcu",
    ),
)  # fmt: skip

_ALLOCATED = ("Allocated in hid_register_report+0x9f/0xf0 [hid] age=14 cpu=0 pid=11",
              *frames("kmalloc_trace", "hid_register_report [hid]", "hid_parser_main [hid]"))  # fmt: skip

MEMORY = (
    Example(
        "SLUB with tracking", slub("Right Redzone overwritten", "kmalloc-192", *_ALLOCATED),
        "BUG: Right Redzone overwritten in hid_register_report", CrashType.SLAB_CORRUPTION, "hid",
    ),
    Example(
        "SLUB with only the free tracked",
        slub("Poison overwritten", "kmalloc-rnd-05-64",
             "Freed in btusb_disconnect+0x9f/0xf0 [btusb] age=14 cpu=0 pid=11"),
        "BUG: Poison overwritten in btusb_disconnect", CrashType.SLAB_CORRUPTION, "btusb",
    ),
    Example(
        "SLUB without tracking", slub("Object corrupt", "skbuff_head_cache"),
        "BUG: Object corrupt in skbuff_head_cache", CrashType.SLAB_CORRUPTION,
    ),
    Example(
        "SLUB, 5.10",
        slub("Redzone overwritten", "kmalloc-192", "INFO: Allocated in devm_kmalloc+0x31/0x70 age=14 cpu=0 pid=11",
             "\tkmem_cache_alloc_trace+0x1/0x2", "\tpl2303_startup+0x31/0x2b0 [pl2303]",
             "INFO: Freed in kvfree_call_rcu+0x31/0x70 age=140 cpu=0 pid=11"),
        "BUG: Redzone overwritten in pl2303_startup", CrashType.SLAB_CORRUPTION, "pl2303",
    ),
    Example(
        "leak", (
            *BOOT, "BUG: memory leak", "unreferenced object 0xffff88810c8b4a00 (size 512):",
            '  comm "kworker/0:2", pid 45, jiffies 4294942321 (age 8.010s)', "  backtrace (crc 92fa1e3d):",
            "    [<ffffffff8150b1c5>] kmalloc_trace+0x25/0x90",
            "    [<ffffffff83f1b6d8>] dvb_usbv2_probe+0x98/0x1d20 [dvb_usb_v2]",
            "    [<ffffffff83a0d2b5>] usb_probe_interface+0x175/0x380", "",
        ),
        "memory leak in dvb_usbv2_probe", CrashType.LEAK, "dvb_usb_v2",
    ),
    Example(
        "bad page", (
            *BOOT, "BUG: Bad page state in process kworker/0:2  pfn:05702", "page_owner tracks the page as allocated",
            "page last allocated via order 0, migratetype Unmovable, gfp_mask 0xcc0(GFP_KERNEL), pid 45",
            *frames("post_alloc_hook", "get_page_from_freelist", "__alloc_pages", "stk_start_stream [stkwebcam]"),
            "Call Trace:", *frames("dump_stack_lvl", "bad_page.cold", "free_unref_page"), "", "",
        ),
        "BUG: Bad page state in stk_start_stream", None, "stkwebcam",
    ),
)  # fmt: skip

_PANIC_STACK = ("CPU: 0 PID: 1 Comm: init Not tainted 6.1.0-56-amd64 #1", "Call Trace:", " <TASK>",
                *frames("dump_stack_lvl", "panic", "do_exit.cold", "do_group_exit"),
                " </TASK>", "---[ end Kernel panic - not syncing ]---")  # fmt: skip

OTHERS = (
    Example(
        "panic",
        (*BOOT, "Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b", *_PANIC_STACK),
        "kernel panic: Attempted to kill init!", CrashType.DENIAL,
    ),
    Example(
        "panic in its own words",
        (*BOOT, "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", *_PANIC_STACK),
        "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)", CrashType.DENIAL,
    ),
    Example("workqueue", (*BOOT, "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!"),
            "BUG: workqueue lockup", None),
    Example("an URB of the wrong type, newer kernels",
            (*BOOT, "cxacru 1-1:1.0: receive of cm 0x90 failed", "usb 1-1: BOGUS urb xfer, pipe 1 != type 3"),
            "BOGUS urb xfer in cxacru", CrashType.BOGUS_URB, "cxacru"),
    Example("an URB of the wrong type, driver named later",
            (*BOOT, "usb 1-1: BOGUS urb xfer, pipe 3 != type 1", "snd-usb-6fire 1-1:1.0: submit failed"),
            "BOGUS urb xfer in snd_usb_6fire", CrashType.BOGUS_URB, "snd_usb_6fire"),
    Example("an URB of the wrong type, nobody names the driver",
            (*BOOT, "usb 1-1: BOGUS urb xfer, pipe 3 != type 1", "usb 1-2: new high-speed USB device number 3"),
            "BOGUS urb xfer", CrashType.BOGUS_URB),
)  # fmt: skip
