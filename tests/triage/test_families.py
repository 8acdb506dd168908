"""Reports of each family get their title, with every prefix a kernel may print before each line."""

from __future__ import annotations

import pytest

from usbfuzz.triage import extract

from .arm_examples import ARMS
from .check_examples import LOCKING, MEMORY, OTHERS, SANITIZERS
from .logs import STYLES, styled
from .machine_examples import MACHINES
from .oops_examples import FAULTS, HANGS, WARNINGS
from .probe_examples import PROBED

EXAMPLES = {
    example.name: example
    for family in (FAULTS, WARNINGS, HANGS, SANITIZERS, LOCKING, MEMORY, OTHERS, ARMS, MACHINES, PROBED)
    for example in family
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_report_is_named_whatever_the_line_prefix(name: str, style: str) -> None:
    example = EXAMPLES[name]
    first, *others = extract(styled(example.lines, style))
    assert (first.title, first.type, first.corruption) == (example.title, example.kind, "")
    assert not others


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_report_blames_a_module_and_a_file(name: str) -> None:
    example = EXAMPLES[name]
    report = extract(styled(example.lines))[0]
    assert report.module == example.module
    assert example.file is None or report.file == example.file
    assert not report.suppressed


def test_no_two_examples_share_a_title_by_accident() -> None:
    titles = [example.title for example in EXAMPLES.values()]
    assert len(titles) - len(set(titles)) == 0
