"""The process of one guest: runs candidates one after another.

Started as ``python -m usbfuzz.jobs.minimize.worker PARENT``; ends when its standard input does.
"""

from __future__ import annotations

import sys

from harness.lane.lane import Lane
from harness.workers.child import Upstream
from harness.workers.entry import run_worker, until_over
from harness.workers.procs import pin
from usbfuzz.case.model import Case
from usbfuzz.errors import UsbfuzzError

from .guests import OneGuest
from .messages import LINES, Booting, Failed, Setup, Trial, Tried

__all__ = ["main"]


class _Bench:
    """The guest a worker has, which is another one when a candidate needs it booted in another way."""

    def __init__(self, setup: Setup, upstream: Upstream) -> None:
        self._setup = setup
        self._upstream = upstream
        self._lane: Lane | None = None
        self._guest: OneGuest | None = None

    async def try_(self, trial: Trial) -> Tried:
        """Run one candidate; what the lane raises passes through."""
        guest = await self._guest_for(trial.case)
        return Tried(await guest.run(trial.case, fresh=trial.fresh))

    async def _guest_for(self, case: Case) -> OneGuest:
        config = self._setup.config.for_case(case)
        if self._guest is None or self._lane is None or self._lane.config != config:
            await self.close()
            self._lane = await Lane.open(config, lambda note: self._upstream.send(Booting(note)))
            self._guest = OneGuest(self._lane, self._setup.names, fresh=True)
        return self._guest

    async def close(self) -> None:
        """End the guest."""
        if self._lane is not None:
            await self._lane.close()
        self._lane = self._guest = None


async def _serve(channel: int) -> int:
    upstream = await Upstream.open(channel, LINES)
    setup = await upstream.receive()
    if setup is None:
        return 0
    assert isinstance(setup, Setup)
    pin(setup.cpu)
    bench = _Bench(setup, upstream)
    return await until_over(_trials(upstream, bench), bench.close)


async def _trials(upstream: Upstream, bench: _Bench) -> int:
    try:
        while (trial := await upstream.receive()) is not None:
            assert isinstance(trial, Trial)
            upstream.send(await bench.try_(trial))
    except UsbfuzzError as error:
        upstream.send(Failed(type(error).__name__, str(error)))
        return 1
    return 0


def main(argv: list[str]) -> int:
    """Run a worker until the command ends it; an exit status."""
    return run_worker(int(argv[1]), _serve)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
