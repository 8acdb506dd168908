"""The driver's code that ran before a crash: taken from a run, and shown in ``report.txt``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from usbfuzz.coverage import Reached, reached_text

if TYPE_CHECKING:
    from harness.lane.outcome import Outcome
    from usbfuzz.triage import Report

__all__ = ["coverage_text", "functions_shown"]

_SHOWN = 12  #: functions of a driver, those with most blocks
_NAME = 32  #: columns for a function's name


def coverage_text(outcome: Outcome, report: Report) -> str:
    """``coverage.tsv`` of a run that showed ``report``: the guilty driver's functions, or those of all that bound.

    "" when it was not seen what the guest executes.
    """
    covered = outcome.covered
    if covered is None:
        return ""
    bound = {covered.drivers.get(binding.driver, "") for binding in outcome.bindings}
    guilty = (report.guilty or report.module or "").replace("-", "_")
    return reached_text(covered.reached({guilty} if guilty else bound - {""}))


def functions_shown(functions: Sequence[Reached], file: str) -> Iterator[tuple[str, list[str]]]:
    """For each driver a sentence, and lines of at most 72 columns; ``file`` has the functions that are left out."""
    for module in dict.fromkeys(function.module for function in functions):
        mine = [function for function in functions if function.module == module]
        mine.sort(key=lambda function: -function.blocks)
        blocks = sum(function.blocks for function in mine)
        most = "; those with most" if len(mine) > _SHOWN else ""
        rest = [f"and {len(mine) - _SHOWN} more: {file}"] if most else []
        sentence = f"Of {module} {_counted(blocks, 'block')} in {_counted(len(mine), 'function')} ran{most}:"
        yield sentence, [*map(_line, mine[:_SHOWN]), *rest]


def _line(it: Reached) -> str:
    name = it.function if len(it.function) <= _NAME else f"{it.function[: _NAME - 1]}…"
    return f"{name:<{_NAME}} {_counted(it.blocks, 'block'):>10}, {it.executed:,} of {it.size:,} bytes"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
