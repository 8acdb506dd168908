"""What one case executes: it is run alone, on a guest fresh from its snapshot."""

from __future__ import annotations

from collections.abc import Callable

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Case
from usbfuzz.coverage import Blocks
from usbfuzz.errors import InfraError
from usbfuzz.jobs.replay import replay

__all__ = ["run_case"]


async def run_case(case: Case, name: str, config: LaneConfig, on_progress: Callable[[str], None]) -> Blocks:
    """The blocks that a case executes, all of them as reached by ``name``.

    Raises what :func:`replay` does, and InfraError when nothing sees what the guest executes.
    """
    outcome = (await replay(case, config, 1, on_progress=on_progress)).best
    if outcome.covered is None:
        what = f"{config.kernel.name}: nothing sees what its guest executes"
        raise InfraError(f"{what}; use --mode warp, and a QEMU that shows it (usbfuzz emulator list)")
    return outcome.covered.blocks(name)
