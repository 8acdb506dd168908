"""How time passes in guests: what each mode means, with KVM and without, and what the user is told of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from harness.guest import accel
from harness.guest.accel import choose, choose_timing
from harness.guest.qemu import Machine, Mode, Timing
from usbfuzz.errors import QemuError

MACHINE = Machine(Path("/k"), Path("/i"), "", Path("/r"), Timing.KVM)
NO_KVM = "/dev/kvm does not exist"


@pytest.mark.parametrize(
    ("mode", "with_kvm", "without"),
    [
        (Mode.AUTO, Timing.WARP, Timing.WARP),
        (Mode.WARP, Timing.WARP, Timing.WARP),
        (Mode.REALTIME, Timing.KVM, Timing.TCG),
    ],
)
def test_kvm_is_used_only_where_real_time_is_asked_for(mode: Mode, with_kvm: Timing, without: Timing) -> None:
    assert choose(mode, "", probed=True).timing is with_kvm
    assert choose(mode, NO_KVM, probed=True).timing is without


def test_who_asks_for_kvm_gets_it_or_is_told_why_not() -> None:
    assert choose(Mode.KVM, "", probed=False).timing is Timing.KVM
    with pytest.raises(QemuError, match=f"KVM cannot be used: {NO_KVM}; --mode realtime emulates then"):
        choose(Mode.KVM, NO_KVM, probed=False)


def test_the_line_says_what_was_chosen_and_why() -> None:
    assert str(choose(Mode.AUTO, "", probed=True)) == (
        "warped time, emulated: finds more, as it plugs about 97 devices/s a core where real time on KVM plugs 14, "
        "and shows what the guest executes"
    )
    assert str(choose(Mode.AUTO, "", probed=False)).endswith("plugs 14")
    assert str(choose(Mode.WARP, "", probed=True)) == "warped time, emulated: asked for"
    assert str(choose(Mode.REALTIME, "", probed=True)) == "real time, on KVM: a guest boots with it here"
    assert str(choose(Mode.REALTIME, NO_KVM, probed=True)) == f"real time, emulated: KVM cannot be used: {NO_KVM}"


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.WARP])
def test_kvm_is_not_tried_out_where_it_would_not_be_used(
    mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accel, "kvm_verdict", None)  # would fail if it were called
    said: list[str] = []
    assert asyncio.run(choose_timing(mode, MACHINE, tmp_path, said.append)) is Timing.WARP
    assert len(said) == 1


def test_real_time_without_kvm_is_emulated_in_real_time_and_one_line_says_why(tmp_path: Path) -> None:
    said: list[str] = []
    missing = tmp_path / "kvm"
    assert asyncio.run(choose_timing(Mode.REALTIME, MACHINE, tmp_path, said.append, kvm=missing)) is Timing.TCG
    assert said == [f"real time, emulated: KVM cannot be used: {missing} does not exist"]
