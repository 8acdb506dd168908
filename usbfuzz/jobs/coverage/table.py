"""Coverage in a terminal."""

from __future__ import annotations

from rich.table import Column, Table
from rich.text import Text

from .modules import ModuleCoverage
from .read import Coverage

__all__ = ["functions_table", "modules_table", "percent", "share", "summary"]


def percent(part: int, whole: int) -> str:
    """``37 %``; a share is 100 % only when nothing is missing, and 0 % only when there is nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    return f"{min(max(round(share), 1 if part else 0), 100 if part == whole else 99)} %"


def share(part: int, whole: int) -> str:
    """``12 of 48 (25 %)``; only the part where the whole is not known."""
    return f"{part:,} of {whole:,} ({percent(part, whole)})" if whole else f"{part:,}"


def summary(coverage: Coverage) -> str:
    """One line: how much of what there is."""
    known = [module for module in coverage.modules if module.functions]
    reached, functions = sum(module.reached for module in known), sum(len(module.functions) for module in known)
    parts = [
        f"{share(coverage.loadable, coverage.there)} modules",
        f"{share(reached, functions)} of their functions",
        f"{sum(module.blocks for module in coverage.modules):,} blocks",
        f"{len(coverage.blocks.cases):,} cases that reached something first",
    ]
    return f"{coverage.blocks.kernel}: {', '.join(parts)}"


def modules_table(modules: tuple[ModuleCoverage, ...]) -> Table:
    """A module a row, those with the most functions reached first."""
    table = Table("module", *(_right(title) for title in ("functions reached", "blocks", "bytes executed")))
    for module in sorted(modules, key=lambda module: (-module.reached, module.name)):
        functions = share(module.reached, len(module.functions)) if module.functions else "-"
        bytes_ = share(module.covered, module.size) if module.functions else "-"
        table.add_row(Text(module.name), functions, f"{module.blocks:,}", bytes_)
    return table


def functions_table(module: ModuleCoverage) -> Table:
    """A function a row, in the order of the module's code."""
    table = Table("", f"function of {module.name}", *map(_right, ("bytes executed", "hits")), "case that reached it")
    for function in module.functions:
        mark = "[green]✓[/]" if function.covered else "[dim]·[/]"
        hits = f"{function.hits:,}" if function.covered else ""
        bytes_ = share(function.covered, function.size)
        table.add_row(mark, Text(function.name), bytes_, hits, Text(function.case))
    return table


def _right(title: str) -> Column:
    return Column(title, justify="right")
