"""Examples of faults on machines that no guest here can be, each as its architecture's kernels print it.

Written after show_regs(), die() and show_stack() in arch/*/kernel/ and after arch/*/mm/fault.c.
"""

from __future__ import annotations

from usbfuzz.triage import CrashType

from .logs import addressed, frames
from .oops_examples import Example

__all__ = ["MACHINES"]

_CPU = "CPU: 1 PID: 73 Comm: kworker/1:2 Not tainted 6.6.30 #1"
_WORK = "Workqueue: usb_hub_wq hub_event"
_END = "---[ end trace 0000000000000000 ]---"
_NULL, _MEMORY, _DENIAL = CrashType.NULL_DEREFERENCE, CrashType.MEMORY_SAFETY_BUG, CrashType.DENIAL

_SERVERS = (
    Example(
        "powerpc, data",
        (
            "Kernel attempted to read user page (28) - exploit attempt? (uid: 0)",
            "BUG: Kernel NULL pointer dereference on read at 0x00000028",
            "Faulting instruction address: 0xc0080000007125a8",
            "Oops: Kernel access of bad area, sig: 11 [#1]",
            "LE PAGE_SIZE=64K MMU=Hash SMP NR_CPUS=2048 NUMA PowerNV",
            _CPU,
            "NIP:  c0080000007125a8 LR: c008000000712584 CTR: c00000000023fbf8",
            "REGS: c000000fc883b410 TRAP: 0380   Not tainted  (6.6.30)",
            "GPR00: c008000000712584 c000000fc883b6a0 c000000001595d00 0000000000000000 ",
            "NIP [c0080000007125a8] sierra_release+0x54/0x220 [sierra]",
            "LR [c008000000712584] sierra_release+0x30/0x220 [sierra]",
            "Call Trace:",
            "[c000000fc883b6a0] [c008000000712584] sierra_release+0x30/0x220 [sierra] (unreliable)",
            *addressed("usb_serial_disconnect", address="[c000000fc883b730] [c0080000007a2584]"),
            "Instruction dump:",
            "7e831836 4bfff991 e91e0028 e8fe0020 7d32e82a f9070008 f8e80000 fabe0020 ",
            _END,
        ),
        "BUG: unable to handle kernel NULL pointer dereference in sierra_release", _NULL, "sierra",
    ),
    Example(
        "powerpc, instruction",
        (
            "BUG: Unable to handle kernel instruction fetch", "Faulting instruction address: 0x6b6b6b6b6b6b6b68",
            "Oops: Kernel access of bad area, sig: 11 [#1]", _CPU, "NIP:  6b6b6b6b6b6b6b68 LR: c008000000712584",
            "NIP [6b6b6b6b6b6b6b68] 0x6b6b6b6b6b6b6b68",
            "LR [c008000000712584] ark3116_poll+0x30/0x220 [ark3116]", "Call Trace:",
            *addressed("ark3116_poll [ark3116]", "tty_hangup", address="[c000000fc883b730] [c0080000007a2584]"),
            _END,
        ),
        "BUG: unable to handle kernel instruction fetch in ark3116_poll", _MEMORY, "ark3116",
    ),
    Example(
        "powerpc, the sentence is lost",
        (
            "Oops: Kernel access of bad area, sig: 11 [#1]", "SMP NR_CPUS=2048 NUMA pSeries", _CPU,
            "NIP: c00000000029bc04 LR: c00000000029bbdc CTR: c0000000001107f0",
            "CFAR: c000000000008468 DAR: 6b6b6b6b6b6b6b93 DSISR: 40000000 SOFTE: 1",
            "NIP [c00000000029bc04] .ehci_urb_done+0x54/0x120", "LR [c00000000029bbdc] .ehci_urb_done+0x2c/0x120",
            "Call Trace:", "[c0000007277839f0] [c00000000029bbdc] .ehci_work+0x2c/0x120", _END,
        ),
        "Oops in ehci_urb_done", _MEMORY,
    ),
    Example(
        "powerpc, a machine check",
        (
            "Oops: Machine check, sig: 7 [#1]", _CPU, "NIP [c00000000029bc04] fsl_ep_fifo_flush+0x54/0x120",
            "Call Trace:", *addressed("fsl_ep_enable", address="[c0000007277839f0] [c00000000029bbdc]"), _END,
        ),
        "Machine check in fsl_ep_fifo_flush", _DENIAL,
    ),
    Example(
        "s390",
        (
            "Unable to handle kernel pointer dereference in virtual kernel address space",
            "Failing address: 0000000000000000 TEID: 0000000000000483",
            "Fault in home space mode while using kernel ASCE.", "AS:00000000a43a0007 R3:0000000000000024 ",
            "Oops: 0004 ilc:2 [#1] SMP ", "Modules linked in: vhci_hcd", _CPU, "Hardware name: IBM 3931 A01 701 (LPAR)",
            "Krnl PSW : 0704c00180000000 000003ff7fc3d47e (vhci_urb_enqueue+0x16/0x28 [vhci_hcd])",
            "           R:0 T:1 IO:1 EX:1 Key:0 M:1 W:0 P:0 AS:3 CC:0 PM:0 RI:0 EA:3",
            "Krnl GPRS: 0000000000000000 0000000000000000 766d615f72615f65 0000000000000000", "Call Trace:",
            "([<00000000a2a342f2>] 0xa2a342f2)",
            *(f" [<00000000a2a342f2>]{frame} " for frame in frames("usb_hcd_link_urb", "usbhid_start")),
            "Last Breaking-Event-Address:", " [<000003ff7fc3e6b4>] vhci_rx_loop+0x104/0xa68 [vhci_hcd]", _END,
        ),
        "BUG: unable to handle kernel pointer dereference in vhci_urb_enqueue", _NULL, "vhci_hcd",
    ),
    Example(
        "s390, only its number",
        (
            "illegal operation: 0001 ilc:1 [#1] SMP ", _CPU,
            "Krnl PSW : 0704c00180000000 000003ff7fc3d47e (vhci_rx_pdu+0x16/0x28 [vhci_hcd])", "Call Trace:",
            *addressed("vhci_rx_loop [vhci_hcd]", "kthread", address=" [<00000000a2a342f2>]"), _END,
        ),
        "illegal operation in vhci_rx_pdu", _DENIAL, "vhci_hcd",
    ),
    Example(
        "sparc",
        (
            "Unable to handle kernel NULL pointer dereference", "tsk->{mm,active_mm}->context = 0000000000000a3c",
            "              \\|/ ____ \\|/", "kworker/1:2(73): Oops [#1]", _CPU,
            "TSTATE: 0000004411001607 TPC: 00000000100d8d18 TNPC: 00000000100d8d1c Y: 00000000    Not tainted",
            "TPC: <ohci_urb_done+0x38/0x1c0 [ohci_hcd]>", "g0: 0000000000000000 g1: 0000000000000000",
            "RPC: <ohci_work+0x30/0x1c0 [ohci_hcd]>", "I7: <ohci_irq+0x30/0x1c0 [ohci_hcd]>", "Call Trace:",
            *addressed("ohci_work [ohci_hcd]", "ohci_irq [ohci_hcd]", address=" [00000000100d8d18]"),
            "Caller[00000000100d8d18]: ohci_work+0x30/0x1c0 [ohci_hcd]", "Instruction DUMP:",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in ohci_urb_done", _NULL, "ohci_hcd",
    ),
    Example(
        "parisc",
        (
            "Kernel Fault: Code=15 (Data TLB miss fault) at addr 0000000000000018", _CPU,
            "     YZrvWESTHLNXBCVMcbcbcbcbOGFRQPDI", "PSW: 00001000000001001111111100001111 Not tainted",
            "IASQ: 0000000000000000 0000000000000000 IAOQ: 0000000040a1d47e 0000000040a1d482",
            " IAOQ[0]: ohci_td_free+0x38/0x1c0 [ohci_hcd]", " IAOQ[1]: ohci_td_free+0x3c/0x1c0 [ohci_hcd]",
            " RP(r2): ohci_work+0x30/0x1c0 [ohci_hcd]", "Backtrace:",
            *addressed("ohci_work [ohci_hcd]", "ohci_irq [ohci_hcd]", address=" [<0000000040a1d47e>]"), "",
            "Kernel panic - not syncing: Kernel Fault",
        ),
        "Kernel Fault in ohci_td_free", _NULL, "ohci_hcd",
    ),
)  # fmt: skip

_BOARDS = (
    Example(
        "MIPS",
        (
            "CPU 0 Unable to handle kernel paging request at virtual address 6b6b6b7f, epc == 86e2c1a8, ra == 86e2c190",
            "Oops[#1]:", _CPU, _WORK, "$ 0   : 00000000 00000001 6b6b6b6b 00000001", "Hi    : 00000000",
            "epc   : 86e2c1a8 qcaux_release+0x38/0x90 [qcaux]", "ra    : 86e2c190 qcaux_release+0x20/0x90 [qcaux]",
            "Status: 1100dc03\tKERNEL EXL IE ", "BadVA : 6b6b6b7f", "Modules linked in: qcaux",
            "Process kworker/1:2 (pid: 73, threadinfo=87c54000, task=87d0a2c0, tls=00000000)",
            "Stack : 87a2e800 86e2e2b4 00000000 00000000", "Call Trace:",
            *addressed("qcaux_release [qcaux]", "usb_serial_disconnect"), "Code: 8c420014  00000000 ", _END,
        ),
        "BUG: unable to handle kernel paging request in qcaux_release", _MEMORY, "qcaux",
    ),
    Example(
        "MIPS 2.6, where the first frame stands behind the heading",
        (
            "Data bus error, epc == 802e2c1a, ra == 802e2c00", "Oops[#1]:", "Cpu 0",
            "$ 0   : 00000000 00000001 00000000 00000001", "epc   : 802e2c1a memcpy+0x38/0x90     Not tainted",
            "ra    : 802e2c00 ohci_hub_status_data+0x20/0x90", "Call Trace:[<802e2c1a>] ohci_rh_poll+0x38/0x90",
            *addressed("usb_hcd_poll_rh_status", "rh_timer_func"),
            "Code: 8c420014  00000000 ",
        ),
        "Data bus error in ohci_rh_poll", _DENIAL,
    ),
    Example(
        "MIPS, a BUG without its place",
        (
            "Kernel bug detected[#1]:", _CPU, "epc   : 86e2c1a8 octeon_hcd_start+0x38/0x90 [octeon_hcd]",
            "Call Trace:", *addressed("octeon_hcd_start [octeon_hcd]", "usb_add_hcd"), _END,
        ),
        "kernel BUG in octeon_hcd_start", CrashType.BUG, "octeon_hcd",
    ),
    Example(
        "MIPS, an exception that only its number follows",
        (
            "do_cpu invoked from kernel context![#1]:", _CPU, "epc   : 80a1b2c0 sl811_checkdone+0x38/0x90",
            "ra    : 80a1b2a0 sl811h_irq+0x20/0x90", "Call Trace:", *addressed("sl811_checkdone", "sl811h_irq"), _END,
        ),
        "do_cpu invoked from kernel context in sl811_checkdone", _DENIAL,
    ),
    Example(
        "LoongArch",
        (
            "CPU 2 Unable to handle kernel paging request at virtual address 18, era == 8000061234, ra == 8000061200",
            "Oops[#1]:", _CPU, "pc ffff800002061234 ra ffff800002061200 tp 9000000101e00000 sp 9000000101e03b50",
            "   ra: ffff800002061200 ljca_stub_free+0x40/0xa0 [ljca]",
            "  ERA: ffff800002061234 ljca_stub_free+0x74/0xa0 [ljca]",
            " CRMD: 000000b0 (PLV0 -IE -DA +PG DACF=CC DACM=CC -WE)", " BADV: 0000000000000018", "Call Trace:",
            *addressed("ljca_stub_free [ljca]", "usb_unbind_interface", address="[<ffff800002061234>]"), _END,
        ),
        "BUG: unable to handle kernel paging request in ljca_stub_free", _NULL, "ljca",
    ),
    Example(
        "riscv",
        (
            "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000010", "Oops [#1]",
            "Modules linked in: cdns3", _CPU, "epc : cdns3_gadget_ep_dequeue+0x38/0x90 [cdns3]",
            " ra : cdns3_gadget_ep_disable+0x20/0x90 [cdns3]", "epc : ffffffff01b0a1a8 ra : ffffffff01b0a190",
            " gp : ffffffff81b0a1a8 tp : ff60000080a1b2c0 t0 : 0000000000000000",
            "status: 0000000200000120 badaddr: 0000000000000010 cause: 000000000000000d",
            *addressed("cdns3_gadget_ep_dequeue [cdns3]", "usb_ep_dequeue", address="[<ffffffff01b0a1a8>]"),
            "Code: 8c42 0014 0000 0000 (0001) ", _END,
        ),
        "BUG: unable to handle kernel NULL pointer dereference in cdns3_gadget_ep_dequeue", _NULL, "cdns3",
    ),
    Example(
        "riscv, a trap with nothing before it",
        (
            "Oops - illegal instruction [#1]", _CPU,
            "epc : cdns2_wakeup+0x38/0x90", " ra : cdns2_ep0_enqueue+0x20/0x90",
            "status: 0000000200000120 badaddr: 0000000000000000 cause: 0000000000000002",
            *addressed("cdns2_wakeup", "cdns2_ep0_enqueue", address="[<ffffffff01b0a1a8>]"), _END,
        ),
        "illegal instruction in cdns2_wakeup", _DENIAL,
    ),
    Example(
        "riscv, a BUG",
        (
            "------------[ cut here ]------------", "kernel BUG at drivers/usb/host/max3421-hcd.c:612!",
            "Kernel BUG [#1]", _CPU, "epc : max3421_next_transfer+0x38/0x90",
            "status: 0000000200000120 badaddr: 0000000000000000 cause: 0000000000000003",
            *addressed("max3421_next_transfer", "max3421_spi_thread", address="[<ffffffff01b0a1a8>]"), _END,
        ),
        "kernel BUG in max3421_next_transfer", CrashType.BUG, None, "drivers/usb/host/max3421-hcd.c",
    ),
    Example(
        "m68k",
        (
            "Unable to handle kernel access at virtual address 0000a1b2", "Oops: 00000000", "Modules linked in:",
            "PC: [<000ab2c4>] isp116x_irq+0x38/0x90", "SR: 2704  SP: 0ab2c4d5  a2: 00a1b2c4",
            "Process kworker/1:2 (pid: 73, task=00a1b2c4)", "Frame format=7 eff addr=00a1b2c4 ssw=0505 faddr=0000a1b2",
            "Call Trace: [<000ab2c4>] usb_hcd_irq+0x18/0x24",
            *addressed("handle_irq", "do_IRQ", address=" [<000ab2c4>]"),
            "Code: 4e75 4e56 0000 48e7 ",
        ),
        "BUG: unable to handle kernel access in isp116x_irq", _MEMORY,
    ),
    Example(
        "arc",
        (
            "", "Oops", "Path: (null)", _CPU,
            "Invalid Write @ 0x00000014 by insn @ dwc2_hsotg_init+0x38/0x90",
            "ECR: 0x00050200 EFA: 0x00000014 ERET: 0x902a1b2c", "Stack Trace:",
            *frames("dwc2_hsotg_init", "dwc2_probe"),
        ),
        "Oops in dwc2_hsotg_init", _NULL,
    ),
    Example(
        "32-bit PC, 2.4",
        (
            "Unable to handle kernel NULL pointer dereference at virtual address 000001f6",
            " printing eip:", "e0a3611e",
            "*pde = 0d6f5001", "Oops: 0000", "CPU:    0", "EIP:    0060:[<e0a3611e>]    Not tainted",
            "EFLAGS: 00010202", "EIP is at pwc_isoc_init+0x45e/0x5d0 [pwc]",
            "eax: 000001f4   ebx: 00000002   ecx: cda7a208   edx: d7a7c560",
            "Process modprobe (pid: 927, threadinfo=cd6f8000 task=cda807c0)", "Call Trace:",
            *addressed("pwc_try_video_mode [pwc]", "pwc_probe [pwc]", address=" [<e0a39460>]"), "Code: 8b 40 08",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in pwc_isoc_init", _NULL, "pwc",
    ),
    Example(
        "32-bit PC, 4.9",
        (
            "------------[ cut here ]------------", "kernel BUG at drivers/usb/misc/sisusbvga/sisusb.c:205!",
            "invalid opcode: 0000 [#1] SMP ", "Modules linked in: sisusbvga",
            "CPU: 0 PID: 35 Comm: khubd Not tainted 4.9.0-8-686 #1", "task: f5c39280 task.stack: f5c3a000",
            "EIP: 0060:[<f8a3c1b5>] EFLAGS: 00010286 CPU: 0", "EIP is at sisusb_bulkout_msg+0x25/0x90 [sisusbvga]",
            "EAX: 00000000 EBX: f5c39280 ECX: 00000000 EDX: 00000001", "Call Trace:",
            *addressed("sisusb_send_packet [sisusbvga]", "sisusb_probe [sisusbvga]", address=" [<c14b2a3c>]"),
            "Code: 8b 40 08", "---[ end trace 1b75b31a2719ed1c ]---",
        ),
        "kernel BUG in sisusb_bulkout_msg", CrashType.BUG, "sisusbvga", "drivers/usb/misc/sisusbvga/sisusb.c",
    ),
    Example(
        "PC, a trap that has no sentence",
        (
            "Oops: int3: 0000 [#1] SMP NOPTI", _CPU, "RIP: 0010:kfree+0x83/0x3b0", "RSP: 0018:ffffc9000407f600",
            "Call Trace:", " <TASK>", *frames("idmouse_delete [idmouse]", "idmouse_release [idmouse]"), " </TASK>",
            _END, "RIP: 0010:kfree+0x83/0x3b0", "Kernel panic - not syncing: Fatal exception in interrupt",
        ),
        "int3 in idmouse_delete", _DENIAL, "idmouse",
    ),
    Example(
        "PC, 2.6.18 with the module before the function",
        (
            "Unable to handle kernel NULL pointer dereference at 0000000000000018 RIP: ",
            " [<ffffffff8804f1b5>] :stir4200:stir_reset+0x25/0x90", "Oops: 0000 [1] SMP ", "CPU 0 ",
            "RIP: 0010:[<ffffffff8804f1b5>]  [<ffffffff8804f1b5>] :stir4200:stir_reset+0x25/0x90", "Call Trace:",
            " [<ffffffff8804f1b5>] :stir4200:stir_probe+0x25/0x90", "Code: 8b 40 08",
        ),
        "BUG: unable to handle kernel NULL pointer dereference in stir_reset", _NULL,
    ),
)  # fmt: skip

MACHINES = (*_SERVERS, *_BOARDS)
