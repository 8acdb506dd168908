"""The part of a report that a developer reads first."""

from __future__ import annotations

import re
from itertools import islice

__all__ = ["brief", "first_lines"]

#: Registers, code bytes and page tables: needed to understand a crash, not to recognise it.
_MACHINE = re.compile(r"(?:Code|R[A-HJ-Z0-9][A-Z0-9]|CR2|FS|CS|DR\d|EFLAGS|PKRU|ORIG_RAX|Hardware name): ?|PGD |#PF")


def brief(text: str) -> str:
    """A report without the list of loaded modules: the guests have all modules loaded."""
    lines = text.strip().splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith("Modules linked in:")), None)
    if start is None:
        return "\n".join(lines)
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    return "\n".join(lines[:start] + lines[end:])


def first_lines(text: str, count: int) -> str:
    """The first ``count`` lines of a report that are neither modules nor registers."""
    return "\n".join(islice((line for line in brief(text).splitlines() if not _MACHINE.match(line)), count))
