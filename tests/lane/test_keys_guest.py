"""What a keyboard may press in a guest: anything, as a key that restarts it would look like a death in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from usbfuzz.case import spec_of
from usbfuzz.case.model import Action, Case, EndpointScript, Event, Step
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.wire import Answer

pytestmark = pytest.mark.guest

#: Modifiers and keys of a boot keyboard's report. HUT 1.5 §10: PrintScreen is SysRq with Alt.
RELEASED = bytes(8)
ALT_SYSRQ = [
    bytes([0x04, 0, 0x46, key, 0, 0, 0, 0]) for key in (0x05, 0x12, 0x0C)
]  #: B restarts, O powers off, I kills
CTRL_ALT_DEL = [bytes([0x05, 0, key, 0, 0, 0, 0, 0]) for key in (0x4C, 0x63)]


async def _outcome(config: LaneConfig, case: Case) -> Outcome:
    lane = await Lane.open(config)
    try:
        return await lane.run(case)
    finally:
        await lane.close()


def test_no_keys_end_a_guest(guest: Callable[..., LaneConfig]) -> None:
    pressed = tuple(Step(Answer(data=keys)) for report in (*ALT_SYSRQ, *CTRL_ALT_DEL) for keys in (report, RELEASED))
    keyboard = evolve(spec_of(Keyboard()), endpoints=(EndpointScript(0x81, pressed),))
    case = Case((keyboard,), (Event(Action.PLUG, device=0),))
    outcome = asyncio.run(_outcome(guest("debian:5.10.223-1"), case))
    assert (outcome.verdict, outcome.enumerated) == (Verdict.CLEAN, 1)
    assert outcome.requests > len(pressed)
