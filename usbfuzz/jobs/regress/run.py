"""A whole regression: prepare the kernels, run the cells, record when told to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from attrs import field, frozen

from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.guest.rundir import sweep
from harness.lane.prepare import prepare
from harness.workers.procs import usable_cores
from usbfuzz.errors import InputError, UsbfuzzError

from .matrix import Cell, Column, Entry, Matrix
from .runner import CellRunner

__all__ = ["CELL_SECONDS", "RegressOptions", "run_regress"]

CELL_SECONDS = 180.0  #: wall time for the runs of one cell, unless the user says otherwise


@frozen
class RegressOptions:
    """What ``usbfuzz regress`` was asked for."""

    kernels: tuple[str, ...]
    lanes: int = field(factory=usable_cores)
    mode: Mode = Mode.AUTO
    kernel_params: tuple[str, ...] = ()
    seconds: float = CELL_SECONDS  #: wall time for the runs of one cell, without booting
    bless: bool = False  #: run each cell often enough to record what it does


async def run_regress(
    options: RegressOptions,
    entries: tuple[Entry, ...],
    *,
    on_cell: Callable[[Cell], None] = lambda _: None,
    on_progress: Callable[[str], None] = lambda _: None,
) -> Matrix:
    """Run every case on every kernel. What keeps a row or a column from running is in the matrix, and the rest goes on.

    Raises InputError when there is no kernel, InfraError when no worker can be started.
    """
    if not options.kernels:
        raise InputError("no kernel to run on; give at least one --kernel")
    started = time.monotonic()
    sweep()
    columns = await _columns(options, on_progress)
    matrix = Matrix.of(entries, columns)
    await CellRunner(matrix.cells, options.lanes, options.seconds, options.bless, on_cell, on_progress).run()
    matrix.seconds = time.monotonic() - started
    return matrix


async def _columns(options: RegressOptions, on_progress: Callable[[str], None]) -> tuple[Column, ...]:
    """The kernels, each once, in the order given; those that cannot be had with the reason."""
    columns: list[Column] = []
    for spec in dict.fromkeys(options.kernels):
        column = await _column(spec, options, on_progress)
        if column.name not in _names(columns):
            columns.append(column)
    return tuple(columns)


async def _column(spec: str, options: RegressOptions, on_progress: Callable[[str], None]) -> Column:
    try:
        config = await prepare(
            spec,
            mode=options.mode,
            kernel_params=options.kernel_params,
            probing=Probing(coverage=False, heap=Heap.WARN),
            on_progress=on_progress,
        )
    except UsbfuzzError as error:
        on_progress(f"{spec}: {error}")
        return Column(spec, error=error)
    return Column(spec, config)


def _names(columns: Sequence[Column]) -> set[str]:
    return {column.name for column in columns}
