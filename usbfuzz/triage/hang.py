"""Naming a hang that the kernel did not report: from stacks that it was made to print."""

from __future__ import annotations

import re

from attrs import frozen

from .extract import extract
from .functions import bare_name
from .picks import stopped_frame
from .printed import NMI_END
from .report import Report
from .stack import StackPlace, places
from .types import CrashType

__all__ = ["hang_report"]

#: Headings of sysrq w (show_state_filter() in kernel/sched/core.c) and of sysrq l, which follows it.
_BLOCKED, _ACTIVE = "Show Blocked State", "Show backtrace"
#: The last frame of an NMI's own stack; the stack of what it interrupted follows.
_NMI_END = re.compile(NMI_END)
#: Characters of the console kept as the report's text: its end, where the last stack is.
_TEXT = 4000


def hang_report(stacks: str, how: str) -> Report:
    """A hang, named after the function its stacks blame; when they blame none, after ``how`` the guest hangs.

    ``stacks`` is what the guest printed when it was asked what it does: its blocked tasks (sysrq ``w``), which are
    blamed first, and what an NMI interrupted.
    """
    blamed = _blocked(stacks) or _interrupted(stacks) or _reported(stacks)
    return Report(
        title=f"hang in {blamed.place.symbol}" if blamed else f"hang: {how}",
        type=CrashType.HANG,
        frame=blamed.place.symbol if blamed else None,
        module=blamed.place.module if blamed else None,
        modules=blamed.modules if blamed else (),
        text=stacks[-_TEXT:],
    )


@frozen
class _Blamed:
    """The place a hang is named after, and the modules from there on, innermost first."""

    place: StackPlace
    modules: tuple[str, ...]


def _blocked(stacks: str) -> _Blamed | None:
    return _blamed(stacks.partition(_BLOCKED)[2].partition(_ACTIVE)[0])


def _interrupted(stacks: str) -> _Blamed | None:
    """What the NMI interrupted; the panic it caused says only that it came."""
    nmi = _NMI_END.search(stacks)
    return _blamed(stacks[nmi.end() :]) if nmi else None


def _reported(stacks: str) -> _Blamed | None:
    """What a report among the stacks blames, unless that is what an idle processor runs."""
    for report in extract(stacks):
        if report.frame and stopped_frame([report.frame]):
            return _Blamed(StackPlace(report.frame, report.module), report.modules)
    return None


def _blamed(stacks: str) -> _Blamed | None:
    """The first place in any of the stacks that says what its task was doing, by its bare name."""
    found = [StackPlace(bare_name(place.symbol), place.module) for place in places(stacks)]
    choice = stopped_frame([place.symbol for place in found])
    if choice is None:
        return None
    modules = dict.fromkeys(place.module for place in found[choice[1] :] if place.module)
    return _Blamed(found[choice[1]], tuple(modules))
