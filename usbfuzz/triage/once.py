"""Messages a kernel prints only once a boot: after one, the guest must be restored before the bug can be seen again."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["ONCE_ONLY", "once_only"]

#: Messages a kernel prints once a boot, and why. After one, the same bug stays silent until the guest's state is
#: from before it. A WARNING cannot be told from a WARN_ONCE by its text, so it counts as one.
ONCE_ONLY: Mapping[str, str] = {
    r"BOGUS urb xfer|BOGUS control dir": "dev_warn_once() or dev_WARN_ONCE() in usb_submit_urb()",
    r"WARNING: CPU: |WARNING: \S+:\d+ at |WARNING: \[": "WARN_ONCE(), and refcount_t and list checks that use it",
    r"refcount_t: |rcuref - imbalanced": "REFCOUNT_WARN() is a WARN_ONCE()",
    r"BUG: KASAN: ": "KASAN reports one bug a boot, unless booted with kasan_multi_shot",
    r"possible (?:circular|recursive)|lock order detected|inconsistent lock state|lock inversion"
    r"|bad unlock balance|held lock freed|still has locks held|suspicious RCU usage|non-static key"
    r"|lock held when returning|Invalid wait context": "lockdep turns itself off at its first report",
    r"BUG: (?:spinlock|rwlock) ": "debug_locks_off() at the first report",
    r"detected buffer overflow|field-spanning write": "WARN_ONCE() of the fortified string functions",
    r"transfer buffer not dma capable|transfer buffer is on stack": "WARN_ONCE() in USB core",
}
_ONCE = re.compile("|".join(ONCE_ONLY))


def once_only(line: str) -> bool:
    """Whether the kernel prints a message like this at most once a boot (see :data:`ONCE_ONLY`)."""
    return _ONCE.search(line) is not None
