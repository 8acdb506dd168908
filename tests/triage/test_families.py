"""Each family of crash reports gets its name, whatever the kernel prints before each line."""

from __future__ import annotations

import pytest
from attrs import frozen

from usbfuzz.triage import Kind, extract

from .logs import BOOT, STYLES, frames, oops, slub, styled, warning


@frozen
class Example:
    name: str
    lines: tuple[str, ...]
    title: str
    kind: Kind | None
    module: str | None = None
    file: str | None = None


_PROBE = ("usb_serial_device_probe [usbserial]", "usb_probe_interface [usbcore]", "really_probe", "device_add")

FAULTS = (
    Example(
        "NULL dereference, 5.2 and later",
        oops(
            ("BUG: kernel NULL pointer dereference, address: 0000000000000088", "#PF: supervisor read access",
             "Oops: 0000 [#1] PREEMPT SMP NOPTI"),
            "qt2_read_bulk_callback [quatech2]", "__usb_hcd_giveback_urb [usbcore]",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback", Kind.NULL_DEREFERENCE,
        "quatech2",
    ),
    Example(
        "NULL dereference, before 5.2",
        oops(
            ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000088",),
            "pidff_find_fields [usbhid]", "hid_pidff_init [usbhid]",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in pidff_find_fields", Kind.NULL_DEREFERENCE, "usbhid",
    ),
    Example(
        "page fault",
        oops(
            ("BUG: unable to handle page fault for address: ffffec9fd1d5c188", "Oops: Oops: 0000 [#1] SMP NOPTI"),
            "kfree", "usb_destroy_configuration [usbcore]", "usb_release_dev [usbcore]",
        ),
        "BUG: unable to handle kernel paging request in usb_destroy_configuration", Kind.MEMORY_SAFETY_BUG, "usbcore",
    ),
    Example(
        "protection fault, 6.12 and later",
        oops(
            ("Oops: general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6c13: 0000 [#1] SMP",),
            "device_wakeup_disable", "btusb_disconnect [btusb]", "usb_unbind_interface [usbcore]",
        ),
        "general protection fault in device_wakeup_disable", Kind.DENIAL,
    ),
    Example(
        "protection fault, 4.x",
        oops(("general protection fault: 0000 [#1] SMP KASAN",), "snd_usb_mixer_disconnect [snd_usb_audio]", *_PROBE),
        "general protection fault in snd_usb_mixer_disconnect", Kind.DENIAL, "snd_usb_audio",
    ),
    Example(
        "jump to nowhere blames the caller",
        (
            *BOOT, "BUG: kernel NULL pointer dereference, address: 0000000000000000", "RIP: 0010:0x0",
            "Code: Unable to access opcode bytes at 0xffffffffffffffd6.", "Call Trace:",
            *frames("gspca_frame_add [gspca_main]", "isoc_irq [gspca_main]", "__usb_hcd_giveback_urb [usbcore]"),
        ),
        "BUG: unable to handle kernel NULL pointer dereference in gspca_frame_add", Kind.NULL_DEREFERENCE, "gspca_main",
    ),
    Example(
        "divide error", oops(("divide error: 0000 [#1] SMP",), "mct_u232_calculate_baud_rate [mct_u232]"),
        "divide error in mct_u232_calculate_baud_rate", Kind.DENIAL, "mct_u232",
    ),
    Example(
        "divide error, 6.x", oops(("Oops: divide error: 0000 [#1] SMP",), "uvc_video_decode_data [uvcvideo]"),
        "divide error in uvc_video_decode_data", Kind.DENIAL, "uvcvideo",
    ),
    Example(
        "assertion",
        oops(("------------[ cut here ]------------", "kernel BUG at drivers/usb/storage/uas.c:533!",
              "invalid opcode: 0000 [#1] SMP"), "uas_queuecommand_lck [uas]", "scsi_queue_rq"),
        "kernel BUG in uas_queuecommand_lck", Kind.BUG, "uas", "drivers/usb/storage/uas.c",
    ),
    Example(
        "list corruption that stops the machine",
        oops(("list_del corruption. prev->next should be ffff9d04, but was 6b6b6b6b6b6b6b6b",
              "kernel BUG at lib/list_debug.c:62!", "invalid opcode: 0000 [#1] SMP"),
             "__list_del_entry_valid.cold", "hidraw_release [hid]"),
        "BUG: corrupted list in hidraw_release", Kind.MEMORY_SAFETY_BUG, "hid",
    ),
    Example(
        "usercopy",
        oops(("usercopy: Kernel memory overwrite attempt detected to SLUB object 'kmalloc-64' (offset 0, size 80)!",
              "kernel BUG at mm/usercopy.c:102!", "invalid opcode: 0000 [#1] SMP"),
             "usercopy_abort", "__check_heap_object", "__check_object_size", "usblp_write [usblp]", "vfs_write"),
        "BUG: bad usercopy in usblp_write", Kind.BUG, "usblp",
    ),
    Example(
        "double fault", oops(("PANIC: double fault, error_code: 0x0",), "usb_hub_find_child [usbcore]"),
        "PANIC: double fault in usb_hub_find_child", Kind.DENIAL, "usbcore",
    ),
    Example(
        "stack overflow",
        oops(("BUG: TASK stack guard page was hit at ffffb2a0001dfff8 (stack is ffffb2a0001e0000..ffffb2a0001e3fff)",),
             "hid_parser_global [hid]", "hid_open_report [hid]", "usb_probe_interface [usbcore]"),
        "BUG: stack guard page was hit in hid_open_report", None, "hid",
    ),
    Example(
        "arm64",
        (
            *BOOT, "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010",
            "Internal error: Oops: 0000000096000004 [#1] SMP",
            "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.1.0 #1",
            "pc : peak_usb_start+0x40/0x1a0 [peak_usb]", "lr : peak_usb_start+0x3c/0x1a0 [peak_usb]", "Call trace:",
            *frames("peak_usb_start [peak_usb]", "peak_usb_ndo_open [peak_usb]", "__dev_open"),
            "---[ end trace 0000000000000000 ]---",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in peak_usb_start", Kind.NULL_DEREFERENCE, "peak_usb",
    ),
)  # fmt: skip

_WARN = "WARNING: CPU: 0 PID: 45 at "
_URB_STACK = (
    "usb_submit_urb [usbcore]", "usb_start_wait_urb [usbcore]", "usb_bulk_msg [usbcore]", "cxacru_cm [cxacru]",
    "cxacru_bind [cxacru]", "usbatm_usb_probe [usbatm]",
)  # fmt: skip

WARNINGS = (
    Example(
        "plain", warning(_WARN + "drivers/usb/gadget/composite.c:12 rndis_bind+0x1/0x2", "rndis_bind [rndis_host]"),
        "WARNING in rndis_bind", Kind.WARNING, "rndis_host", "drivers/usb/gadget/composite.c",
    ),
    Example(
        "plain, 6.17", warning("WARNING: drivers/net/usb/smsc95xx.c:88 at smsc95xx_bind+0x1/0x2, CPU#0: kworker/0:2/45",
                               "smsc95xx_bind [smsc95xx]"),
        "WARNING in smsc95xx_bind", Kind.WARNING, "smsc95xx", "drivers/net/usb/smsc95xx.c",
    ),
    Example(
        "an URB of the wrong type, older kernels",
        warning(_WARN + "drivers/usb/core/urb.c:493 usb_submit_urb+0x3b5/0x5e0 [usbcore]", *_URB_STACK,
                before=("usb 1-1: BOGUS urb xfer, pipe 1 != type 3",)),
        "WARNING in cxacru_cm/usb_submit_urb", Kind.WARNING, "cxacru", "drivers/usb/core/urb.c",
    ),
    Example(
        "reference count",
        warning(_WARN + "lib/refcount.c:28 refcount_warn_saturate+0xba/0x110", "refcount_warn_saturate", "kobject_put",
                "usbtv_disconnect [usbtv]", before=("refcount_t: underflow; use-after-free.",)),
        "WARNING: refcount bug in usbtv_disconnect", Kind.REFCOUNT, "usbtv",
    ),
    Example(
        "list corruption that only warns",
        warning(_WARN + "lib/list_debug.c:29 __list_add_valid+0x41/0x70",
                "__list_add_valid", "dvb_register_device [dvb]",
                before=("list_add corruption. next->prev should be prev (ffff), but was 0000.",)),
        "WARNING in dvb_register_device", Kind.WARNING, "dvb", "lib/list_debug.c",
    ),
    Example(
        "too big an allocation",
        warning(_WARN + "mm/page_alloc.c:5541 __alloc_pages+0x2c1/0x330", "__alloc_pages", "kmalloc_order",
                "__kmalloc", "hid_alloc_report_buf [hid]", "hid_hw_raw_request [hid]"),
        "WARNING in hid_alloc_report_buf", Kind.WARNING, "hid", "mm/page_alloc.c",
    ),
)  # fmt: skip

HANGS = (
    Example(
        "soft lockup in a probe blames the driver, not the hub's work item",
        oops(("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:14]",),
             "__snd_usb_parse_audio_interface [snd_usb_audio]", "snd_usb_parse_audio_interface [snd_usb_audio]",
             "usb_audio_probe [snd_usb_audio]", "usb_probe_interface [usbcore]", "really_probe"),
        "BUG: soft lockup in usb_audio_probe", Kind.HANG, "snd_usb_audio",
    ),
    Example(
        "soft lockup in a completion handler",
        oops(("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ksoftirqd/0:13]",),
             "_raw_spin_lock", "acm_read_bulk_callback [cdc_acm]", "__usb_hcd_giveback_urb [usbcore]",
             "tasklet_action_common"),
        "BUG: soft lockup in acm_read_bulk_callback", Kind.HANG, "cdc_acm",
    ),
    Example(
        "hard lockup",
        oops(("watchdog: Watchdog detected hard LOCKUP on cpu 0",), "usb_hcd_link_urb_to_ep [usbcore]",
             "usbip_start_eh [usbip_core]", "process_one_work"),
        "BUG: hard lockup in usbip_start_eh", Kind.HANG, "usbip_core",
    ),
    Example(
        "hung task",
        (
            *BOOT, "INFO: task kworker/0:2:45 blocked for more than 122 seconds.",
            "      Not tainted 6.1.0-56-amd64 #1", "task:kworker/0:2 state:D stack:0 pid:45 ppid:2 flags:0x00004000",
            "Workqueue: usb_hub_wq hub_event [usbcore]", "Call Trace:", " <TASK>",
            *frames("__schedule", "schedule", "schedule_timeout", "__wait_for_common", "usb_kill_urb [usbcore]",
                    "airspy_disconnect [airspy]", "usb_unbind_interface [usbcore]"),
            " </TASK>",
        ),
        "INFO: task hung in airspy_disconnect", Kind.HANG, "airspy",
    ),
    Example(
        "RCU stall, seen from the tick's own stack",
        (
            *BOOT, "rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu: 0-....: (5249 ticks this GP)",
            "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 5.10.0-32-amd64 #1", "Call Trace:", " <IRQ>",
            *frames("dump_stack", "rcu_dump_cpu_stacks", "rcu_sched_clock_irq.cold", "update_process_times"), " </IRQ>",
            " asm_sysvec_apic_timer_interrupt+0x16/0x20",
            "RIP: 0010:convert_chmap_v3+0x1a/0x70 [snd_usb_audio]", "Code: 48 8b 40 08 <48> 8b 80 88 00 00 00 c3",
            *frames("snd_usb_get_audioformat_uac3 [snd_usb_audio]", "usb_audio_probe [snd_usb_audio]",
                    "usb_probe_interface [usbcore]", "really_probe", "process_one_work"),
        ),
        "INFO: rcu detected stall in usb_audio_probe", Kind.HANG, "snd_usb_audio",
    ),
    Example(
        "RCU stall, the interrupted registers first",
        oops(("rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu: 0-....: (5249 ticks this GP)"),
             "udl_parse_vendor_descriptor [udl]", "udl_usb_probe [udl]", "usb_probe_interface [usbcore]"),
        "INFO: rcu detected stall in udl_usb_probe", Kind.HANG, "udl",
    ),
)  # fmt: skip

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
        "KASAN: slab-use-after-free Read in dvb_usb_read_remote_control", Kind.KASAN_FREED_READ, "dvb_usb",
    ),
    Example(
        "KASAN in a string function", (
            *BOOT, "=" * 66, "BUG: KASAN: slab-out-of-bounds in memcpy+0x3c/0x60",
            "Write of size 64 at addr ffff888012345678 by task kworker/0:2/45", "", *_KASAN_TAIL,
        ),
        "KASAN: slab-out-of-bounds Write in dvb_usb_read_remote_control", Kind.KASAN_WRITE, "dvb_usb",
    ),
    Example(
        "KASAN double free", (
            *BOOT, "=" * 66, "BUG: KASAN: double-free in kfree+0x3c/0x60",
            "Free of addr ffff888012345678 by task kworker/0:2/45", "", *_KASAN_TAIL,
        ),
        "KASAN: invalid-free in dvb_usb_read_remote_control", Kind.KASAN_INVALID_FREE, "dvb_usb",
    ),
    Example(
        "KMSAN", (
            *BOOT, "=" * 53, "BUG: KMSAN: uninit-value in ath9k_hif_usb_rx_cb+0x1c4/0x1b0",
            *frames("ath9k_hif_usb_rx_cb", "__usb_hcd_giveback_urb", "usb_hcd_giveback_urb"), "",
            "Uninit was created at:", *frames("slab_post_alloc_hook", "__alloc_skb", "ath9k_hif_usb_alloc_rx_urbs"),
            "CPU: 0 PID: 45 Comm: kworker/0:2 Not tainted 6.6.0 #1", "=" * 53,
        ),
        "KMSAN: uninit-value in ath9k_hif_usb_rx_cb", Kind.KMSAN_UNINIT,
    ),
    Example(
        "KFENCE", (
            *BOOT, "=" * 66, "BUG: KFENCE: out-of-bounds write in hid_set_field+0x10/0x1c0 [hid]", "",
            "Out-of-bounds write at 0x00000000c7ab1234 (1B right of kfence-#12):",
            *frames("hid_set_field [hid]", "wacom_hid_set_device_mode [wacom]"), "",
            "kfence-#12: 0x00000000c7ab1200-0x00000000c7ab1233, size=52, cache=kmalloc-64", "",
            "allocated by task 45 on cpu 0 at 12.5s:", *frames("hid_register_field [hid]"), "=" * 66,
        ),
        "KFENCE: out-of-bounds write in hid_set_field", Kind.KFENCE_WRITE, "hid",
    ),
    Example(
        "KCSAN", (
            *BOOT, "=" * 66, "BUG: KCSAN: data-race in usb_serial_port_work / usb_serial_disconnect", "",
            "write to 0xffff8881 of 4 bytes by task 45 on cpu 0:", *frames("usb_serial_disconnect"), "=" * 66,
        ),
        "KCSAN: data-race in usb_serial_port_work / usb_serial_disconnect", Kind.KCSAN_RACE,
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
        "UBSAN: array-index-out-of-bounds in uvc_parse_standard_control", Kind.MEMORY_SAFETY_UBSAN, "uvcvideo",
        "drivers/media/usb/uvc/uvc_driver.c",
    ),
    Example(
        "UBSAN shift", (
            *BOOT, "UBSAN: shift-out-of-bounds in drivers/hid/hid-core.c:1373:16",
            "shift exponent 4294967295 is too large for 32-bit type 'int'", "Call Trace:",
            *frames("dump_stack_lvl", "ubsan_epilogue", "__ubsan_handle_shift_out_of_bounds.cold", "s32ton [hid]"),
        ),
        "UBSAN: shift-out-of-bounds in s32ton", Kind.UBSAN, "hid", "drivers/hid/hid-core.c",
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
        "BUG: sleeping function called from invalid context in kaweth_set_rx_mode", Kind.ATOMIC_SLEEP, "kaweth",
    ),
    Example(
        "scheduling while atomic", (
            *BOOT, "BUG: scheduling while atomic: kworker/0:2/45/0x00000002", "Call Trace:",
            *frames("dump_stack", "__schedule_bug.cold", "__schedule", "schedule", "schedule_timeout",
                    "go7007_usb_send_firmware [go7007_usb]"),
        ),
        "BUG: scheduling while atomic in go7007_usb_send_firmware", Kind.ATOMIC_SLEEP, "go7007_usb",
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
        "possible deadlock in em28xx_ir_close", Kind.LOCKDEP, "em28xx_rc",
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
        "BUG: Right Redzone overwritten in hid_register_report", Kind.SLAB_CORRUPTION, "hid",
    ),
    Example(
        "SLUB with only the free tracked",
        slub("Poison overwritten", "kmalloc-rnd-05-64",
             "Freed in btusb_disconnect+0x9f/0xf0 [btusb] age=14 cpu=0 pid=11"),
        "BUG: Poison overwritten in btusb_disconnect", Kind.SLAB_CORRUPTION, "btusb",
    ),
    Example(
        "SLUB without tracking", slub("Object corrupt", "skbuff_head_cache"),
        "BUG: Object corrupt in skbuff_head_cache", Kind.SLAB_CORRUPTION,
    ),
    Example(
        "SLUB, 5.10",
        slub("Redzone overwritten", "kmalloc-192", "INFO: Allocated in devm_kmalloc+0x31/0x70 age=14 cpu=0 pid=11",
             "\tkmem_cache_alloc_trace+0x1/0x2", "\tpl2303_startup+0x31/0x2b0 [pl2303]",
             "INFO: Freed in kvfree_call_rcu+0x31/0x70 age=140 cpu=0 pid=11"),
        "BUG: Redzone overwritten in pl2303_startup", Kind.SLAB_CORRUPTION, "pl2303",
    ),
    Example(
        "leak", (
            *BOOT, "BUG: memory leak", "unreferenced object 0xffff88810c8b4a00 (size 512):",
            '  comm "kworker/0:2", pid 45, jiffies 4294942321 (age 8.010s)', "  backtrace (crc 92fa1e3d):",
            "    [<ffffffff8150b1c5>] kmalloc_trace+0x25/0x90",
            "    [<ffffffff83f1b6d8>] dvb_usbv2_probe+0x98/0x1d20 [dvb_usb_v2]",
            "    [<ffffffff83a0d2b5>] usb_probe_interface+0x175/0x380", "",
        ),
        "memory leak in dvb_usbv2_probe", Kind.LEAK, "dvb_usb_v2",
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
        "kernel panic: Attempted to kill init!", Kind.DENIAL,
    ),
    Example(
        "panic in its own words",
        (*BOOT, "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)", *_PANIC_STACK),
        "kernel panic: VFS: Unable to mount root fs on unknown-block(NUM,NUM)", Kind.DENIAL,
    ),
    Example("workqueue", (*BOOT, "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!"),
            "BUG: workqueue lockup", None),
    Example("an URB of the wrong type, newer kernels",
            (*BOOT, "cxacru 1-1:1.0: receive of cm 0x90 failed", "usb 1-1: BOGUS urb xfer, pipe 1 != type 3"),
            "BOGUS urb xfer in cxacru", Kind.BOGUS_URB, "cxacru"),
    Example("an URB of the wrong type, driver named later",
            (*BOOT, "usb 1-1: BOGUS urb xfer, pipe 3 != type 1", "snd-usb-6fire 1-1:1.0: submit failed"),
            "BOGUS urb xfer in snd_usb_6fire", Kind.BOGUS_URB, "snd_usb_6fire"),
    Example("an URB of the wrong type, nobody names the driver",
            (*BOOT, "usb 1-1: BOGUS urb xfer, pipe 3 != type 1", "usb 1-2: new high-speed USB device number 3"),
            "BOGUS urb xfer", Kind.BOGUS_URB),
)  # fmt: skip

EXAMPLES = {
    example.name: example
    for family in (FAULTS, WARNINGS, HANGS, SANITIZERS, LOCKING, MEMORY, OTHERS)
    for example in family
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_report_is_named_whatever_the_line_prefix(name: str, style: str) -> None:
    example = EXAMPLES[name]
    first, *others = extract(styled(example.lines, style))
    assert (first.title, first.type, first.corruption) == (example.title, example.kind, "")
    assert not others


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_report_blames_a_module_and_a_file(name: str) -> None:
    example = EXAMPLES[name]
    report = extract(styled(example.lines))[0]
    assert report.module == example.module
    assert example.file is None or report.file == example.file
    assert not report.suppressed


def test_no_two_examples_share_a_title_by_accident() -> None:
    titles = [example.title for example in EXAMPLES.values()]
    assert len(titles) - len(set(titles)) == 0
