"""The words by which a crash is spotted in a console log, in order of preference on one line."""

from __future__ import annotations

import re

from .shape import Head
from .types import CrashType

__all__ = ["HEADS", "TRAP", "continues"]

#: How die() of most architectures names a trap, with the number of the oops: "Oops: int3: 0000 [#1]", before 6.12
#: "int3: 0000 [#1]"; "Oops - illegal instruction [#1]", "illegal operation: 0001 ilc:1 [#1]",
#: "Oops: Machine check, sig: 7 [#1]".
TRAP = (
    r"(?:^|(?<=[\]:)>] )|(?<=Oops - ))(?!Oops -)(?P<trap>[A-Za-z][A-Za-z0-9 _/\-]{0,60}?)!?(?:, sig: \d+)?"
    r"(?:: ?[0-9a-f]{4,16}(?: ilc:\d)?)? ?\[#\d+\]:?(?= ?[A-Z]|\s*(?:\n|\Z))"
)
#: Lines that are no die() of a kernel: neither a trap nor a bare "Oops" with a code, as old kernels print it.
_NO_OOPS = (
    rf"\A(?!.*(?:{TRAP}|Oops: sig: \d+ \[#\d+\]|Oops#?: [0-9a-f]{{4,16}}\s*$"
    r"|: Oops \d+(?: \[\d+\])?\s*$|(?:^|\] )Oops\s*$))"
)

HEADS: tuple[Head, ...] = (
    Head("BUG:", innocent=r"DEBUG:|Oops - BUG:|xlog_status:|BUG: no syscalls can create resource"),
    Head(
        "WARNING:",
        CrashType.WARNING,
        innocent=(
            r"WARNING: (?:/etc/ssh/moduli does not exist|workqueue cpumask: online|[Tt]he mand mount option"
            r"|Unsupported flag value\(s\) of|Unprivileged eBPF is enabled|fbcon: Driver '|See https.* for mitigation"
            r"|kernel not compiled with|Spectre v2 mitigation leaves CPU vulnerable"
            r"|connection is not using a post-quantum)"
            r"|EXT4-[Ff][Ss](?: \(.*\))?:|XFS \(\w+\): WARNING"
            r"|(?i:warning: .* uses (?:deprecated v2 capabilities|wireless extensions))"
        ),
    ),
    Head(
        "INFO:",
        innocent=(
            r"INFO: (?:lockdep is turned off|Stall ended before|NMI handler|recovery required on readonly"
            r"|sys_.* is not present|no syscalls can create resource)"
            r"|(?:handler|interrupt).*took too long|rmt_storage:INFO:|_INFO:"
        ),
    ),
    Head("Unable to handle kernel"),
    Head("general protection fault", innocent=r"general protection fault .* error:\d+ in "),  # of a user program
    Head("stack segment: "),
    Head("Kernel panic", joins=True),
    Head("PANIC: double fault", joins=True),
    Head("rust_kernel: panicked"),
    Head("kernel BUG", CrashType.BUG),
    Head("Kernel BUG"),
    Head("BUG kmalloc-"),
    Head("divide error:"),
    Head("divide_error:"),
    Head("invalid opcode:", joins=True),
    Head("UBSAN:", CrashType.UBSAN),
    Head("Booting the kernel.", innocent=r"Parsing ELF|Decompressing Linux|Unknown parameter '"),
    Head("unregister_netdevice: waiting for", joins=True),
    Head("VFS: Close: file count is 0"),
    Head("VFS: Busy inodes after unmount"),
    Head("Internal error:", joins=True),
    Head("Unhandled fault:"),
    Head("Unhandled fault at "),
    Head("Unhandled prefetch abort:"),
    Head("bus error, epc =="),
    Head("Kernel Fault: Code="),
    Head("Division by zero in kernel."),
    Head("Insufficient stack space to handle exception"),
    Head("ernel stack overflow", part=True),
    Head("Alignment trap:"),
    Head("trusty: panic"),
    Head("fatal error:", innocent=r"ALSA|fatal error: cannot create timer"),
    Head("SYZFAIL:"),
    Head("SYZFATAL:"),
    Head("panic:", innocent=r"_panic:|xlog_status:|ddb\.onpanic:|evtlog_status:"),
    Head("BOGUS urb xfer"),
    Head("hard LOCKUP"),
    Head(
        "BUG ", innocent=r"(?:kernel|Kernel|KERNEL) BUG|BUG (?!\S+ \((?:Not tainted|Tainted|[GP] ))|kasan: bad access"
    ),
    Head("[#", innocent=_NO_OOPS, part=True),
    Head("Oops", innocent=_NO_OOPS, part=True),
)

#: Crash lines that belong to the report they appear in: SLUB's details and its closing WARN, Rust's way to panic,
#: riscv's word for what a BUG() ends in.
_DETAILS = re.compile(
    r"INFO: (?:0x[0-9a-f]|Allocated in|Freed in|Slab 0x|Object 0x)|WARNING: .*mm/slub\.c:|kernel BUG at rust/"
    r"|Kernel BUG \[#"
)


def continues(head: Head, line: str, *, ended: bool) -> bool:
    """Whether a crash line belongs to the report before it; ``ended`` when that has printed its last line."""
    return head.joins or (head.part and not ended) or _DETAILS.search(line) is not None
