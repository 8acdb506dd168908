"""A whole regression: prepare the kernels, run the cells, record when told to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import evolve, field, frozen

from harness.guest.probe.probing import Heap, Probing
from harness.guest.qemu import Mode
from harness.guest.rundir import RunDir, sweep
from harness.guest.snapshot import snapshot_key
from harness.lane.prepare import prepare
from harness.workers.procs import usable_cores
from harness.workers.worker import Program
from usbfuzz.errors import InputError, UsbfuzzError

from .matrix import Cell, Column, Entry, Matrix
from .messages import Done, Job, Stuck, WorkerStart
from .runner import HERE, CellRunner

__all__ = ["CELL_SECONDS", "RegressOptions", "run_regress", "snapshots_key"]

CELL_SECONDS = 180.0  #: wall time for the runs of one cell, unless the user says otherwise


@frozen
class RegressOptions:
    """What ``usbfuzz regress`` was asked for."""

    kernels: tuple[str, ...]
    lanes: int = field(factory=usable_cores)
    mode: Mode = Mode.AUTO
    kernel_params: tuple[str, ...] = ()
    smp: int | None = None  #: virtual processors; None: what a case needs, else one
    seconds: float = CELL_SECONDS  #: wall time for the runs of one cell, without booting
    firmware: Path | None = None  #: a directory like /lib/firmware
    bless: bool = False  #: run each cell often enough to record what it does


async def run_regress(
    options: RegressOptions,
    entries: tuple[Entry, ...],
    *,
    on_cell: Callable[[Cell], None] = lambda _: None,
    on_progress: Callable[[str], None] = lambda _: None,
    program: Program[WorkerStart, Job, Done | Stuck] = HERE,
) -> Matrix:
    """Run every case on every kernel. What keeps a row or a column from running is in the matrix, and the rest goes on.

    ``program`` is how and where workers are started. Raises InputError when there is no kernel, InfraError when no
    worker can be started.
    """
    started = time.monotonic()
    sweep()
    columns = await _columns(options, on_progress)
    matrix = Matrix.of(entries, columns)
    await CellRunner(matrix.cells, options.lanes, options.seconds, options.bless, on_cell, on_progress, program).run()
    matrix.seconds = time.monotonic() - started
    return matrix


async def snapshots_key(
    options: RegressOptions, entries: tuple[Entry, ...], *, on_progress: Callable[[str], None] = lambda _: None
) -> str:
    """``snapshots-`` and 16 hex digits that change when :func:`run_regress` boots another guest, and only then.

    Kernels are fetched and images made where the cache lacks them; nothing is booted. Raises what keeps a case or a
    kernel from running, and InputError when there is no kernel.
    """
    columns = await _columns(options, on_progress)
    errors = [*(entry.error for entry in entries), *(column.error for column in columns)]
    if error := next(filter(None, errors), None):
        raise error
    cases = [entry.case for entry in entries if entry.case is not None]
    configs = {column.config.for_case(case) for column in columns if column.config is not None for case in cases}
    with RunDir() as run_dir:
        keys = {
            snapshot_key(config.machine(run_dir.path), config.kernel.digest, config.image.digest) for config in configs
        }
    return f"snapshots-{hashlib.sha256(''.join(sorted(keys)).encode()).hexdigest()[:16]}"


async def _columns(options: RegressOptions, on_progress: Callable[[str], None]) -> tuple[Column, ...]:
    """The kernels, each once, in the order given; those that cannot be had with the reason."""
    if not options.kernels:
        raise InputError("no kernel to run on; give at least one --kernel")
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
            processors=options.smp,
            probing=Probing(coverage=False, heap=Heap.WARN),
            on_progress=on_progress,
        )
    except UsbfuzzError as error:
        on_progress(f"{spec}: {error}")
        return Column(spec, error=error)
    firmware = None if options.firmware is None else options.firmware.resolve()
    return Column(spec, evolve(config, firmware=firmware))


def _names(columns: Sequence[Column]) -> set[str]:
    return {column.name for column in columns}
