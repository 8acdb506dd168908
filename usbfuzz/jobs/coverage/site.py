"""A report of pages: all of them, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from usbfuzz.coverage import Blocks

from . import code, listing
from .read import Coverage
from .sources import FileCoverage
from .tree import Folder, tree

__all__ = ["pages"]

_NAMED = 8  #: modules that the page of a case names


def pages(
    coverage: Coverage, files: Sequence[FileCoverage], case_path: Callable[[str], Path]
) -> Iterator[tuple[str, bytes]]:
    """Path and content of each page; ``case_path`` says where the file of a case is."""
    top = tree(files)
    yield listing.index(coverage, top).written()
    yield from (listing.folder(folder).written() for folder in _folders(top))
    places = {
        (found.module, found.function.section, found.function.offset): (file.path, found.line)
        for file in files
        for found in file.functions
        if file.covered
    }
    for module in coverage.modules:
        yield listing.module(module, places).written()
    for file in files:
        if file.covered:
            source = coverage.objects.source
            text = code.source_lines(source, file.path) if source else None
            yield code.file(file, text, coverage.blocks.cases).written()
    reached = _reached(coverage.blocks)
    for name in coverage.blocks.cases:
        yield code.case(name, case_path(name), reached.get(name, ())).written()


def _folders(top: Folder) -> Iterator[Folder]:
    for folder in top.folders.values():
        yield folder
        yield from _folders(folder)


def _reached(blocks: Blocks) -> dict[str, list[str]]:
    """The modules of which each case reached blocks first, those with most of them first."""
    counts: dict[str, Counter[str]] = {}
    for block in blocks:
        if block.case:
            counts.setdefault(block.case, Counter())[block.module] += 1
    found = {}
    for name, modules in counts.items():
        most = [f"{module} ({count})" for module, count in modules.most_common(_NAMED)]
        found[name] = [*most, "…"] if len(modules) > _NAMED else most
    return found
