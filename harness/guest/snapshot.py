"""Boot a guest once and save its state; later guests start from that snapshot.

A snapshot belongs to everything that shaped it: kernel, image, kernel command line, QEMU version and machine. Its
file name is a digest of those, so that no other is ever loaded; the file is written beside its final name and renamed.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from harness.guest.image.files import write_atomically
from harness.guest.probe.facts import VERSION, Facts, gather
from usbfuzz.atomic import write_atomically as write_file
from usbfuzz.errors import BootError, StorageError
from usbfuzz.triage import extract

from .agent_client import Agent
from .process import Qemu
from .processors import start_processors
from .qemu import Timing, qemu_argv
from .saved import SUFFIX, new_memory, save_state, write_guest

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.guest.emulators import Emulator

    from .qemu import Machine

__all__ = ["BOOT_TIMEOUT", "SNAPSHOTS_KEPT", "boot", "ensure_snapshot", "facts_of", "prune", "snapshot_key"]

#: Seconds a stock kernel with every USB module may take under TCG; of a warped guest those that QEMU computes.
BOOT_TIMEOUT = 400.0
_PANIC_LOOK_S = 0.5  #: wall seconds between two looks at the console for a panic
#: Snapshots in the cache, 150 to 230 MiB each: one for every kernel, set of parameters and version of the image.
SNAPSHOTS_KEPT = 24


def snapshot_key(machine: Machine, kernel_digest: str, image_digest: str) -> str:
    """The name of the snapshot of ``machine``: 24 hex digits that change with everything that shapes it."""
    shaping = evolve(machine, code_mib=0)  # how much of the code that ran QEMU remembers, no guest can tell
    argv = [word.replace(str(machine.run_dir), "RUN") for word in qemu_argv(shaping)]
    facts = [f"facts {VERSION}", machine.emulator.version, _stamp(machine.emulator), kernel_digest, image_digest, *argv]
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:24]


def _stamp(emulator: Emulator) -> str:
    """What changes when a program is built anew, though its version does not; "" when it is not there."""
    try:
        status = Path(emulator.program).stat()
    except OSError:
        return ""
    return f"{status.st_size} {status.st_mtime_ns}"


async def boot(machine: Machine, timeout: float = BOOT_TIMEOUT) -> tuple[Qemu, Agent]:
    """Boot ``machine`` from its kernel until the agent says it is ready.

    Raises BootError with what the console shows when the kernel panics, QEMU exits or nothing comes in ``timeout``
    seconds; QemuError when QEMU itself is at fault.
    """
    qemu = await Qemu.start(machine)
    try:
        return qemu, await _ready(qemu, timeout)
    except BaseException:
        await qemu.kill()
        raise


async def _ready(qemu: Qemu, timeout: float) -> Agent:
    machine = qemu.machine
    gone = asyncio.create_task(qemu.exited())
    agent = asyncio.create_task(Agent.connect(machine.agent))
    panic = asyncio.create_task(_panicked(machine))
    try:
        await qemu.within(asyncio.wait({gone, agent, panic}, return_when=asyncio.FIRST_COMPLETED), timeout)
        if agent.done() and not agent.exception():
            return agent.result()
        if agent.done():  # the connection broke: QEMU has probably ended, which is noticed a moment later
            await asyncio.wait({gone}, timeout=_PANIC_LOOK_S)
        why = f"no ready agent within {timeout:.0f} s"
        if gone.done() or panic.done():
            why = f"QEMU exited ({qemu.status})" if gone.done() else "the kernel panicked"
        raise BootError(f"{machine.vmlinuz}: did not boot: {why}; {_last_console_words(machine)}")
    finally:
        for task in (gone, agent, panic):
            task.cancel()
        await asyncio.gather(gone, agent, panic, return_exceptions=True)


async def _panicked(machine: Machine) -> None:
    """Return when the console shows a panic: early ones do not always end the machine."""
    while not machine.console.exists() or b"Kernel panic - not syncing" not in machine.console.read_bytes():
        await asyncio.sleep(_PANIC_LOOK_S)
    await asyncio.sleep(_PANIC_LOOK_S)  # for the rest of its text


def _last_console_words(machine: Machine) -> str:
    console = machine.console.read_text(errors="replace") if machine.console.exists() else ""
    reports = extract(console)
    if reports:
        return f"console: {reports[0].title}"
    lines = [line.strip() for line in console.splitlines() if line.strip()]
    if lines:
        return f"last console line: {lines[-1]}"
    return f"the console is empty; is this kernel built for {machine.arch.name}, with a driver for its serial port?"


async def ensure_snapshot(
    machine: Machine,
    *,
    kernel_digest: str,
    image_digest: str,
    cache_dir: Path,
    on_progress: Callable[[str], None] | None = None,
) -> Path:
    """The file with the booted guest of ``machine``, from the cache or made now (7 to 40 s).

    Two processes that want the same one boot it once: the second waits. Raises BootError, QemuError, StorageError.
    """
    final = cache_dir / "snapshots" / f"{snapshot_key(machine, kernel_digest, image_digest)}{SUFFIX}"
    try:
        final.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{final.parent}: cannot be made: {error.strerror}; set USBFUZZ_CACHE") from error
    if _mark_used(final):
        return final
    with await asyncio.to_thread(_Lock, final.with_suffix(".lock")):
        if not final.exists():
            if on_progress:
                on_progress(f"booting {machine.vmlinuz.name} once for the snapshot ({machine.timing.value})")
            await _make(machine, final, kernel_digest)
            prune(final.parent)
    return final


def prune(directory: Path, keep: int = SNAPSHOTS_KEPT) -> None:
    """Delete the snapshots that were not used for longest, and those of earlier versions, which were disks.

    Who has one open restores guests from it all the same.
    """
    for path in directory.glob("*.qcow2"):
        path.unlink(missing_ok=True)
    by_age = sorted(directory.glob(f"*{SUFFIX}"), key=_last_used, reverse=True)
    for path in by_age[keep:]:
        path.unlink(missing_ok=True)
        for suffix in (".lock", ".facts"):
            path.with_suffix(suffix).unlink(missing_ok=True)


def _mark_used(path: Path) -> bool:
    """Note that a snapshot is used now; False when there is none."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _last_used(path: Path) -> float:
    """Seconds since the epoch; 0.0 when another process has deleted it meanwhile."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def facts_of(snapshot: Path) -> Facts | None:
    """What the probe must know of the guests of this snapshot; None when their kernel does not tell its symbols."""
    try:
        name = snapshot.with_suffix(".facts").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
    return Facts.load(_facts_directory(snapshot) / Path(name).name) if name else None


def _facts_directory(snapshot: Path) -> Path:
    return snapshot.parent.parent / "probe"


async def _make(machine: Machine, final: Path, kernel_digest: str) -> None:
    memory = new_memory()
    try:
        state = await _state_of(evolve(machine, memory=memory), final, kernel_digest)
        write_atomically(final, lambda file: write_guest(file, memory, machine.memory_mib, state), 0o600)
    finally:
        os.close(memory.descriptor)


async def _state_of(machine: Machine, final: Path, kernel_digest: str) -> bytes:
    """Boot the guest and save all of it but its memory; what the probe must know of it is kept beside the snapshot."""
    qemu, agent = await boot(machine)
    try:
        await agent.settle(500)
        if machine.timing is not Timing.KVM:
            facts = await gather(agent, _facts_directory(final), kernel_digest)
            write_file(final.with_suffix(".facts"), (facts.name if facts else "").encode(), 0o600)
        await start_processors(agent, machine.processors)
        await agent.close()
        state = await save_state(qemu)
        await qemu.execute("quit")
        await qemu.exited()
    finally:
        await qemu.kill()
    return state


class _Lock(contextlib.AbstractContextManager["_Lock"]):
    """A file lock that is waited for; the kernel frees it when its owner dies."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()
