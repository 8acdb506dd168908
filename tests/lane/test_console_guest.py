"""What a guest says, read in its memory: the same words as on its serial port, and more of the last ones."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable

import pytest
from attrs import evolve

from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from harness.lane.console import Printed, Remembered
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from usbfuzz.case.model import Action, Case, Event
from usbfuzz.errors import GuestError, QemuError
from usbfuzz.jobs.bench.cases import mouse_case

pytestmark = pytest.mark.guest

KERNELS = ("debian:5.10.223", "debian:6.1")
CHATTER = """
for i in 1 2 3; do echo "<4>usbfuzz-test: warning $i" >/dev/kmsg; echo "<6>usbfuzz-test: note" >/dev/kmsg; done
"""
_STAMP = re.compile(r"^\[ *\d+\.\d{6}\] ", re.MULTILINE)


def _said(config: LaneConfig, probing: Probing) -> tuple[type, str]:
    """What is read after the guest has said six lines, and by what."""

    async def say() -> tuple[type, str]:
        lane = await Lane.open(evolve(config, probing=probing))
        try:
            lane.read_console()
            await lane.agent.run(("sh", "-c", CHATTER), 10.0)
            return type(lane.guest.console), lane.read_console()
        finally:
            await lane.close()

    return asyncio.run(say())


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_log_in_memory_says_what_the_serial_port_does(guest: Callable[..., LaneConfig], kernel: str) -> None:
    config = guest(kernel)
    printed_by, printed = _said(config, Probing(coverage=False))
    read_by, read = _said(config, Probing())
    assert (printed_by, read_by) == (Printed, Remembered)
    assert _STAMP.findall(read)
    assert _STAMP.sub("", read).splitlines() == _STAMP.sub("", printed).splitlines()
    assert _STAMP.sub("", read).splitlines() == [f"usbfuzz-test: warning {number}" for number in (1, 2, 3)]


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_was_said_before_a_panic_is_read_after_it(guest: Callable[..., LaneConfig], kernel: str) -> None:
    config = evolve(guest(kernel), probing=Probing(heap=Heap.REPORT))

    async def die() -> Outcome:
        lane = await Lane.open(config)
        try:
            await lane.run(mouse_case())
            await lane.agent.run(("sh", "-c", CHATTER), 10.0)
            running = asyncio.create_task(lane.run(_waits()))
            await lane.ports[0].wait_requests(5)
            with contextlib.suppress(GuestError, QemuError):
                await lane.agent.write("/proc/sysrq-trigger", "c")
            return await running
        finally:
            await lane.close()

    outcome = asyncio.run(die())
    assert outcome.verdict is Verdict.DIED  # a crash that somebody asks for is no bug
    lines = _STAMP.sub("", outcome.console).splitlines()
    assert lines[:3] == [f"usbfuzz-test: warning {number}" for number in (1, 2, 3)]
    assert any(line.startswith("Kernel panic - not syncing: sysrq triggered crash") for line in lines)


def _waits() -> Case:
    """A mouse that stays for two seconds."""
    mouse = mouse_case()
    return evolve(mouse, events=(*mouse.events, Event(Action.UNPLUG, after_ms=2000)))
