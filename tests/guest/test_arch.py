"""A guest of another architecture differs in what its record says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from attrs import evolve

from harness.guest.accel import kvm_verdict
from harness.guest.command_line import kernel_command_line
from harness.guest.image.programs import AGENT
from harness.guest.qemu import Machine, Timing, qemu_argv
from usbfuzz.arch import DEFAULT
from usbfuzz.errors import InfraError

NOWHERE = Path("/nowhere")


#: An architecture that no record describes.
OTHER = evolve(
    DEFAULT,
    name="vax",
    uname="vax",
    emulation=evolve(DEFAULT.emulation, qemu="qemu-system-vax", machine="vax780", cpu_tcg="ka780"),
    command_line=evolve(DEFAULT.command_line, console="console=ttyVAX0", nmi_panic="", trusted_clock=""),
)


def test_what_differs_between_architectures_comes_from_the_record() -> None:
    machine = Machine(NOWHERE, NOWHERE, "", NOWHERE, Timing.TCG, arch=OTHER)
    argv = qemu_argv(machine)
    assert argv[0] == "qemu-system-vax"
    assert {"vax780", "ka780"} <= set(argv)
    words = kernel_command_line(Timing.WARP, arch=OTHER).split()
    assert words[0] == "console=ttyVAX0"
    assert "" not in words


def test_kvm_runs_no_guest_of_another_architecture(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    machine = Machine(NOWHERE, NOWHERE, "", NOWHERE, Timing.KVM, arch=OTHER)
    assert asyncio.run(kvm_verdict(machine, tmp_path, kvm=device)).endswith("the guest vax")


def test_another_machines_guests_are_built_by_its_cross_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InfraError, match=f"no C compiler '{OTHER.gnu}-gcc'"):
        AGENT.binary(tmp_path, OTHER)
    assert AGENT.digest(OTHER) != AGENT.digest()
