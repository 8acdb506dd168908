"""Examples of faults on arm and arm64, as their kernels print them.

Written after arch/arm*/kernel/traps.c and arch/arm*/mm/fault.c; the kernels are of 2.6.38 to 6.13.
"""

from __future__ import annotations

from usbfuzz.triage import CrashType

from .logs import addressed, frames
from .oops_examples import Example

__all__ = ["ARMS"]

_CPU = "CPU: 1 PID: 73 Comm: kworker/1:2 Not tainted 6.6.30 #1"
_WORK = "Workqueue: usb_hub_wq hub_event"
_END = "---[ end trace 0000000000000000 ]---"
_NULL, _MEMORY, _DENIAL = CrashType.NULL_DEREFERENCE, CrashType.MEMORY_SAFETY_BUG, CrashType.DENIAL


def _arm64(access: str, address: str = "ffff80000a0b0010") -> tuple[str, ...]:
    return (
        f"Unable to handle kernel {access} at virtual address {address}",
        "Mem abort info:",
        "  ESR = 0x000000009600004f",
        "swapper pgtable: 4k pages, 48-bit VAs, pgdp=00000000413a2000",
        "Internal error: Oops: 000000009600004f [#1] PREEMPT SMP",
        "Modules linked in: pegasus",
        _CPU,
        _WORK,
        "pstate: 60400005 (nZCv daif +PAN -UAO -TCO -DIT -SSBS BTYPE=--)",
        "pc : pegasus_unlink+0x34/0x90 [pegasus]",
        "lr : pegasus_disconnect+0x28/0x90 [pegasus]",
        "sp : ffff80000b0ebb60",
        "x29: ffff80000b0ebb60 x28: ffff000041c8a1b0 x27: ffff000045a3e0b8",
        "Call trace:",
        " pegasus_unlink+0x34/0x90 [pegasus] (P)",
        *frames("pegasus_disconnect [pegasus]", "usb_unbind_interface", "device_remove"),
        "Code: f9400260 b4000060 f9400001 aa1303e0 (f9000001) ",
        _END,
    )


