"""What the kernels of other architectures print in crash reports: of those that no guest here can have.

Their logs are read like those of guests. When one gets a record in :mod:`usbfuzz.arch`, its entry moves there.

Sources: show_regs(), die() and show_stack() in arch/*/kernel/ (process.c, traps.c, dumpstack.c), arch/*/mm/fault.c.
"""

from __future__ import annotations

from usbfuzz.arch import Printed

__all__ = ["OTHERS"]

_ARM = Printed(
    program_counter=r"PC is at:? ",
    syscall_entry="ret_fast_syscall",
    fault_entry="do_translation_fault|unwind_backtrace|c_backtrace",
    interrupt="Exception stack",
    # "[<c0123456>] (f [mod]) from [<c0123457>] (g+0x1/0x2)", from 5.13 on " f from g+0x1/0x2"; decoded, "g (file.c:1)".
    bare_frame=r"^ *(?:\[<[0-9a-f]+>\] )?\(?([A-Za-z0-9_]+)(?:\.[\w.]+)?(?:\+0x[0-9a-fx/]+)?(?: \[\w+\])?\)? from "
    r"(?:\[<[0-9a-f]+>\] )?\(?([A-Za-z0-9_]+)(?:\.[\w.]+)?(?:\+0x| \([\w./\-]+:\d)",
    registers=r"(?:pc|sp|r\d+) ?: |Flags: |Control: |Process .* \(pid: |Stack: |[0-9a-f]{4}: (?: ?[0-9a-f]{8}){2}",
)
_ARM64 = Printed(
    program_counter=r"\bpc :? ",  # pc : f+0x1/0x2
    entry_prefixes=("__arm64_",),
    syscall_entry="el0_svc_handler|invoke_syscall",
    fault_entry="do_kernel_fault|do_mem_abort|el1_abort|el1h_64_sync",
    interrupt="el1h_64_irq",
    registers=r"x\d+ ?: |(?:pstate|lr|sp) ?: ",
)
_POWERPC = Printed(
    program_counter=r"\bNIP:? ",
    syscall_entry="system_call_exception|system_call_common|system_call_vectored",
    fault_entry="program_check_(?:exception|common)",
    fault_address="DAR: ",
    registers=r"(?:NIP|LR|REGS|MSR|CFAR|GPR\d\d|DAR)\b|Instruction dump:",
    guess_after=" (unreliable)",
)
_S390 = Printed(
    program_counter=r"Krnl PSW : ",  # mask, address, (f+0x1/0x2)
    entry_prefixes=("__s390x_", "__s390_"),
    syscall_entry="__do_syscall|^system_call|sysc_nr_ok",
    fault_entry="do_(?:dat|protection)_exception|pgm_check",
    fault_address="Failing address: |at virtual (?:kernel|user) address ",
    registers=r"(?:Krnl|User) (?:PSW|GPRS|Code)|Failing address: |Last Breaking-Event-Address",
)
_MIPS = Printed(
    program_counter=r"\bepc *: ",  # epc   : 80012345 f+0x1/0x2
    syscall_entry="syscall_common|handle_sys",
    fault_address="BadVA *: ",
    registers=r"\$ ?\d+ *: |(?:Hi|Lo|epc|ra|Status|Cause|BadVA|PrId|Stack) *: ",
)
_LOONGARCH = Printed(
    program_counter=r"\bERA *: ",
    syscall_entry="handle_syscall",
    fault_address="BADV *: ",
    registers=r"(?:pc|[astu]\d) [0-9a-f]{16}|(?:ra|ERA|CRMD|PRMD|EUEN|ECFG|ESTAT|BADV|PRID) *: ",
)
_RISCV = Printed(
    program_counter=r"\bepc *: ",
    entry_prefixes=("__riscv_",),
    syscall_entry="do_trap_ecall_u|ret_from_syscall",
    fault_address="badaddr: ",
    # show_regs() is followed by the stack without any heading; this is its last line.
    trace_start=r"status: [0-9a-f]{16} badaddr: [0-9a-f]{16} cause: [0-9a-f]{16}",
    registers=r"(?:epc|gp|[ast]\d+) ?: |status: ",
)
_SPARC = Printed(
    program_counter=r"\bT?PC: ",  # TPC: <f+0x1/0x2>
    syscall_entry="linux_sparc_syscall",
    bare_frame=r"^Caller\[[0-9a-f]+\]: ([A-Za-z0-9_]+)[.+]",
    registers=r"TSTATE: |PSR: |T?PC: |RPC: |I7: |[gloi]\d: |Instruction DUMP",
)
_PARISC = Printed(
    program_counter=r"\bIAOQ\[0\]: ",
    syscall_entry="syscall_exit",
    fault_address=r"at addr |\(Addr=",
    registers=r"(?:PSW|IASQ|IIR|IAOQ\[\d\]|RP\(r2\)): |s?r\d\d-\d\d ",
)
_ARC = Printed(
    program_counter=r"by insn @ |\[ERET *\]: ",
    fault_address="Invalid (?:Read|Write) @ ",
    trace_start="Stack Trace:",
    registers=r"ECR: |\[(?:ECR|EFA|BLINK|ERET) *\]: |r\d\d: 0x",
)
_M68K = Printed(program_counter=r"\bPC: ", registers=r"PC: |SR: |[da]\d: ")
_ALPHA = Printed(program_counter=r"\bpc is at ", trace_start="^Trace:")
_IA64 = Printed(program_counter=r"\bip is at ")
_SH = Printed(program_counter=r"PC is at:? ", registers=r"PC *: |R\d+ *: ")

#: arm64 and m68k print what csky, openrisc and xtensa do as well, or these print no function at the program counter.
OTHERS = (_ARM, _ARM64, _POWERPC, _S390, _MIPS, _LOONGARCH, _RISCV, _SPARC, _PARISC, _ARC, _M68K, _ALPHA, _IA64, _SH)
