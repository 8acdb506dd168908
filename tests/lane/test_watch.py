"""Rounds are ended early when QEMU has used too much processor time, or when the guest ran on after a crash."""

from __future__ import annotations

import asyncio
import time

import pytest
from attrs import define

from harness.lane import watch
from harness.lane.watch import Watch

OOPS = "BUG: scheduling while atomic: swapper/0/0/0x00000100\nCall Trace:\n <IRQ>\n vub300_disconnect+0x3b/0x4d0\n"


@define
class Guest:
    """A guest as far as a watch looks at it."""

    console: str = ""
    load: float = 0.0  #: CPU seconds a wall second
    begun: float = 0.0
    deaf: bool = False
    kept: int = 0

    async def ping(self) -> None:
        if self.deaf:
            await asyncio.Event().wait()

    @property
    def cpu_seconds(self) -> float:
        return (time.monotonic() - self.begun) * self.load

    def keep_up(self) -> None:
        self.kept += 1

    def peek_console(self) -> str:
        return self.console


async def watched(guest: Guest, seconds: float, *, warped: bool = True) -> tuple[bool, bool, bool]:
    """Whether a round of ``seconds`` was ended, whether for a report, and whether because the agent did not answer."""
    guest.begun = time.monotonic()
    over = Watch(guest, (), warped=warped)
    try:
        async with asyncio.timeout(60) as limit, over.over(limit):
            await asyncio.sleep(seconds)
    except TimeoutError:
        return True, over.reported, over.deaf
    return False, over.reported, over.deaf


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_LOOK_S", 0.01)
    monkeypatch.setattr(watch, "_GRACE_CPU_S", 0.02)


def test_a_round_in_which_qemu_computes_too_long_hangs() -> None:
    assert asyncio.run(watched(Guest(load=1000.0), 5))[:2] == (True, False)


def test_a_round_in_which_the_agent_does_not_answer_hangs_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_HANG_CPU_S", 100.0)
    assert asyncio.run(watched(Guest(load=20.0, deaf=True), 0.35)) == (True, False, True)
    assert asyncio.run(watched(Guest(load=20.0), 0.35)) == (False, False, False)


def test_a_round_after_whose_crash_the_guest_runs_on_is_ended_for_its_report() -> None:
    assert asyncio.run(watched(Guest(console=OOPS, load=1.0), 5)) == (True, True, False)


def test_a_crash_is_waited_for_as_long_as_qemu_needs_a_core_to_print_it() -> None:
    assert asyncio.run(watched(Guest(console=OOPS, load=0.001), 0.3)) == (False, False, False)


def test_a_round_in_which_qemu_computes_nothing_at_all_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_STUCK_S", 0.1)
    assert asyncio.run(watched(Guest(load=0.0), 5)) == (True, False, False)
    assert asyncio.run(watched(Guest(load=0.01), 0.3)) == (False, False, False)


def test_a_quiet_round_may_take_its_time() -> None:
    assert asyncio.run(watched(Guest(console="usb 1-1: new device\n"), 0.2)) == (False, False, False)


def test_in_real_time_only_the_round_s_own_limit_counts() -> None:
    assert asyncio.run(watched(Guest(load=1000.0, console=OOPS), 0.2, warped=False)) == (False, False, False)


def test_what_a_guest_says_is_taken_often() -> None:
    guest = Guest()
    asyncio.run(watched(guest, 0.3))
    assert guest.kept > 20
