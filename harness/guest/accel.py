"""How time passes in guests, and whether KVM works on this host: tried with one guest, remembered until it reboots."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from usbfuzz.atomic import write_atomically
from usbfuzz.errors import BootError, QemuError

from .qemu import Mode, Timing
from .rundir import RunDir
from .snapshot import boot

if TYPE_CHECKING:
    from collections.abc import Callable

    from .qemu import Machine

__all__ = ["KVM_BOOT_TIMEOUT", "Choice", "choose", "choose_timing", "kvm_verdict"]

#: Wall seconds a KVM guest may take to boot; a working one takes about three.
KVM_BOOT_TIMEOUT = 25.0
_KVM = Path("/dev/kvm")
_NAMES = {
    Timing.WARP: "warped time, emulated",
    Timing.TCG: "real time, emulated",
    Timing.KVM: "real time, on KVM",
}
#: Mice on 5.10.223, eight ports: docs/decisions.md.
_FINDS_MORE = "finds more, as it plugs about 97 devices/s a core where real time on KVM plugs 14"
_AND_SEES = ", and shows what the guest executes"


@frozen
class Choice:
    """How time passes in a guest, and why so."""

    timing: Timing
    why: str

    def __str__(self) -> str:
        return f"{_NAMES[self.timing]}: {self.why}"


def choose(mode: Mode, problem: str, *, probed: bool) -> Choice:
    """What ``mode`` means on a host where KVM has this ``problem`` ("": none), which only modes that want it ask for.

    ``probed`` says whether the emulator can look into a guest. Raises QemuError when KVM alone will do, and does not.
    """
    match mode:
        case Mode.AUTO:
            return Choice(Timing.WARP, _FINDS_MORE + (_AND_SEES if probed else ""))
        case Mode.WARP:
            return Choice(Timing.WARP, "asked for")
    if not problem:
        return Choice(Timing.KVM, "a guest boots with it here")
    if mode is Mode.KVM:
        raise QemuError(f"KVM cannot be used: {problem}; --mode realtime emulates then, --mode warp always")
    return Choice(Timing.TCG, f"KVM cannot be used: {problem}")


async def choose_timing(
    mode: Mode, machine: Machine, cache_dir: Path, on_progress: Callable[[str], None], *, kvm: Path = _KVM
) -> Timing:
    """The timing that ``mode`` means on this host, told in one line with the reason.

    ``machine`` is booted once when KVM is wanted and was not tried yet. Raises QemuError when QEMU does not run, or KVM
    does not and nothing else will do.
    """
    problem = await kvm_verdict(machine, cache_dir, kvm=kvm) if mode.wants_kvm else ""
    choice = choose(mode, problem, probed=not machine.emulator.blindness)
    on_progress(str(choice))
    return choice.timing


async def kvm_verdict(machine: Machine, cache_dir: Path, *, kvm: Path = _KVM) -> str:
    """Why KVM cannot be used, or "" when a guest has booted with it.

    That the device file can be opened is not enough: under some nested hypervisors a guest hangs at once.
    """
    if not kvm.exists():
        return f"{kvm} does not exist"
    if platform.machine() != machine.arch.uname:
        return f"this machine is {platform.machine()}, the guest {machine.arch.name}"
    if not os.access(kvm, os.R_OK | os.W_OK):
        return f"no permission to open {kvm} (join the group kvm)"
    memory = cache_dir / "kvm.json"
    key = f"{_boot_id()} {machine.emulator.version}"
    known = _read(memory).get(key)
    if known is None:
        known = await _prove(machine)
        _remember(memory, key, known)
    return known


async def _prove(machine: Machine) -> str:
    with RunDir() as run_dir:
        trial = evolve(machine, run_dir=run_dir.path, timing=Timing.KVM, ports=1)
        try:
            qemu, agent = await boot(trial, KVM_BOOT_TIMEOUT)
        except (BootError, QemuError) as error:
            return f"present, but a guest does not boot with it ({_short(error)})"
        await agent.close()
        await qemu.kill()
        return ""


def _short(error: Exception) -> str:
    text = str(error)
    return text.split("did not boot: ", 1)[-1].partition(";")[0]


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _read(path: Path) -> dict[str, str]:
    try:
        loaded = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in loaded.items()} if isinstance(loaded, dict) else {}


def _remember(path: Path, key: str, verdict: str) -> None:
    """Only the present boot is kept: the next one may run on another host."""
    write_atomically(path, json.dumps({key: verdict}).encode())
