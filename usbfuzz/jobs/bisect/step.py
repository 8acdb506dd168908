"""One step of ``git bisect run``: build what is checked out, run the case on it, answer with git's exit statuses."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from attrs import evolve, frozen

from usbfuzz.errors import GuestError, KernelError
from usbfuzz.jobs.regress.presence import Bug, Presence, Shown, find_presence
from usbfuzz.jobs.regress.run import RegressOptions

from .build import BuildError, UserTree

__all__ = ["Answer", "Verdict", "step"]


class Answer(IntEnum):
    """What git bisect run is told (git-bisect(1)); above 127 it stops."""

    OLD = 0  #: as in kernels before the one that is looked for
    NEW = 1  #: as in kernels after it
    SKIP = 125  #: this commit tells nothing


@frozen
class Verdict:
    """The answer, and why, in a line."""

    answer: Answer
    why: str


async def step(
    bug: Bug,
    tree: UserTree,
    options: RegressOptions,
    *,
    any_crash: bool = False,
    fixed: bool = False,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Verdict:
    """Build a tree and see whether a bug is there; with ``fixed`` the commit is looked for since which it is not.

    What keeps this commit from telling is a SKIP. Raises InfraError and OSError: then no commit would tell.
    """
    try:
        tree.build()
    except BuildError as error:
        return Verdict(Answer.SKIP, str(error))
    (found,) = await find_presence(bug, evolve(options, kernels=(f"tree:{tree.path}",)), on_progress=on_progress)
    if found.error is not None and not isinstance(found.error, GuestError | KernelError):
        raise found.error
    return _verdict(bug, found, any_crash=any_crash, fixed=fixed)


def _verdict(bug: Bug, found: Presence, *, any_crash: bool, fixed: bool) -> Verdict:
    runs = f"{found.runs} run{'s' * (found.runs != 1)}"
    match found.shown:
        case Shown.YES:
            return Verdict(Answer.OLD if fixed else Answer.NEW, f"crashes: {bug.title}")
        case Shown.OTHER if any_crash:
            return Verdict(Answer.OLD if fixed else Answer.NEW, f"crashes: {found.other}")
        case Shown.OTHER:
            what = f"another crash came in {runs}, and not the one of the case: {found.other}"
            return Verdict(Answer.SKIP, f"{what}; --any takes any for it")
        case Shown.NO:
            return Verdict(Answer.NEW if fixed else Answer.OLD, f"no crash in {runs}")
        case Shown.UNKNOWN:
            return Verdict(Answer.SKIP, str(found.error))
