"""Every cell gets its finding, also when the workers that run the cells fail."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve

from usbfuzz.errors import CaseError
from usbfuzz.jobs.regress.matrix import Cell, Column, Entry, Status
from usbfuzz.jobs.regress.runner import CellRunner

from .cells import CASE, column
from .pretend import BOOTS_NOT, DIES, LATE, PROGRAM


@pytest.fixture(autouse=True)
def _python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))


def _entry(title: str, *kernel_params: str) -> Entry:
    case = evolve(CASE, title=title, guest=evolve(CASE.guest, kernel_params=kernel_params))
    return Entry(Path(f"{title}.toml"), title, case)


def _run(cells: Sequence[Cell], lanes: int = 1) -> list[str]:
    """What was said while the cells ran; each must be announced once."""
    done: list[Cell] = []
    said: list[str] = []
    runner = CellRunner(cells, lanes, 5.0, bless=False, on_cell=done.append, on_progress=said.append, program=PROGRAM)
    asyncio.run(runner.run())
    assert sorted(map(id, done)) == sorted(map(id, cells))
    return said


def test_cells_that_need_the_same_guest_run_one_after_another() -> None:
    on = column()
    cells = [Cell(_entry(f"mouse {number}", *params), on) for number in range(3) for params in ((), ("quiet",))]
    assert _run(cells) == [f"{on.name}: booting a pretended kernel"] * 2
    assert {cell.status for cell in cells} == {Status.NEW}


def test_lanes_share_the_cells() -> None:
    cells = [Cell(_entry(f"mouse {number}"), column()) for number in range(6)]
    assert len(_run(cells, lanes=2)) == 2
    assert {cell.status for cell in cells} == {Status.NEW}


def test_a_cell_that_kills_its_workers_is_an_error_and_the_others_run() -> None:
    on = column()
    cells = [Cell(_entry(title), on) for title in ("mouse", DIES, "keyboard")]
    _run(cells)
    assert [cell.status for cell in cells] == [Status.NEW, Status.ERROR, Status.NEW]
    assert str(cells[1].error) == "its worker died: no memory left"


def test_a_kernel_that_does_not_boot_loses_all_its_cells() -> None:
    bad, good = column("debian:5.10.1-1"), column()
    cells = [Cell(_entry(BOOTS_NOT), bad), Cell(_entry("mouse"), bad), Cell(_entry("mouse"), good)]
    _run(cells)
    assert [cell.status for cell in cells] == [Status.ERROR, Status.ERROR, Status.NEW]
    assert str(bad.error) == "the kernel panicked"


def test_parameters_that_do_not_boot_lose_the_cells_that_need_them() -> None:
    on = column()
    cells = [Cell(_entry(BOOTS_NOT, "bad"), on), Cell(_entry("mouse", "bad"), on), Cell(_entry("mouse"), on)]
    _run(cells)
    assert [cell.status for cell in cells] == [Status.ERROR, Status.ERROR, Status.NEW]
    assert on.error is None


def test_runs_that_take_too_long_are_an_error_that_names_the_option() -> None:
    cells = [Cell(_entry(LATE), column())]
    _run(cells)
    assert str(cells[0].error) == "its runs took longer than 5 s (--timeout)"


def test_what_cannot_be_run_is_concluded_without_a_worker() -> None:
    broken = Entry(Path("broken.toml"), "broken", error=CaseError("broken.toml:1: no"))
    cells = [Cell(broken, column()), Cell(_entry("mouse"), Column("tree:/nowhere", error=CaseError("no such tree")))]
    assert _run(cells) == []
    assert {cell.status for cell in cells} == {Status.ERROR}
