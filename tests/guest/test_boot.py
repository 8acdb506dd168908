"""Guests that do not come up, accelerators that do not run, and QEMUs that abort."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from harness.guest import accel
from harness.guest.accel import kvm_verdict
from harness.guest.emulators import Emulator
from harness.guest.process import Qemu
from harness.guest.qemu import Machine, Timing
from harness.guest.rundir import RunDir
from harness.guest.snapshot import boot
from harness.lane.lane import Lane
from usbfuzz.errors import BootError, QemuError

from .processes import alive, qemus
from .wrapped import script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.lane.config import LaneConfig

MACHINE = Machine(Path("/k"), Path("/i"), "", Path("/r"), Timing.KVM)


@pytest.fixture
def cores_are_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


@pytest.mark.usefixtures("cores_are_dumped")
def test_a_qemu_that_aborts_leaves_no_core_in_the_users_directory(tmp_path: Path) -> None:
    qemu = script(tmp_path / "qemu", "ulimit -c; kill -ABRT $$")
    with pytest.raises(QemuError, match=r"exited with status SIGABRT: 0$"):
        asyncio.run(Qemu.start(evolve(MACHINE, run_dir=tmp_path, emulator=Emulator(qemu))))


def test_a_qemu_that_never_greets_us_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.guest.process._START_TIMEOUT", 0.5)
    qemu = script(tmp_path / "qemu", "echo $$; exec sleep 60")
    machine = evolve(MACHINE, run_dir=tmp_path, emulator=Emulator(qemu))
    with pytest.raises(QemuError, match=r"qemu: no QMP greeting within 0 s; see .*qemu\.log"):
        asyncio.run(Qemu.start(machine))
    assert not alive(int(machine.log.read_text()))


def test_a_kvm_that_hangs_is_found_out_once_and_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guest that never gets ready stands for a nested KVM that hangs at its first instruction."""
    device = tmp_path / "kvm"
    device.write_bytes(b"")
    qemu = script(tmp_path / "qemu", "exec sleep 60")
    machine = evolve(MACHINE, emulator=Emulator(qemu))
    monkeypatch.setattr("harness.guest.process._START_TIMEOUT", 0.5)
    started = asyncio.run(kvm_verdict(machine, tmp_path, kvm=device))
    assert "a guest does not boot with it" in started
    monkeypatch.setattr(accel, "_prove", None)  # would fail if it were called again
    assert asyncio.run(kvm_verdict(machine, tmp_path, kvm=device)) == started


def test_a_kvm_without_permission_says_which_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path / "kvm"
    device.write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "join the group kvm" in asyncio.run(kvm_verdict(MACHINE, tmp_path, kvm=device))


async def _boot_and_fail(config: LaneConfig, params: str, seconds: float) -> None:
    with RunDir() as run_dir:
        machine = config.machine(run_dir.path)
        await boot(evolve(machine, command_line=f"{machine.command_line} {params}"), seconds)


@pytest.mark.guest
def test_a_kernel_that_panics_at_boot_is_a_boot_error_with_its_own_words(guest: Callable[..., LaneConfig]) -> None:
    with pytest.raises(BootError, match=r"did not boot: (QEMU exited|the kernel panicked).*kernel panic: VFS"):
        asyncio.run(_boot_and_fail(guest("debian:bookworm"), "rdinit=/nowhere", 120))


@pytest.mark.guest
def test_an_image_that_never_gets_ready_is_given_up_in_time(guest: Callable[..., LaneConfig]) -> None:
    with pytest.raises(BootError, match="no ready agent within 4 s"):
        asyncio.run(_boot_and_fail(guest("debian:bookworm"), "rdinit=/bin/sh", 4))


@pytest.mark.guest
def test_a_qemu_killed_in_the_middle_is_no_crash_and_the_lane_goes_on(guest: Callable[..., LaneConfig]) -> None:
    asyncio.run(_kill_in_the_middle(guest("debian:bookworm")))


@pytest.mark.guest
def test_a_qemu_that_does_not_get_to_load_its_guest_is_ended(
    guest: Callable[..., LaneConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(_load_too_slowly(guest("debian:5.10.223"), monkeypatch))


async def _load_too_slowly(config: LaneConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = await Lane.open(config)
    try:
        monkeypatch.setattr("harness.guest.saved._STATE_S", 0.0)
        with pytest.raises(QemuError, match=r"\.guest: not loaded within 0 s; see "):
            await lane.restore()
        assert not qemus()
    finally:
        await lane.close()


async def _kill_in_the_middle(config: LaneConfig) -> None:
    lane = await Lane.open(config)
    try:
        os.kill(lane.pid, 9)
        with pytest.raises(QemuError):
            await lane.agent.ping()
        await lane.restore()
        assert await lane.agent.ping("back") == "back"
    finally:
        await lane.close()
