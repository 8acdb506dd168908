"""Lines that are surely the kernel's, wherever they stand: what precedes their first word is a prefix."""

from __future__ import annotations

import re

from usbfuzz.triage.heads import HEADS
from usbfuzz.triage.printed import PROGRAM_COUNTER, REGISTERS

__all__ = ["ANCHOR", "SIGNS"]

#: How such lines begin: a name each, as lines of several sorts must agree before their prefix is believed.
_BEGINNINGS = {
    "cut": r"-{12}\[ cut here \]",
    "end": r"---\[ end (?:trace|Kernel panic)",
    "cpu": r"CPU: ?\d+ +(?:PID:|UID:|Comm:|Not tainted|Tainted)|Pid: \d+, comm:|PID: \d+ Comm:|CPU:    \d",
    "hardware": r"Hardware name: ",
    "modules": r"Modules linked in:",
    "code": r"Code: (?:[0-9a-f]{2} |Bad |\(?[0-9a-f]{4,8}\)? )",
    "trace": r"(?:Call [Tt]race:|Backtrace:|Stack:)",
    "task": r"</?(?:TASK|IRQ|NMI|SOFTIRQ)>",
    "worker": r"Workqueue: ",
    "pc": PROGRAM_COUNTER,
    "registers": REGISTERS,
    "oops": r"(?:Oops: |Oops\[#|Internal error: [^\n]*\[#\d|BUG: |Kernel panic - |kernel BUG at "
    r"|Unable to handle kernel |general protection fault|invalid opcode: |divide error: "
    r"|WARNING: (?:CPU:|at |[a-z/_]+\.[ch]:\d|possible )|INFO: (?:task|rcu|trying)|UBSAN: |ODEBUG: |BUG \S+ \()",
    "frame": r"(?:[A-Za-z_][\w.]*+(?: \[[\w-]+\])? from )?(?:\? |\(E?\) )?(?:\[<?(?:0x)?[0-9a-f]{8,16}>?\] +){0,3}"
    r"(?:\? )?\(?[A-Za-z_][\w.]*+\)?(?:\+0x[0-9a-f]+/0x[0-9a-f]+| from \[<)",
    "usb": r"[a-z][a-z0-9_-]*+ \d+-[\d.]+(?::\d+\.\d+)?: \S",
}
ANCHOR = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _BEGINNINGS.items()))

#: Words near which reports are, for a look around.
SIGNS = (*(head.words for head in HEADS), "cut here", "Call Trace", "Call trace", "Modules linked in", "Oops")
