"""The guest that a worker process keeps from job to job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from .lane import Lane

if TYPE_CHECKING:
    from collections.abc import Callable

    from .config import LaneConfig

__all__ = ["HeldGuest"]


@define
class HeldGuest:
    """One guest at a time: kept as long as jobs need it, replaced when one needs a guest booted in another way."""

    on_progress: Callable[[str], None]  #: told what happens while a guest boots
    #: The guest has run nothing since its snapshot. Set here when one is opened; who runs a case in it clears it.
    fresh: bool = field(default=False, init=False)
    _lane: Lane | None = field(default=None, init=False)

    async def lane(self, config: LaneConfig) -> Lane:
        """The lane of a guest with that configuration, opened if need be; raises BootError and InfraError."""
        if self._lane is None or self._lane.config != config:
            await self.close()
            self._lane = await Lane.open(config, self.on_progress)
            self.fresh = True
        return self._lane

    async def close(self) -> None:
        """End the guest, if there is one."""
        lane, self._lane = self._lane, None
        if lane is not None:
            await lane.close()
