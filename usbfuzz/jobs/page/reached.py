"""What of the kernel's code a campaign reached: by module and by the source of the cases that reached it first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from attrs import field, frozen

from harness.guest.kernels import Kernel, default_cache
from harness.guest.kernels.cache import KernelStore
from harness.guest.kernels.modules import ModuleIndex
from harness.guest.kernels.objects import KernelObjects
from usbfuzz.coverage import BLOCKS_FILE, COVERAGE, Blocks, case_path, merge, read_blocks
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.reach import LANE_FILES
from usbfuzz.jobs.coverage.read import read_coverage

from .origin import strategy_of

__all__ = ["Reached", "folder_of", "kernel_here", "read_reached", "subsystems"]


@frozen
class Reached:
    """The coverage of a directory; nothing where none was kept."""

    kernel: str = ""
    blocks: int = 0
    modules: Mapping[str, int] = field(factory=dict)  #: blocks of each
    functions: Mapping[str, tuple[int, int]] = field(factory=dict)  #: of each module: that ran, that there are
    sources: Mapping[str, int] = field(factory=dict)  #: blocks by the strategy whose case reached them first
    open: int = 0  #: blocks of which no case is known to have reached them first
    problem: str = ""  #: why there is nothing, where there should be


def kernel_here(name: str) -> Kernel | None:
    """The kernel of that name if the cache has it: nothing is fetched for a page."""
    return KernelStore(default_cache()).load(name)


def subsystems(kernel: Kernel | None) -> Callable[[str], str]:
    """Says of a module which subsystem it is of, by where its file lies: "net/usb"; "" when that is not known."""
    if kernel is None:
        return lambda _: ""
    try:
        paths = ModuleIndex.read(kernel.modules).paths
    except InputError:
        return lambda _: ""
    return lambda module: folder_of(str(paths[module.replace("-", "_")])) if module.replace("-", "_") in paths else ""


def folder_of(path: str) -> str:
    """The subsystem of a source file or a module's file, two folders at most: "hid", "media/usb", "sound/usb"."""
    folders = path.rpartition("/kernel/")[2].split("/")[:-1]
    if folders[:1] == ["drivers"]:
        folders = folders[1:]
    return "/".join(folders[:2])


def read_reached(out: Path, kernel: Kernel | None, *, functions: bool) -> Reached:
    """The coverage kept in ``out``, what lanes of a campaign that runs have written included."""
    directory = out / COVERAGE
    known = [directory / BLOCKS_FILE, *sorted(directory.glob(LANE_FILES))]
    try:
        parts = [read_blocks(path) for path in known if path.is_file()]
        blocks = merge(parts) if parts else None
    except InputError as error:
        return Reached(problem=str(error))
    if blocks is None:
        return Reached()
    sources, open_ = _sources(blocks, directory / BLOCKS_FILE)
    per_module = _by_module(blocks)
    shares = _functions(blocks, kernel) if functions and kernel is not None else {}
    return Reached(blocks.kernel, len(blocks), per_module, shares, sources, open_)


def _by_module(blocks: Blocks) -> dict[str, int]:
    counts = np.bincount(blocks.rows["place"], minlength=len(blocks.places)).tolist()
    found: Counter[str] = Counter()
    for (module, _), count in zip(blocks.places, counts, strict=True):
        found[module] += count
    return dict(found)


def _functions(blocks: Blocks, kernel: Kernel) -> dict[str, tuple[int, int]]:
    try:
        coverage = read_coverage(blocks, kernel, KernelObjects.of(kernel, default_cache()))
    except InputError:
        return {}
    return {module.name: (module.reached, len(module.functions)) for module in coverage.modules if module.functions}


def _sources(blocks: Blocks, file: Path) -> tuple[dict[str, int], int]:
    owners = blocks.rows["case"]
    counts = np.bincount(owners[owners >= 0], minlength=len(blocks.cases)).tolist()
    found: Counter[str] = Counter()
    for name, count in zip(blocks.cases, counts, strict=True):
        found[strategy_of(case_path(file, name))] += count
    return dict(found), int(np.count_nonzero(owners < 0))
