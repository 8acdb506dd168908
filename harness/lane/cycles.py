"""One case plugged in again and again in one guest, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from usbfuzz.errors import GuestError, QemuError
from usbfuzz.leftovers import CYCLES, Census, grown, leak_reports

from .census import take_census
from .drivers import only_driver

if TYPE_CHECKING:
    from .guest import LaneGuest
    from .outcome import Outcome

__all__ = ["play_cycles"]


async def play_cycles(
    guest: LaneGuest, play: Callable[[], Awaitable[Outcome]], cycles: int = CYCLES
) -> tuple[Outcome, str]:
    """Play one round ``cycles`` times; the last outcome, and reports of what grew each time.

    A round that costs the guest is the last, and nothing is said of leaks then; nor of a guest that is lost while it is
    counted.
    """
    counts: list[Census] = []
    for _ in range(cycles):
        outcome = await play()
        if outcome.restored:
            return outcome, ""
        try:
            counts.append(await take_census(guest.agent, guest.eyes))
        except (QemuError, GuestError):
            return outcome, ""
    return outcome, leak_reports(grown(counts), guest.drivers, only_driver(outcome.bindings))
