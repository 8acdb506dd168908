"""Whether what a campaign reached and learned can be read, and every case that is named there is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from strategies.learning.learned import load_all
from usbfuzz.case import load
from usbfuzz.corpus import names_in, read_case
from usbfuzz.corpus.entries import strangers_in
from usbfuzz.corpus.kernel_files import kernels_in
from usbfuzz.coverage import BLOCKS_FILE, CASES, case_path, read_blocks
from usbfuzz.errors import CaseError, UsbfuzzError
from usbfuzz.jobs.campaign.reach import LANE_FILES

__all__ = ["corpus_findings", "coverage_findings", "lesson_findings"]


def corpus_findings(directory: Path) -> tuple[int, list[str]]:
    """How many cases are in a corpus, and what is wrong with it."""
    names = names_in(directory)
    found = []
    for name in sorted(names):
        try:
            read_case(directory, name)
        except CaseError as error:
            found.append(str(error))
    found += [f"{directory / CASES / stranger}: is no case of a corpus" for stranger in strangers_in(directory)]
    try:
        for files, blocks in kernels_in(directory):
            files.read_tried()
            files.read_smallest()
            lost = sorted({block.case for block in blocks if block.case} - names)
            found += [f"{files.blocks}: names a case that is not there: {name}" for name in lost]
    except UsbfuzzError as error:
        found.append(str(error))
    return len(names), found


def coverage_findings(directory: Path) -> Iterator[str]:
    """What is wrong with the coverage of a campaign."""
    files = [directory / BLOCKS_FILE, *sorted(directory.glob(LANE_FILES))]
    for file in files:
        if not file.exists():
            continue
        try:
            cases = sorted({block.case for block in read_blocks(file) if block.case})
        except UsbfuzzError as error:
            yield str(error)
            continue
        for case in cases:
            try:
                load(case_path(file, case))
            except CaseError as error:
                yield f"{file}: names a case that cannot be read: {error}"


def lesson_findings(directory: Path) -> list[str]:
    """What is wrong with what was learned."""
    problems: list[str] = []
    load_all(directory, problems)
    return problems
