"""Examples of crash reports: faults, warnings and hangs."""

from __future__ import annotations

from attrs import frozen

from usbfuzz.triage import CrashType

from .logs import BOOT, frames, oops, warning

__all__ = ["FAULTS", "HANGS", "WARNINGS", "Example"]


@frozen
class Example:
    name: str
    lines: tuple[str, ...]
    title: str
    kind: CrashType | None
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
        "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback", CrashType.NULL_DEREFERENCE,
        "quatech2",
    ),
    Example(
        "NULL dereference, before 5.2",
        oops(
            ("BUG: unable to handle kernel NULL pointer dereference at 0000000000000088",),
            "pidff_find_fields [usbhid]", "hid_pidff_init [usbhid]",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in pidff_find_fields",
        CrashType.NULL_DEREFERENCE, "usbhid",
    ),
    Example(
        "page fault",
        oops(
            ("BUG: unable to handle page fault for address: ffffec9fd1d5c188", "Oops: Oops: 0000 [#1] SMP NOPTI"),
            "kfree", "usb_destroy_configuration [usbcore]", "usb_release_dev [usbcore]",
        ),
        "BUG: unable to handle kernel paging request in usb_destroy_configuration",
        CrashType.MEMORY_SAFETY_BUG, "usbcore",
    ),
    Example(
        "protection fault, 6.12 and later",
        oops(
            ("Oops: general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6c13: 0000 [#1] SMP",),
            "device_wakeup_disable", "btusb_disconnect [btusb]", "usb_unbind_interface [usbcore]",
        ),
        "general protection fault in device_wakeup_disable", CrashType.DENIAL,
    ),
    Example(
        "protection fault, 4.x",
        oops(("general protection fault: 0000 [#1] SMP KASAN",), "snd_usb_mixer_disconnect [snd_usb_audio]", *_PROBE),
        "general protection fault in snd_usb_mixer_disconnect", CrashType.DENIAL, "snd_usb_audio",
    ),
    Example(
        "jump to nowhere blames the caller",
        (
            *BOOT, "BUG: kernel NULL pointer dereference, address: 0000000000000000", "RIP: 0010:0x0",
            "Code: Unable to access opcode bytes at 0xffffffffffffffd6.", "Call Trace:",
            *frames("gspca_frame_add [gspca_main]", "isoc_irq [gspca_main]", "__usb_hcd_giveback_urb [usbcore]"),
        ),
        "BUG: unable to handle kernel NULL pointer dereference in gspca_frame_add",
        CrashType.NULL_DEREFERENCE, "gspca_main",
    ),
    Example(
        "divide error", oops(("divide error: 0000 [#1] SMP",), "mct_u232_calculate_baud_rate [mct_u232]"),
        "divide error in mct_u232_calculate_baud_rate", CrashType.DENIAL, "mct_u232",
    ),
    Example(
        "divide error, 6.x", oops(("Oops: divide error: 0000 [#1] SMP",), "uvc_video_decode_data [uvcvideo]"),
        "divide error in uvc_video_decode_data", CrashType.DENIAL, "uvcvideo",
    ),
    Example(
        "assertion",
        oops(("------------[ cut here ]------------", "kernel BUG at drivers/usb/storage/uas.c:533!",
              "invalid opcode: 0000 [#1] SMP"), "uas_queuecommand_lck [uas]", "scsi_queue_rq"),
        "kernel BUG in uas_queuecommand_lck", CrashType.BUG, "uas", "drivers/usb/storage/uas.c",
    ),
    Example(
        "list corruption that stops the machine",
        oops(("list_del corruption. prev->next should be ffff9d04, but was 6b6b6b6b6b6b6b6b",
              "kernel BUG at lib/list_debug.c:62!", "invalid opcode: 0000 [#1] SMP"),
             "__list_del_entry_valid.cold", "hidraw_release [hid]"),
        "BUG: corrupted list in hidraw_release", CrashType.MEMORY_SAFETY_BUG, "hid",
    ),
    Example(
        "usercopy",
        oops(("usercopy: Kernel memory overwrite attempt detected to SLUB object 'kmalloc-64' (offset 0, size 80)!",
              "kernel BUG at mm/usercopy.c:102!", "invalid opcode: 0000 [#1] SMP"),
             "usercopy_abort", "__check_heap_object", "__check_object_size", "usblp_write [usblp]", "vfs_write"),
        "BUG: bad usercopy in usblp_write", CrashType.BUG, "usblp",
    ),
    Example(
        "double fault", oops(("PANIC: double fault, error_code: 0x0",), "usb_hub_find_child [usbcore]"),
        "PANIC: double fault in usb_hub_find_child", CrashType.DENIAL, "usbcore",
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
        "BUG: unable to handle kernel NULL pointer dereference in peak_usb_start",
        CrashType.NULL_DEREFERENCE, "peak_usb",
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
        "WARNING in rndis_bind", CrashType.WARNING, "rndis_host", "drivers/usb/gadget/composite.c",
    ),
    Example(
        "plain, 6.17", warning("WARNING: drivers/net/usb/smsc95xx.c:88 at smsc95xx_bind+0x1/0x2, CPU#0: kworker/0:2/45",
                               "smsc95xx_bind [smsc95xx]"),
        "WARNING in smsc95xx_bind", CrashType.WARNING, "smsc95xx", "drivers/net/usb/smsc95xx.c",
    ),
    Example(
        "an URB of the wrong type, older kernels",
        warning(_WARN + "drivers/usb/core/urb.c:493 usb_submit_urb+0x3b5/0x5e0 [usbcore]", *_URB_STACK,
                before=("usb 1-1: BOGUS urb xfer, pipe 1 != type 3",)),
        "WARNING in cxacru_cm/usb_submit_urb", CrashType.WARNING, "cxacru", "drivers/usb/core/urb.c",
    ),
    Example(
        "reference count",
        warning(_WARN + "lib/refcount.c:28 refcount_warn_saturate+0xba/0x110", "refcount_warn_saturate", "kobject_put",
                "usbtv_disconnect [usbtv]", before=("refcount_t: underflow; use-after-free.",)),
        "WARNING: refcount bug in usbtv_disconnect", CrashType.REFCOUNT, "usbtv",
    ),
    Example(
        "list corruption that only warns",
        warning(_WARN + "lib/list_debug.c:29 __list_add_valid+0x41/0x70",
                "__list_add_valid", "dvb_register_device [dvb]",
                before=("list_add corruption. next->prev should be prev (ffff), but was 0000.",)),
        "WARNING in dvb_register_device", CrashType.WARNING, "dvb", "lib/list_debug.c",
    ),
    Example(
        "too big an allocation",
        warning(_WARN + "mm/page_alloc.c:5541 __alloc_pages+0x2c1/0x330", "__alloc_pages", "kmalloc_order",
                "__kmalloc", "hid_alloc_report_buf [hid]", "hid_hw_raw_request [hid]"),
        "WARNING in hid_alloc_report_buf", CrashType.WARNING, "hid", "mm/page_alloc.c",
    ),
)  # fmt: skip

