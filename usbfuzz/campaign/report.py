"""report.txt: what a developer reads first, and can mail."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .store import Evidence

__all__ = ["render_report"]


def render_report(title: str, evidence: Evidence, directory: Path, kernel: str, warped: bool) -> str:
    """The text of report.txt; ``directory`` is where the case is saved."""
    report = evidence.report
    rows = [
        ("Kernel", kernel),
        ("Driver", evidence.driver or "unknown"),
        ("Function", report.frame),
        ("File", report.file),
        ("Also known as", ", ".join(name for name in sorted(report.names) if name != title)),
        ("Reproduced", _reproduced(evidence)),
        ("Doubt", report.corruption),
        ("Seen in", "a guest with a warped clock; confirm it with --mode realtime" if warped else ""),
    ]
    command = f"usbfuzz replay {shlex.quote(str(directory))} --kernel {shlex.quote(kernel)}"
    lines = [title, "=" * len(title), ""]
    lines += [f"{name + ':':<15}{value}" for name, value in rows if value]
    lines += ["", "To reproduce:", "", f"    {command}", "", "What the kernel said (all of it is in console.log):", ""]
    lines += [f"    {line}".rstrip() for line in report.text.splitlines()]
    return "\n".join(lines) + "\n"


def _reproduced(evidence: Evidence) -> str:
    if not evidence.runs:
        return "not tried; case.toml holds the whole round it appeared in"
    if not evidence.hits:
        return f"0 of {evidence.runs}; case.toml holds the whole round it appeared in"
    return f"{evidence.hits} of {evidence.runs}, with {evidence.how.value}"
