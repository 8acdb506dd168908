"""What one case executes: it is run alone, on a guest fresh from its snapshot."""

from __future__ import annotations

from collections.abc import Callable

from harness.lane.config import LaneConfig
from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.coverage import Blocks
from usbfuzz.errors import InfraError, InputError
from usbfuzz.jobs.replay import replay
from usbfuzz.load import Loaded

__all__ = ["case_of", "run_case"]


def case_of(loaded: Loaded) -> Case:
    """The case a user means; of a model, one that plugs it in. Raises InputError for a class of the user's own."""
    if loaded.case is not None:
        return loaded.case
    if ".py" in loaded.source:
        raise InputError(f"{loaded.source}: is a class, and only cases and models are run here; give one of these")
    return Case((DeviceSpec(loaded.name, b"", model=loaded.name),), (Event(Action.PLUG, device=0),))


async def run_case(case: Case, name: str, config: LaneConfig, on_progress: Callable[[str], None]) -> Blocks:
    """The blocks that a case executes, all of them as reached by ``name``.

    Raises what :func:`replay` does, and InfraError when nothing sees what the guest executes.
    """
    outcome = (await replay(case, config, 1, on_progress=on_progress)).best
    if outcome.covered is None:
        what = f"{config.kernel.name}: nothing sees what its guest executes"
        raise InfraError(f"{what}; use --mode warp, and a QEMU that shows it (usbfuzz emulator list)")
    return outcome.covered.blocks(name)
