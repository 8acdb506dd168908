"""From what a user names (a kernel, a mode) to what a lane needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from harness.guest.accel import choose_timing
from harness.guest.command_line import kernel_command_line
from harness.guest.emulators import ADVISED, Emulator, check_emulator, emulator_for
from harness.guest.image import build_image
from harness.guest.kernels import arch_of, default_cache, resolve
from harness.guest.probe.probing import BLOCKS, Heap, Probing
from harness.guest.qemu import Machine, Mode, Timing, memory_for
from harness.guest.rundir import RunDir
from harness.workers.procs import may_answer_first

from .config import LaneConfig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["prepare"]

#: What this process has said of its emulators and of time, which holds for each kernel it prepares.
_told: set[str] = set()


async def prepare(
    kernel: str,
    *,
    mode: Mode = Mode.AUTO,
    kernel_params: tuple[str, ...] = (),
    processors: int | None = None,
    emulator: str | None = None,
    probing: Probing = BLOCKS,
    cache_dir: Path | None = None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> LaneConfig:
    """Find QEMU, fetch the kernel, build its image, choose how time passes.

    ``emulator`` names the QEMU; None: the one in use. ``processors``: of a guest; None: as many as a case needs.
    ``probing`` is what the probe looks at. Raises KernelError, EmulatorError and InfraError (QEMU, a compiler, busybox,
    the cache): each names what is missing and what to do.
    """
    arch = arch_of(kernel)
    cache = cache_dir or default_cache()
    chosen = await asyncio.to_thread(emulator_for, arch, cache, emulator, on_progress=on_progress)
    check_emulator(chosen, arch)
    if probing.heap is not Heap.OFF:
        _tell_blindness(chosen, _once(on_progress))
    found = await asyncio.to_thread(resolve, kernel, cache, on_progress=on_progress)
    image = await asyncio.to_thread(build_image, found, cache)
    with RunDir() as run_dir:
        trial = Machine(
            vmlinuz=found.vmlinuz,
            initrd=image.path,
            command_line=kernel_command_line(Timing.KVM, arch=arch, modules="base"),
            run_dir=run_dir.path,
            timing=Timing.KVM,
            arch=arch,
            emulator=chosen,
            memory_mib=memory_for(image.size),
        )
        timing = await choose_timing(mode, trial, cache, _once(on_progress))
    return LaneConfig(
        kernel=found,
        image=image,
        timing=timing,
        cache_dir=cache,
        emulator=chosen,
        kernel_params=kernel_params,
        processors=processors,
        probing=probing,
        paced=not may_answer_first(),
    )


def _tell_blindness(emulator: Emulator, on_progress: Callable[[str], None]) -> None:
    """Say what this QEMU cannot see, and where one is that sees it."""
    if emulator.blindness:
        on_progress(
            f"QEMU {emulator.number} {emulator.blindness}; `usbfuzz emulator add {ADVISED}` fetches one that has them"
        )


def _once(on_progress: Callable[[str], None]) -> Callable[[str], None]:
    """The same, but what this process has said already is not said again."""

    def say(line: str) -> None:
        if line not in _told:
            _told.add(line)
            on_progress(line)

    return say
