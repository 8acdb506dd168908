"""The process of a lane on another machine, with the pretended guest and generator of the campaign's tests.

Run by a dask worker as ``python -m tests.cluster.pretend PARENT``. The same script says what the
machine is like: ``lie``: what is said instead of a round (see :data:`~.lies.LIES`); ``machine``: [error class,
message] of its preparation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import usbfuzz.errors
from harness.lane.config import LaneConfig
from harness.workers import upstream
from tests.campaign.pretend import COMMANDS, config, open_lane, script
from usbfuzz.jobs.campaign.messages import RoundDone
from usbfuzz.jobs.cluster.guests import Guests
from usbfuzz.jobs.cluster.lane import main

from .lies import LIES

__all__ = ["MODULE"]

MODULE = "tests.cluster.pretend"


async def prepare(_: Guests, on_progress: Callable[[str], None]) -> LaneConfig:
    """Stands in for fetching a kernel."""
    on_progress("fetching a pretended kernel")
    if "machine" in script():
        name, message = script()["machine"]
        raise getattr(usbfuzz.errors, name)(message)
    return config()


def _lying(lie: str) -> None:
    """From now on each round ends with a lie."""
    honest = upstream.PipeUpstream.send

    def send(self: upstream.PipeUpstream[object, object], reply: object) -> None:
        honest(self, LIES[lie].reply if isinstance(reply, RoundDone) else reply)

    upstream.PipeUpstream.send = send  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    if "lie" in script():
        _lying(script()["lie"])
    raise SystemExit(main(sys.argv, prepare, open_lane, COMMANDS[1]))
