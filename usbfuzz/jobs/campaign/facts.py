"""What a run of a campaign ran on and with, as the page of a campaign states it."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.lane.config import LaneConfig
    from usbfuzz.jobs.aim import Aim

    from .options import CampaignOptions

__all__ = ["other_aim", "run_facts"]


def run_facts(
    options: CampaignOptions, config: LaneConfig, modules: Sequence[str], aim: Aim | None = None
) -> dict[str, Any]:
    """Machine, kernel build, emulator and parameters, as plain data; ``modules`` are those that can bind."""
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count() or 0,
            "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "kernel": platform.release(),
            "system": _system(),
            "python": platform.python_version(),
        },
        "kernel": {"name": config.kernel.name, "release": config.kernel.release, "digest": config.kernel.digest},
        "emulator": {"name": config.emulator.name, "version": config.emulator.version},
        "guest": {
            "timing": config.timing.value,
            "parameters": list(config.kernel_params),
            "ports": config.ports,
            "processors": config.smp,
            "memory_mib": config.memory_mib,
            "heap": config.probing.heap.value,
            "coverage": config.probing.coverage,
        },
        "options": {
            "lanes": options.lanes,
            "seconds": options.seconds,
            "cases": options.cases,
            "minimize": options.minimize,
            "confirm": options.confirm,
            "leaks": options.leaks,
        },
        "aim": None if aim is None else _aim(aim),
        "modules": list(modules),
    }


def other_aim(before: dict[str, Any], now: dict[str, Any]) -> str:
    """What to say when a campaign goes on that aimed at something else: "" when it did not, or never ran."""
    old, new = (_aimed_at(facts) for facts in (before, now))
    return f"goes on aimed at {new}; the run before was aimed at {old}" if before and old != new else ""


def _aimed_at(facts: dict[str, Any]) -> str:
    aim = facts.get("aim")
    return str(aim.get("at")) if isinstance(aim, dict) else "nothing in particular"


def _aim(aim: Aim) -> dict[str, Any]:
    return {
        "at": str(aim.wanted),
        "functions": aim.count,
        "of_modules": len(aim.functions),
        "drivers": sorted(aim.modules),
    }


def _processor() -> str:
    """What the processor calls itself; "" when the machine does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (line.partition(":") for line in lines)
    return next((value.strip() for name, _, value in found if name.strip() in ("model name", "Model")), "")


def _system() -> str:
    """The distribution of this machine; "" when it does not say."""
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""
