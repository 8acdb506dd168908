"""A QEMU that does not take the probe: one line, and the guest runs all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.probe import probe
from harness.guest.probe.probing import Heap, Probing
from harness.lane.config import LaneConfig
from harness.lane.lane import Lane
from harness.lane.outcome import Verdict
from tests import ROOT
from usbfuzz.case.files import load
from usbfuzz.errors import InfraError

pytestmark = pytest.mark.guest

HEADSET = ROOT / "corpus/devices/audio1-headset-062a-9004.toml"


def _clean(config: LaneConfig, said: list[str]) -> None:
    async def run() -> None:
        lane = await Lane.open(evolve(config, probing=Probing(heap=Heap.REPORT)), said.append)
        try:
            outcome = await lane.run(load(HEADSET))
        finally:
            await lane.close()
        assert outcome.verdict is Verdict.CLEAN
        assert outcome.covered is None

    asyncio.run(run())


def test_a_plugin_that_qemu_refuses_is_left_out_with_one_line(
    guest: Callable[..., LaneConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "probe.so"
    broken.write_bytes(b"no shared object")
    monkeypatch.setattr(probe, "build_plugin", lambda _cache: broken)
    said: list[str] = []
    _clean(guest("debian:5.10.223"), said)
    assert [line for line in said if "probe" in line and "no coverage, no heap checks" in line] == said


def test_without_a_compiler_there_is_no_probe_and_one_line_says_so(
    guest: Callable[..., LaneConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_cache: Path) -> Path:
        raise InfraError("no C compiler 'cc' to build the probe; install gcc and libc6-dev, or set CC")

    monkeypatch.setattr(probe, "build_plugin", fail)
    said: list[str] = []
    _clean(guest("debian:5.10.223"), said)
    assert len(said) == 1
    assert "no C compiler" in said[0]
