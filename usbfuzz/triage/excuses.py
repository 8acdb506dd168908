"""Signs that a crash is not the kernel's fault, or not worth a developer's time."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["excused"]

#: The test's own processes: when one of them dies, the crashes that follow are consequences.
_OURS = r"(?:sshd|syz-(?:fuzzer|executor))"

#: Words to search the log for, and what the rest of their line must look like.
_EXCUSES: Mapping[str, re.Pattern[str]] = {
    words: re.compile(line)
    for words, line in {
        "Kill process": rf"Out of memory: Kill process .* \({_OURS}\)",
        "Killed process": rf"Killed process .* \({_OURS}\)",
        "lowmemorykiller: Killing": rf"lowmemorykiller: Killing '{_OURS}'",
        "fatal error: ": r"fatal error: (?:(?:runtime: )?(?:out of|cannot allocate) memory|newosproc"
        r"|unexpected signal)",
        "panic: ": r"panic: (?:failed to (?:start executor binary|create temp dir)|executor failed: pthread_create"
        r"|.*cannot allocate memory)",
        "SIGBUS": r"signal SIGBUS: bus error|SYZFAIL: SIGBUS",
        "INIT: PANIC": r"INIT: PANIC: segmentation violation!",
        "*** stack smashing": r"\*\*\* stack smashing detected \*\*\*: terminated",
        "sysrq: Trigger a crash": r"",  # somebody asked for it
    }.items()
}


def excused(log: str) -> bool:
    """Whether anything in the log excuses its crashes: memory ran out, the test itself failed, or it was on purpose."""
    return any(_says(log, words, line) for words, line in _EXCUSES.items())


def _says(log: str, words: str, line: re.Pattern[str]) -> bool:
    hit = log.find(words)
    while hit >= 0:
        end = log.find("\n", hit)
        end = len(log) if end < 0 else end
        if line.search(log, log.rfind("\n", 0, hit) + 1, end):
            return True
        hit = log.find(words, end)
    return False
