"""A crash report, and when two of them are one bug."""

from __future__ import annotations

from attrs import frozen

from .types import CrashType

__all__ = ["Report", "same_bug", "same_driver"]


@frozen
class Report:
    """One crash, as one console log shows it."""

    #: What the developer reads first and what reports are sorted by: stable between runs, builds and machines
    #: (no addresses, numbers or process names), in syzbot's style.
    title: str
    #: Other names this very bug may get in another run (another access type, an unstripped system call name).
    #: Two reports with a name in common are one bug; see :func:`same_bug`.
    alt_titles: tuple[str, ...] = ()
    #: What went wrong, for counting and filtering; None when the report does not tell.
    type: CrashType | None = None
    #: The function the title blames, generic helpers skipped; None when none could be named.
    frame: str | None = None
    #: Source file of the bug as far as the log names one ("drivers/usb/core/hub.c"); generic files skipped.
    file: str | None = None
    #: Module of the guilty frame as printed in its "[module]" suffix; None for built-in code.
    module: str | None = None
    #: The modules on its stacks, innermost first; see :func:`usbfuzz.triage.guilty.stack_modules`.
    modules: tuple[str, ...] = ()
    #: The driver to blame: of ``modules`` the first that binds devices; "" when none does, or when it is not said which
    #: modules do (:func:`usbfuzz.triage.blamed`).
    guilty: str = ""
    #: Task that ran when it happened ("kworker/0:1"), from the "Comm:" field.
    task: str | None = None
    #: Why the report cannot be trusted as a name of the bug (cut off, mixed with others); empty when it can.
    corruption: str = ""
    #: True when the report, though real, should not be shown: the guest was out of memory or was told to crash.
    suppressed: bool = False
    #: True when the kernel panicked at or after this report: nothing that follows it is worth waiting for.
    panicked: bool = False
    #: How often the log repeats this bug, this report included.
    count: int = 1
    #: Byte offsets in the log, prefixes included: of the first line of the report, and just behind its last.
    start: int = 0
    end: int = 0
    #: The report's own lines: all prefixes, lines of other tasks and doubtful frames taken out, a few lines of the
    #: same task before it kept.
    text: str = ""

    @property
    def corrupted(self) -> bool:
        """The title is not to be trusted."""
        return bool(self.corruption)

    @property
    def names(self) -> frozenset[str]:
        """All names of the bug."""
        return frozenset((self.title, *self.alt_titles))


def same_bug(first: Report, second: Report) -> bool:
    """Whether two reports, of one log or of two, show one bug: a name in common, and not two guilty drivers."""
    return not first.names.isdisjoint(second.names) and same_driver(first.guilty, second.guilty)


def same_driver(first: str, second: str) -> bool:
    """Whether two guilty drivers may be one; one that is not known ("") may be any."""
    return not first or not second or first == second
