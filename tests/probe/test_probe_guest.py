"""The probe in real guests: what it counts, what it finds, and that the guest does not notice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest.emulators import Sight
from harness.guest.probe.probing import Heap, Probing
from harness.lane.lane import Lane
from harness.lane.outcome import Outcome, Verdict
from tests import ROOT
from usbfuzz.case.files import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.lane.config import LaneConfig
    from usbfuzz.case.model import Case

pytestmark = pytest.mark.guest

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
    first, last = outcomes[0], outcomes[-1]
    assert first is not None
    assert last is not None
    assert first.new.sum() > 1000
    assert last.new.sum() < 20
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
