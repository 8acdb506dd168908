"""The part of a lane that a campaign needs: :class:`harness.lane.lane.Lane`, or a pretended one in tests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from harness.guest.probe.coverage import Coverage
from harness.lane.config import LaneConfig
from harness.lane.outcome import Outcome
from usbfuzz.case.model import Case
from usbfuzz.jobs.engine.desk import DeskLane
from usbfuzz.triage import Report

__all__ = ["CampaignLane", "OpenLane", "recorded"]


class CampaignLane(DeskLane, Protocol):
    """One guest that runs cases and learns. All methods raise GuestError or InfraError when it cannot go on."""

    recording: bool  #: outcomes carry the conversation
    known: list[Report]  #: bugs whose warnings no longer have the guest restored

    @property
    def coverage(self) -> Coverage | None:
        """Which blocks of code the guest executes, where that can be seen."""

    @property
    def sees_comparisons(self) -> bool:
        """Whether modules can be armed."""

    @property
    def restores(self) -> int:
        """How often the guest was put back to its snapshot, the first time included."""

    async def run(self, case: Case) -> Outcome:
        """Run one case alone."""

    async def close(self) -> None:
        """End the guest; may be called twice."""


async def recorded(lane: CampaignLane, case: Case) -> Outcome:
    """Run ``case`` alone, with its conversation in the outcome."""
    lane.recording = True
    try:
        return await lane.run(case)
    finally:
        lane.recording = False


OpenLane = Callable[[LaneConfig, Callable[[str], None]], Coroutine[Any, Any, CampaignLane]]
