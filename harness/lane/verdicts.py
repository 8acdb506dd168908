"""What a round did to the guest, by its console and by how it ended; and whether the guest may run on after it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from harness.guest.autopsy import autopsy
from usbfuzz.errors import GuestError, QemuError
from usbfuzz.triage import CrashType, Report, extract, hang_report, once_only, same_bug

from .outcome import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.guest.agent_client import Agent
    from harness.guest.process import Qemu

    from .guest import LaneGuest

__all__ = ["Diagnosis", "Ending", "diagnose", "leaking", "may_run_on", "rearm", "runs_on_after", "shown"]

#: Seconds of QEMU's clock in which a panicking guest gets its text out and exits.
_LAST_WORDS_S = 4.0
#: The same after a time limit, when it is more likely that the guest hangs.
_GLANCE_S = 0.5
#: Characters of the console kept as the text of a report that is made here.
_TEXT = 4000
#: Has the kernel forget which of its WARN_ON_ONCE() have warned, those of modules included.
_REARM = "/sys/kernel/debug/clear_warn_once"
_BARE = re.compile(r"-\[ cut here \]-+\n[^\n]*WARNING: ")
_WARNING = re.compile(r"WARNING: .*")


@frozen
class Ending:
    """How the playing of a round ended."""

    failure: Exception | None  #: what broke it off: a lost channel or agent, a time limit; None when nothing did
    reported: bool = False  #: it was broken off because a crash was on the console, not because the guest hangs
    deaf: bool = False  #: it was broken off because the agent did not answer


@frozen
class Diagnosis:
    """What the guest did, and what shows it."""

    verdict: Verdict
    reports: tuple[Report, ...]  #: of the console; for HANG and DIED one made here comes first
    console: str  #: what the guest printed during the round and until it was dead


async def diagnose(guest: LaneGuest, ending: Ending) -> Diagnosis:
    """Read the console's reports; name a hang or a death that left none.

    Raises QemuError when something else on this machine ended QEMU: that shows no bug of the guest.
    """
    if ending.failure is None or ending.reported:
        console = guest.read_console()
        reports = shown(console)
        return Diagnosis(Verdict.CRASH if reports else Verdict.CLEAN, reports, console)
    return await _diagnose_lost(guest, ending, ending.failure)


def leaking(diagnosis: Diagnosis, leaks: str) -> Diagnosis:
    """``diagnosis`` with reports of leaks, which the guest knows nothing of and outlives."""
    if not leaks:
        return diagnosis
    verdict = Verdict.CRASH if diagnosis.verdict is Verdict.CLEAN else diagnosis.verdict
    console = diagnosis.console + "\n" * (not diagnosis.console.endswith("\n")) + leaks
    return Diagnosis(verdict, (*diagnosis.reports, *shown(leaks)), console)


async def _diagnose_lost(guest: LaneGuest, ending: Ending, failure: Exception) -> Diagnosis:
    """What ended the guest, or made it hang."""
    qemu = guest.qemu
    # A channel that broke means that QEMU ends; after a time limit it is only likely not to.
    hung = not await qemu.exits_within(_GLANCE_S if isinstance(failure, TimeoutError) else _LAST_WORDS_S)
    console = guest.read_console()
    reports = shown(console)
    if hung:
        how = await autopsy(qemu, guest.agent, deaf=ending.deaf)
        stacks = guest.read_console()
        return Diagnosis(Verdict.HANG, (hang_report(stacks, how), *reports), console + stacks)
    if reports:
        return Diagnosis(Verdict.CRASH, reports, console)
    if qemu.killed_from_outside:
        raise QemuError(f"QEMU was killed from outside ({qemu.status}): {failure}") from failure
    return Diagnosis(Verdict.DIED, (_death_report(console, qemu),), console)


def _death_report(console: str, qemu: Qemu) -> Report:
    """QEMU ended and the guest had said nothing: a triple fault, or a bug of QEMU's own (an abort signal)."""
    title = f"QEMU died: {qemu.status}" if qemu.signalled else "silent death of the guest"
    text = f"{console}\nQEMU: {qemu.status} {qemu.last_words()}"
    return Report(title, type=CrashType.REBOOT, text=text[-_TEXT:])


def shown(console: str) -> tuple[Report, ...]:
    """The reports on the console, without those that :mod:`usbfuzz.triage` knows to be harmless (``suppressed``)."""
    return tuple(report for report in extract(console) if not report.suppressed)


def may_run_on(console: str, reports: Sequence[Report], known: Sequence[Report]) -> bool:
    """Whether a guest that printed this shows every bug as well as before, if its warnings are armed again."""
    for report in reports:
        if not runs_on_after(report) or not any(same_bug(report, bug) for bug in known):
            return False
    return not once_only(_WARNING.sub("", console) if reports else console)


def runs_on_after(report: Report) -> bool:
    """Whether ``report`` is a bare WARN_ON(): the code goes on as it was written to, and the warning can come again.

    WARN_ON_ONCE() is one too: lib/bug.c keeps its flag where clear_warn_once finds it, in modules as well. A WARNING
    with a message may be a WARN_ONCE(), whose flag in a module cannot be cleared; other reports tell of broken memory.
    """
    return report.type is CrashType.WARNING and _BARE.search(report.text) is not None


async def rearm(agent: Agent) -> bool:
    """Have warnings that were seen come again; False when this kernel cannot."""
    try:
        await agent.write(_REARM, "1")
    except (GuestError, QemuError):
        return False
    return True
