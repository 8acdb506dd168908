"""A pretended lane and generator for the campaign's tests: what happens is written in $USBFUZZ_PRETEND.

Run as a program it is a worker or a generator process: ``pretend.py worker PARENT`` or
``pretend.py generator SEED ALIASES LEARNED PARENT``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

import usbfuzz.errors
from harness.guest.image import Image
from harness.guest.kernels import Kernel
from harness.guest.probe.coverage import Coverage
from harness.guest.qemu import Timing
from harness.lane.config import LaneConfig
from harness.lane.outcome import Binding, Outcome, Verdict
from harness.workers.procs import die_with_parent
from harness.workers.upstream import take_stdout
from usbfuzz.case.model import Action, Case, DeviceSpec, Event, Provenance
from usbfuzz.jobs.campaign import worker
from usbfuzz.jobs.campaign.messages import CASES, RANGES, Made
from usbfuzz.triage import Report

VARIABLE = "USBFUZZ_PRETEND"

COMMANDS = (
    (sys.executable, __file__, "worker"),
    (sys.executable, __file__, "generator"),
)

#: Those of the pretended guest that devices are made for; the hub driver's does not count as one that can bind.
MODULES = ("usbcore", "usbhid", "wacom")


def config() -> LaneConfig:
    """Stands in for opening a lane: the boot fails."""
    nowhere = Path("/nonexistent")
    return LaneConfig(
        kernel=Kernel("debian:5.10.223-1", "5.10.0-32-amd64", nowhere, nowhere, "0" * 16),
        image=Image(nowhere, "1" * 16, nowhere, ("usbhid",)),
        timing=Timing.WARP,
        cache_dir=nowhere,
    )


def report(title: str, *alt_titles: str, module: str | None = "wacom") -> Report:
    """A report with that title and little else."""
    return Report(
        title=title,
        alt_titles=alt_titles,
        frame="wacom_probe",
        file="drivers/hid/wacom_sys.c",
        module=module,
        task="kworker/0:1",
        panicked=True,
        text=f"{title}\nCall Trace:\n",
    )


def case(index: int, *, ports: int = 1) -> Case:
    """Case ``index``: its number is its device's name."""
    device = DeviceSpec(f"case {index}", bytes([18, 1, index & 255]))
    events = tuple(Event(Action.PLUG, port=port, device=0) for port in range(ports))
    return Case((device,), events, provenance=Provenance(index=index))


def indices(cases: Sequence[Case]) -> list[int]:
    """Numbers of all cases in a round, merged ones too."""
    return [int(device.name.split()[1]) for played in cases for device in played.devices]


@define
class PretendLane:
    """Plays a script: a dict with these keys, all optional.

    ``crashes``: list of {"needs": indices that must be in the guest, "title": …, "history": needs may be spread over
    rounds since the restore, "times": how often at most, "kept": the guest goes on}; ``kill``: indices that kill the
    worker; ``dilated``: runs at the start that are dilated; ``seconds``: wall time of a round; ``boot``: [error class,
    message].
    """

    script: dict[str, Any]
    restores: int = 0
    recording: bool = False
    sees_comparisons: bool = False
    config: LaneConfig = field(factory=config)
    known: list[Report] = field(factory=list)
    runs: list[list[int]] = field(factory=list)
    closed: bool = False
    coverage: Coverage | None = None
    _since: set[int] = field(factory=set)

    async def run(self, one: Case) -> Outcome:
        return await self.run_round([one])

    async def run_round(self, cases: Sequence[Case]) -> Outcome:
        here = indices(cases)
        self.runs.append(here)
        await asyncio.sleep(self.script.get("seconds", 0))
        if set(here) & set(self.script.get("kill", ())):
            os.kill(os.getpid(), signal.SIGKILL)
        self._since.update(here)
        fired = [rule for rule in self.script.get("crashes", ()) if self._fires(rule, here)]
        titles = [rule["title"] for rule in fired]
        restored = not all(rule.get("kept") for rule in fired)
        dilated = self.script.get("dilated", 0) > 0
        self.script["dilated"] = self.script.get("dilated", 0) - 1
        if restored:
            await self.restore()
        return Outcome(
            verdict=Verdict.CRASH if titles else Verdict.CLEAN,
            reports=tuple(report(title) for title in titles),
            console="".join(f"{title}\n" for title in titles),
            bindings=(Binding(0, "3-1", "usb"), Binding(0, "3-1:1.0", f"driver{sum(here[:1]) % 7}")),
            interfaces=("3-1:1.0",),
            plugs=len(here),
            enumerated=len(here),
            requests=10 * len(here),
            seconds=0.01,
            worst_reply_ms=0.5,
            dilated=dilated,
            restored=restored,
        )

    def _fires(self, rule: dict[str, Any], here: list[int]) -> bool:
        there = self._since if rule.get("history") else set(here)
        if not set(rule["needs"]) <= there or rule.get("times", 1) <= 0:
            return False
        if "times" in rule:
            rule["times"] -= 1
        return True

    armable = frozenset[str]()

    def arm(self, modules: Iterable[str]) -> None:
        raise AssertionError(f"nothing is learned of {list(modules)}")

    async def restore(self) -> None:
        self.restores += 1
        self._since.clear()

    async def close(self) -> None:
        self.closed = True


def script() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(Path(os.environ[VARIABLE]).read_text())
    return read


async def open_lane(_config: LaneConfig, on_progress: Callable[[str], None]) -> PretendLane:
    on_progress("booting a pretended kernel")
    if "boot" in script():
        name, message = script()["boot"]
        raise getattr(usbfuzz.errors, name)(message)
    return PretendLane(script(), restores=1)


def generate(argv: list[str]) -> int:
    die_with_parent(int(argv[-1]))
    fatal = script().get("unmakeable", ())
    with os.fdopen(take_stdout(), "wb", buffering=0) as channel:
        for line in sys.stdin.buffer:
            wanted = RANGES.decode(line)
            for index in range(wanted.first, wanted.first + wanted.count):
                if index in fatal:
                    raise RuntimeError(f"cannot make {index}")
                ports = 2 if index in script().get("two_ports", ()) else 1
                made = case(index, ports=ports)
                channel.write(CASES.encode(Made(index, evolve(made, provenance=Provenance()))))
    return 0


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    raise SystemExit(worker.main([role, *rest], open_lane) if role == "worker" else generate([role, *rest]))
