"""What a corpus holds: its cases, what they reached on each kernel, and where they come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
from attrs import asdict, frozen

from usbfuzz.case.model import Case, Provenance
from usbfuzz.case.parts import weight
from usbfuzz.corpus import names_in, read_case
from usbfuzz.corpus.directory import check_corpus
from usbfuzz.corpus.kernel_files import KernelFiles, block_files
from usbfuzz.coverage import Blocks, read_blocks
from usbfuzz.errors import InputError

__all__ = ["Entry", "OnKernel", "Shown", "look"]


@frozen
class OnKernel:
    """What is known of one kernel."""

    kernel: str
    release: str
    blocks: int
    modules: int
    cases: int  #: that reached a block first
    tried: int  #: that were run and reached nothing first
    unrun: int  #: that were not run


@frozen
class Entry:
    """One case, and what it was the first to reach."""

    name: str
    title: str
    weight: int  #: bytes of descriptors and scripted answers
    origin: str  #: where it comes from
    blocks: Mapping[str, int | None]  #: how many it reached first, by kernel; None: it was not run there
    modules: Mapping[str, int]  #: the same by module, of all kernels together; first those that few cases reached


@frozen
class Shown:
    """A whole corpus."""

    directory: Path
    kernels: tuple[OnKernel, ...]
    entries: tuple[Entry, ...]  #: those that reached most first

    @property
    def weight(self) -> int:
        """Bytes of all cases."""
        return sum(entry.weight for entry in self.entries)

    def entry(self, name: str) -> Entry:
        """The case whose name begins so; raises InputError when there is none, or more than one."""
        found = [entry for entry in self.entries if entry.name.startswith(name)]
        if len(found) != 1 or not name:
            which = f"is the beginning of {len(found)} names; give more digits" if found else "is no case's name there"
            raise InputError(f"{name}: {which}; usbfuzz corpus show {self.directory} --all lists them")
        return found[0]

    def to_json(self) -> dict[str, Any]:
        """Everything, for other programs."""
        return {
            "format": 1,
            "directory": str(self.directory),
            "kernels": [asdict(kernel) for kernel in self.kernels],
            "cases": [asdict(entry) for entry in self.entries],
        }


def look(directory: Path, say: Callable[[str], None]) -> Shown:
    """Read a corpus; what cannot be used is told. Raises InputError for what is none, StorageError."""
    check_corpus(directory)
    cases: dict[str, Case] = {}
    for name in sorted(names_in(directory)):
        try:
            cases[name] = read_case(directory, name)
        except InputError as error:
            say(f"left out: {error}")
    kernels: list[tuple[Blocks, set[str]]] = []
    for path in block_files(directory):
        try:
            blocks = read_blocks(path, appended=True)
            kernels.append((blocks, KernelFiles(directory, blocks.kernel, blocks.release).read_tried()))
        except InputError as error:
            say(f"left out: {error}")
    reached = {blocks.kernel: _by_case(blocks) for blocks, _ in kernels}
    tried = {blocks.kernel: names | set(blocks.cases) for blocks, names in kernels}
    users = Counter(module for by_case in reached.values() for modules in by_case.values() for module in modules)
    entries = [_entry(name, case, reached, tried, users) for name, case in cases.items()]
    entries.sort(key=lambda entry: (-sum(filter(None, entry.blocks.values())), entry.title, entry.name))
    return Shown(directory, tuple(_on_kernel(blocks, names, cases.keys()) for blocks, names in kernels), tuple(entries))


def _on_kernel(blocks: Blocks, tried: set[str], names: AbstractSet[str]) -> OnKernel:
    owners = names & set(blocks.cases)
    ran = owners | (names & tried)
    return OnKernel(
        blocks.kernel,
        blocks.release,
        len(blocks),
        len(blocks.modules),
        len(owners),
        len(ran - owners),
        len(names - ran),
    )


def _entry(
    name: str,
    case: Case,
    reached: Mapping[str, Mapping[str, Mapping[str, int]]],
    ran: Mapping[str, set[str]],
    users: Mapping[str, int],
) -> Entry:
    modules: dict[str, int] = {}
    blocks: dict[str, int | None] = {}
    for kernel, by_case in reached.items():
        mine = by_case.get(name, {})
        blocks[kernel] = sum(mine.values()) if name in ran[kernel] else None
        for module, count in mine.items():
            modules[module] = modules.get(module, 0) + count
    rarest = sorted(modules.items(), key=lambda item: (users[item[0]], -item[1], item[0]))
    return Entry(name, _title(case), weight(case), _origin(case.provenance), blocks, dict(rarest))


def _by_case(blocks: Blocks) -> dict[str, dict[str, int]]:
    """How many blocks of each module each case reached first."""
    found: dict[str, dict[str, int]] = {}
    pairs, counts = np.unique(blocks.rows[["case", "place"]], return_counts=True)
    for (case, place), count in zip(pairs.tolist(), counts.tolist(), strict=True):
        if case >= 0:
            modules = found.setdefault(blocks.cases[case], {})
            module = blocks.places[place][0]
            modules[module] = modules.get(module, 0) + count
    return found


def _title(case: Case) -> str:
    return case.title or ", ".join(device.name for device in case.devices)


def _origin(provenance: Provenance) -> str:
    """What made the case, and which one of it: ``audio, seed 7, case 412``; else its source."""
    seed = f"seed {provenance.seed}, case {provenance.index}" if provenance.seed is not None else ""
    return ", ".join(filter(None, (provenance.strategy or provenance.source, seed)))
