"""What the agent says of a program of user space that it has played."""

from __future__ import annotations

import re

from attrs import frozen

from usbfuzz.errors import GuestError

__all__ = ["Ended", "ends_in"]

_HOWS = ("ended", "killed", "stuck", "died")
_STEP = re.compile(r"([-rds]) (-?\d{1,20}) (\d{1,10})")


@frozen
class Ended:
    """One step of a program."""

    state: str  #: ``d`` done, ``r`` it had not returned, ``s`` passed over, ``-`` never reached
    result: int  #: of the last run; a negative number is an errno
    runs: int


def ends_in(answer: bytes) -> tuple[str, tuple[Ended, ...]]:
    """How a program ended, and each of its steps; raises GuestError for nonsense."""
    how, *lines = answer.decode("ascii", "replace").splitlines() or [""]
    steps = [_STEP.fullmatch(line) for line in lines]
    if how not in _HOWS:
        raise GuestError("the guest agent did not say how a program ended; the guest is corrupted")
    found = tuple(Ended(match[1], int(match[2]), int(match[3])) for match in steps if match is not None)
    if len(found) != len(steps):
        raise GuestError("the guest agent did not say how the steps of a program ended; the guest is corrupted")
    return how, found
