"""When a run may be believed, and running again until one may.

What the guest reports happened, however late we answered. Silence after a late answer says nothing: the guest
may have given up on the device before the bug could show. So such a run is repeated, a few times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["TRIES", "Trial", "believable", "run_believably"]

#: Runs of the same input until one may be believed. We answer late when this machine is busy, which passes.
TRIES = 3

Result = TypeVar("Result")


def believable(*, reported: bool, dilated: bool) -> bool:
    """Whether a run tells anything: ``reported`` what was looked for, or silent although all answers came in time."""
    return reported or not dilated


@frozen
class Trial(Generic[Result]):
    """The last of some runs of the same input."""

    result: Result
    believed: bool
    doubted: int  #: runs that were not believed, this one included when it was not


async def run_believably(
    run: Callable[[], Awaitable[Result]],
    believed: Callable[[Result], bool],
    *,
    tries: int = TRIES,
    between: Callable[[Result], Awaitable[None]] | None = None,
) -> Trial[Result]:
    """Await ``run()`` until its result is ``believed``, ``tries`` times at most; what it raises passes through.

    ``between`` is awaited with a doubted result before the next run.
    """
    doubted = 0
    while True:
        result = await run()
        if believed(result):
            return Trial(result, believed=True, doubted=doubted)
        doubted += 1
        if doubted >= tries:
            return Trial(result, believed=False, doubted=doubted)
        if between is not None:
            await between(result)
