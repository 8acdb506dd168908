"""Which guest a snapshot is of, and that the cache of them stays small."""

from __future__ import annotations

import os
from pathlib import Path

from attrs import evolve

from harness.guest.qemu import Machine, Timing
from harness.guest.snapshot import prune, snapshot_key

MACHINE = Machine(Path("/k"), Path("/i"), "", Path("/run/here"), Timing.WARP)


def test_the_snapshots_unused_for_longest_go_first(tmp_path: Path) -> None:
    for age in range(5):
        for suffix in (".guest", ".lock"):
            path = tmp_path / f"{age}{suffix}"
            path.write_bytes(b"")
            os.utime(path, (1000 - age, 1000 - age))
    prune(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.guest", "0.lock", "1.guest", "1.lock"]


def test_a_snapshot_that_another_process_deletes_meanwhile_is_no_error(tmp_path: Path) -> None:
    for age in range(3):
        (tmp_path / f"{age}.guest").write_bytes(b"")
    (tmp_path / "gone.guest").symlink_to(tmp_path / "nowhere")  # is listed, and has no time
    prune(tmp_path, keep=2)
    assert len(list(tmp_path.iterdir())) == 2


def test_few_snapshots_all_stay(tmp_path: Path) -> None:
    (tmp_path / "a.guest").write_bytes(b"")
    prune(tmp_path)
    assert (tmp_path / "a.guest").exists()


def test_snapshots_of_earlier_versions_go(tmp_path: Path) -> None:
    (tmp_path / "a.qcow2").write_bytes(b"")
    prune(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_snapshot_is_of_a_machine_wherever_its_files_are_and_however_much_code_qemu_keeps() -> None:
    key = snapshot_key(MACHINE, "kernel", "image")
    assert key == snapshot_key(evolve(MACHINE, code_mib=16, run_dir=Path("/run/there")), "kernel", "image")
    assert key != snapshot_key(evolve(MACHINE, memory_mib=1024), "kernel", "image")
