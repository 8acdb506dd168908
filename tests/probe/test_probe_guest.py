"""The probe in real guests: what it counts, what it finds, and that the guest does not notice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.channel.conversation import Conversation
from harness.channel.events import Submitted
from harness.guest.emulators import Sight
from harness.guest.probe.probing import Heap, Probing
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from harness.workbench import Workbench
from tests import ROOT
from usbfuzz.case.files import load
from usbfuzz.jobs.bench.cases import mouse_case

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.config import LaneConfig
    from usbfuzz.case.model import Case

pytestmark = pytest.mark.guest

#: Prints the guest's clock in nanoseconds, works for some four hundred million instructions, and prints it again.
#: Under a warped clock each instruction takes 16 ns, and a guest that works skips nothing.
COUNTED = """
now() { while read a b n c; do [ "$a $b" = "now at" ] && echo $n && break; done </proc/timer_list; }
now; i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; now
i=0; while [ $i -lt 300 ]; do read x </sys/bus/usb/devices/usb1/bConfigurationValue; i=$((i+1)); done; now
"""

OLD, FIXED = "debian:5.10.223", "debian:6.1"
HEADSET = ROOT / "corpus/devices/audio1-headset-062a-9004.toml"
FREED = ROOT / "corpus/known-bugs/btusb-unplug-uaf.toml"


def _run(config: LaneConfig, probing: Probing, path: Path, times: int = 1) -> list[Outcome]:
    async def rounds() -> list[Outcome]:
        lane = await Lane.open(evolve(config, probing=probing))
        try:
            return [await lane.run(_plain(load(path))) for _ in range(times)]
        finally:
            await lane.close()

    return asyncio.run(rounds())


def _plain(case: Case) -> Case:
    """The case without the kernel parameters that make its bug show without a probe."""
    return evolve(case, guest=evolve(case.guest, kernel_params=()))


def _needs(config: LaneConfig, sight: Sight) -> None:
    assert sight in config.emulator.sees, f"set-up fetches an emulator that sees {sight.value}"


def test_a_device_that_is_plugged_in_again_executes_nothing_new(guest: Callable[..., LaneConfig]) -> None:
    outcomes = [each.covered for each in _run(guest(OLD), Probing(), HEADSET, times=6)]
    first, *later = [covered for covered in outcomes if covered is not None]
    assert len(later) == 5
    assert first.new.sum() > 1000
    # Interrupts and timers come when they do: now and then one of them is in new code.
    assert min(covered.new.sum() for covered in later) < 20
    assert first.modules()["snd_usb_audio"] > 300
    blocks = first.blocks("headset")
    assert {"usbcore", "snd_usb_audio", "usbhid"} <= set(blocks.modules)
    assert {block.case for block in blocks} == {"headset"}


def test_the_kernel_itself_is_counted_when_it_is_wanted(guest: Callable[..., LaneConfig]) -> None:
    (outcome,) = _run(guest(OLD), Probing(kernel=True), HEADSET)
    assert outcome.covered is not None
    assert outcome.covered.modules()["vmlinux"] > 3000


def test_a_use_after_free_is_reported_at_the_access_with_who_freed_it(guest: Callable[..., LaneConfig]) -> None:
    _needs(guest(OLD), Sight.REGISTERS)
    (outcome,) = _run(guest(OLD), Probing(heap=Heap.REPORT), FREED)
    assert outcome.verdict is Verdict.CRASH
    report = outcome.reports[0]
    assert report.title == "slab-use-after-free Read in btusb_disconnect"
    assert "KASAN: slab-use-after-free Read in btusb_disconnect" in report.names
    assert len(outcome.reports) == 1
    allocated, freed = report.text.index("Allocated by:"), report.text.index("Freed by:")
    assert "btusb_probe+" in report.text[allocated:freed]
    assert "usb_unbind_interface+" in report.text[freed:]
    assert "Call Trace:" in report.text


def test_a_guest_that_is_only_warned_goes_on(guest: Callable[..., LaneConfig]) -> None:
    _needs(guest(OLD), Sight.REGISTERS)
    outcomes = _run(guest(OLD), Probing(heap=Heap.WARN), FREED, times=2)
    assert [each.verdict for each in outcomes] == [Verdict.CRASH, Verdict.CRASH]
    assert "slab-use-after-free Read in btusb_disconnect" in {report.title for report in outcomes[0].reports}
    assert "NMI" not in outcomes[0].console


def test_the_kernel_with_the_mended_driver_is_silent(guest: Callable[..., LaneConfig]) -> None:
    _needs(guest(FIXED), Sight.REGISTERS)
    (outcome,) = _run(guest(FIXED), Probing(heap=Heap.REPORT), FREED)
    assert outcome.verdict is Verdict.CLEAN


def test_a_guest_executes_as_many_instructions_with_the_probe_as_without(guest: Callable[..., LaneConfig]) -> None:
    took = []
    for probing in (Probing(coverage=False), Probing(kernel=True, heap=Heap.WARN)):
        with Workbench(evolve(guest(OLD), probing=probing)) as bench:
            start, worked, read = map(int, bench.sh(COUNTED).split())
            took.append((worked - start, read - worked))
    (working, reading), (working_probed, reading_probed) = took
    assert working > 6_000_000_000
    assert working_probed == pytest.approx(working, rel=1e-4)  # interrupts come when the host has something to say
    assert reading_probed == pytest.approx(reading, rel=1e-2)


def test_a_device_is_asked_the_same_with_the_probe_as_without(guest: Callable[..., LaneConfig]) -> None:
    asked = []
    for probing in (Probing(coverage=False), Probing(heap=Heap.WARN)):
        conversation = _conversation(evolve(guest(OLD), probing=probing))
        events = [utterance.event for utterance in conversation.utterances]
        asked.append([evolve(event, id=0) for event in events if isinstance(event, Submitted)])
    assert len(asked[0]) > 7
    assert asked[0] == asked[1]


def _conversation(config: LaneConfig) -> Conversation:
    async def run() -> Conversation:
        lane = await Lane.open(config)
        lane.recording = True
        try:
            return (await lane.run(mouse_case())).conversation
        finally:
            await lane.close()

    return asyncio.run(run())