HANGS = (
    Example(
        "soft lockup in a probe blames the driver, not the hub's work item",
        oops(("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [kworker/0:1:14]",),
             "__snd_usb_parse_audio_interface [snd_usb_audio]", "snd_usb_parse_audio_interface [snd_usb_audio]",
             "usb_audio_probe [snd_usb_audio]", "usb_probe_interface [usbcore]", "really_probe"),
        "BUG: soft lockup in usb_audio_probe", CrashType.HANG, "snd_usb_audio",
    ),
    Example(
        "soft lockup in a completion handler",
        oops(("watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [ksoftirqd/0:13]",),
             "_raw_spin_lock", "acm_read_bulk_callback [cdc_acm]", "__usb_hcd_giveback_urb [usbcore]",
             "tasklet_action_common"),
        "BUG: soft lockup in acm_read_bulk_callback", CrashType.HANG, "cdc_acm",
    ),
    Example(
        "hard lockup",
        oops(("watchdog: Watchdog detected hard LOCKUP on cpu 0",), "usb_hcd_link_urb_to_ep [usbcore]",
             "usbip_start_eh [usbip_core]", "process_one_work"),
        "BUG: hard lockup in usbip_start_eh", CrashType.HANG, "usbip_core",
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
        "INFO: task hung in airspy_disconnect", CrashType.HANG, "airspy",
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
        "INFO: rcu detected stall in usb_audio_probe", CrashType.HANG, "snd_usb_audio",
    ),
    Example(
        "RCU stall, the interrupted registers first",
        oops(("rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu: 0-....: (5249 ticks this GP)"),
             "udl_parse_vendor_descriptor [udl]", "udl_usb_probe [udl]", "usb_probe_interface [usbcore]"),
        "INFO: rcu detected stall in udl_usb_probe", CrashType.HANG, "udl",
    ),
)  # fmt: skip