ARMS = (
    *(
        Example(f"arm64, {access}", _arm64(access), f"BUG: unable to handle kernel {access} in pegasus_unlink",
                _MEMORY, "pegasus")
        for access in (
            "write to read-only memory", "execute from non-executable memory", "read from unreadable memory",
            "execution of user memory", "paging request",
        )
    ),
    Example(
        "arm64 before 4.14, with addresses",
        (
            "Unable to handle kernel NULL pointer dereference at virtual address 00000010",
            "pgd = ffffffc0f8a4d000",
            "Internal error: Oops: 96000005 [#1] PREEMPT SMP",
            "CPU: 1 PID: 73 Comm: kworker/1:2 Not tainted 4.4.189 #3",
            "PC is at mcs_get_reg+0x38/0xa8 [mcs7830]",
            "LR is at mcs_get_reg+0x20/0xa8 [mcs7830]",
            "pc : [<ffffffbffc0a1038>] lr : [<ffffffbffc0a1020>] pstate: 60000145",
            "sp : ffffffc0f2b7fa10",
            "Call trace:",
            *addressed("mcs_get_reg [mcs7830]", "mcs7830_bind [mcs7830]", address="[<ffffffbffc0a1038>]"),
            _END,
        ),
        "BUG: unable to handle kernel NULL pointer dereference in mcs_get_reg", _NULL, "mcs7830",
    ),
    Example(
        "arm64, a BUG",
        (
            "------------[ cut here ]------------", "kernel BUG at drivers/usb/cdns3/cdnsp-ring.c:1012!",
            "Internal error: Oops - BUG: 00000000f2000800 [#1] PREEMPT SMP", _CPU,
            "pc : cdnsp_move_td+0x24/0x5c [cdnsp]",
            "lr : cdnsp_cmd_stop_ep+0x40/0x84 [cdnsp]", "Call trace:", " cdnsp_move_td+0x24/0x5c [cdnsp] (P)",
            *frames("cdnsp_ep_dequeue [cdnsp]", "usb_ep_dequeue"), "Code: d4210000 ", _END,
        ),
        "kernel BUG in cdnsp_move_td", CrashType.BUG, "cdnsp", "drivers/usb/cdns3/cdnsp-ring.c",
    ),
    Example(
        "arm64, an abort from outside",
        (
            "Unhandled fault at 0xffff800012345678",
            "Internal error: synchronous external abort: 0000000096000210 [#1] PREEMPT SMP",
            _CPU,
            "pc : dwc2_readl+0x18/0x40 [dwc2]",
            "Call trace:",
            *frames("dwc2_readl [dwc2]", "dwc2_handle_common_intr [dwc2]"),
            _END,
        ),
        "Unhandled fault in dwc2_handle_common_intr", _DENIAL, "dwc2",
    ),
    Example(
        "arm before 5.13, a trace without a heading",
        (
            "Unable to handle kernel NULL pointer dereference at virtual address 0000001c",
            "pgd = c9528000",
            "[0000001c] *pgd=19451831, *pte=00000000, *ppte=00000000",
            "Internal error: Oops: 17 [#1] PREEMPT SMP ARM",
            "CPU: 0 PID: 1537 Comm: gadgetd Not tainted 4.9.77 #2",
            "PC is at memcpy+0x30/0x330",
            "LR is at acm_gadget_write+0xb4/0xd0 [u_serial]",
            "pc : [<c0353a30>]    lr : [<bf0bb0bc>]    psr: 600f0113",
            "sp : c945fe28  ip : 00000000  fp : c945fe44",
            "Stack: (0xc945fe28 to 0xc9460000)",
            "fe20:                   c945fe44 c945fe38 c0bfb0bc c075ef18 c945fe5c c945fe48",
            "[<c0353a30>] (memcpy) from [<bf0bb0bc>] (acm_gadget_write+0xb4/0xd0 [u_serial])",
            "[<bf0bb0bc>] (acm_gadget_write [u_serial]) from [<c023e030>] (__vfs_write+0x1c/0x34)",
            "[<c023e030>] (__vfs_write) from [<c076fcc8>] (vfs_write+0x8c/0x9c)",
            "Code: e7f001f2 e5943004 (e5834000) ",
            _END,
        ),
        "BUG: unable to handle kernel NULL pointer dereference in acm_gadget_write", _NULL, "u_serial",
    ),
    Example(
        "arm since 5.13, a trace without addresses",
        (
            "8<--- cut here ---",
            "Unable to handle kernel paging request at virtual address 6b6b6b83 when read",
            "[6b6b6b83] *pgd=00000000",
            "Internal error: Oops: 5 [#1] SMP ARM",
            _CPU,
            "PC is at strlen+0x8/0x28",
            "LR is at kvasprintf_const+0x18/0x9c",
            "pc : [<c0353a30>]    lr : [<c0bfb0bc>]    psr: 600f0113",
            "Stack: (0xc945fe28 to 0xc9460000)",
            " strlen from usbtmc_show_name+0x2c/0x40 [usbtmc]",
            " usbtmc_show_name [usbtmc] from dev_attr_show+0x1c/0x48",
            " dev_attr_show from sysfs_kf_seq_show+0x90/0xf8",
            _END,
        ),
        "BUG: unable to handle kernel paging request in usbtmc_show_name", _MEMORY, "usbtmc",
    ),
    Example(
        "arm, a WARN of 2.6 with a trace without a heading",
        (
            "------------[ cut here ]------------",
            "WARNING: at drivers/usb/musb/musb_host.c:2153 musb_h_tx_start+0x5c/0x7c [musb_hdrc]()",
            "Modules linked in: musb_hdrc",
            "[<c003cd4c>] (unwind_backtrace+0x0/0xec) from [<c005c3c8>] (warn_slowpath_common+0x4c/0x64)",
            "[<c005c3c8>] (warn_slowpath_common+0x4c/0x64) from [<c005c3fc>] (warn_slowpath_null+0x1c/0x24)",
            "[<c005c3fc>] (warn_slowpath_null+0x1c/0x24) from [<bf0a1c3c>] (musb_h_tx_start+0x5c/0x7c [musb_hdrc])",
            "[<bf0a1c3c>] (musb_h_tx_start+0x5c/0x7c [musb_hdrc]) from [<bf0a2c3c>] (musb_start_urb+0x5c/0x7c)",
            "---[ end trace 1b75b31a2719ed1c ]---",
        ),
        "WARNING in musb_h_tx_start", CrashType.WARNING, "musb_hdrc", "drivers/usb/musb/musb_host.c",
    ),
    Example(
        "arm, a division by zero",
        (
            "Division by zero in kernel.", _CPU, "Hardware name: Atmel SAMA5",
            " unwind_backtrace from show_stack+0x10/0x14",
            " show_stack from dump_stack_lvl+0x40/0x4c",
            " dump_stack_lvl from Ldiv0+0x8/0x10",
            " Ldiv0 from pl2303_get_divisor+0x38/0x90 [pl2303]",
            " pl2303_get_divisor [pl2303] from pl2303_set_termios+0x58/0x90 [pl2303]",
        ),
        "divide error in pl2303_get_divisor", _DENIAL, "pl2303",
    ),
)  # fmt: skip
