"""x86-64: PCs with 64 bits."""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from .record import Arch, BootImage, CommandLine, Emulation, MachineCode, Printed

__all__ = ["ARCH"]

_SETUP_BYTES = 0x8000  #: the most that boot sector and setup code may take
_VERSION_POINTER = 0x20E  #: offset of the pointer to the version string
_BOOT_SECTOR = 0x200  #: bytes that the pointer does not count


def _release_of(image: BinaryIO) -> str:
    """First word of the string that a bzImage's setup header points to.

    Source: Documentation/arch/x86/boot.rst, ``kernel_version``.
    """
    head = image.read(_SETUP_BYTES)
    (pointer,) = struct.unpack_from("<H", head.ljust(_SETUP_BYTES, b"\0"), _VERSION_POINTER)
    text = head[pointer + _BOOT_SECTOR :].split(b"\0", 1)[0]
    words = text.decode("ascii", "replace").split()
    return words[0] if pointer and words else ""


_IMMEDIATE_8 = frozenset(b"\x6b\x80\x83\xc0\xc1\xc6")  #: opcodes that one byte follows, whatever their operands are
_IMMEDIATE_32 = frozenset(b"\x69\x81\xc7")  #: those that four follow, or two behind a prefix
_TEST = {0xF6: 1, 0xF7: 4}  #: opcodes that so many bytes follow if the ModR/M byte's middle field is 0 or 1
_SHORT_OPERANDS = 0x66  #: the prefix that makes four bytes two


def _behind(code: bytes, at: int) -> int:
    """Bytes of an immediate operand behind a distance, which follows the opcode and a ModR/M byte.

    Source: Intel SDM volume 2, appendix A.
    """
    opcode, field = (code[at - 2], code[at - 1] >> 3 & 7) if at >= 2 else (0, 0)
    short = _SHORT_OPERANDS in code[max(at - 4, 0) : at - 2]
    if opcode in _IMMEDIATE_8:
        return 1
    if opcode in _IMMEDIATE_32 or (opcode in _TEST and field < 2):
        size = _TEST.get(opcode, 4)
        return 2 if short and size == 4 else size
    return 0


#: Features that TCG emulates slowly: rep stos runs byte by byte (ERMS, FSRM), each TLB miss walks five levels of page
#: tables (LA57), each switch to user space saves the vector registers by helper calls (XSAVE, AVX) and protection keys.
_SLOW_UNDER_TCG = ("erms", "fsrm", "la57", "xsave", "avx", "avx2", "pku")

ARCH = Arch(
    name="x86-64",
    uname="x86_64",
    gnu="x86_64-linux-gnu",
    debian="amd64",
    flavour="amd64",
    packages={
        "qemu-system-x86_64": "qemu-system-x86",
        "/usr/share/seabios/bios-256k.bin": "seabios",
    },
    image=BootImage("bzImage", "arch/x86/boot/bzImage", magic=b"HdrS", magic_at=0x202, release_of=_release_of),
    emulation=Emulation(
        qemu="qemu-system-x86_64",
        # q35 has PCI Express. usb=off: no USB controllers of its own, whose root hubs would be in the way. vmport=off:
        # no VMware I/O port, which the kernel's mouse driver would probe. hpet=off: in QEMU 10 that timer ticks on when
        # nobody listens, 500 times a guest second, and idle time is no longer cheap to skip.
        machine="q35,usb=off,vmport=off,hpet=off",
        cpu_kvm="host",
        cpu_tcg=f"max,{','.join(f'-{name}' for name in _SLOW_UNDER_TCG)}",
    ),
    command_line=CommandLine(
        console="console=ttyS0,115200",
        nmi_panic="unknown_nmi_panic",
        later_processors="noreplace-smp",
        nmi_to_all="apic_extnmi=all",
        # Else the clocksource watchdog calls the TSC unstable and changes to the HPET, which is slow to read.
        trusted_clock="tsc=reliable",
        # REP_GOOD (arch/x86/include/asm/cpufeatures.h: word 3, bit 16): no CPUID bit, so QEMU cannot hide it.
        hidden_from_kernel="clearcpuid=112",
    ),
    printed=Printed(
        program_counter=r"[RE]?IP(?: is at|:)? +",  # RIP: 0010:f+0x1/0x2; until 4.14 on 32 bits "EIP is at f+0x1/0x2"
        entry_prefixes=("__x64_", "__ia32_"),
        syscall_entry="do_(?:fast_)?syscall_|sysenter_dispatch|tracesys_phase2",
        stack_bottom=r"amd_e400_idle|(?:pv_)?native_safe_halt|x86_64_start|do_syscall_64|entry_SYSCALL",
        fault_entry="invalid_op|do_error|do_trap",
        fault_address="CR2: ",
        tick="apic_timer_interrupt",
        # arch/x86/kernel/nmi.c: unknown_nmi_error(), nmi_panic()
        nmi_sent=r"Uhhuh\. NMI received for unknown reason|Kernel panic - not syncing: NMI: Not continuing",
        # arch/x86/entry/entry_64.S
        nmi_end=r"\bend_repeat_nmi\b.*|\bnmi\+0x.*",
        call_thunks="_indirect_thunk_",  # arch/x86/lib/retpoline.S
        registers=r"[RE]?[A-Z0-9]{2,3}: (?:[0-9a-f]{4}:)?[0-9a-f]{8,}",
        guess_before=" ? ",
    ),
    code=MachineCode(
        # call, jmp and the conditional jumps
        branch=re.compile(rb"(?:[\xe8\xe9]|\x0f[\x80-\x8f])(?=(.{4}))", re.DOTALL),
        relative=frozenset({2, 4, 9, 24}),  # R_X86_64_PC32, PLT32, GOTPCREL, PC64
        wide=frozenset({1, 24}),  # R_X86_64_64, PC64
        behind=_behind,
        capstone=(3, 8),  # CS_ARCH_X86, CS_MODE_64
        comparing=frozenset({"cmp", "sub", "test", "xor"}),  # compilers subtract where cases of a switch follow
    ),
    # Documentation/arch/x86/x86_64/mm.rst, with four levels of page tables; arch/x86/mm/kaslr.c moves the direct map,
    # vmalloc and vmemmap about in the first, up to the first fixed area.
    memory=(
        ("kernel memory", 0xFFFF888000000000, 0xFFFFFE0000000000),
        ("kernel text", 0xFFFFFFFF80000000, 0xFFFFFFFFA0000000),
        ("modules", 0xFFFFFFFFA0000000, 0xFFFFFFFFFF000000),
    ),
    sched_calls=(314, 315),  # arch/x86/entry/syscalls/syscall_64.tbl
)
