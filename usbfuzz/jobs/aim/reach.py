"""What of that which is aimed at was reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import asdict, frozen
from rich.table import Column, Table
from rich.text import Text

from harness.guest.kernels.objects import KernelObjects
from usbfuzz.coverage import Blocks
from usbfuzz.jobs.coverage.modules import FunctionCoverage, module_coverage
from usbfuzz.jobs.coverage.table import share

from .code import AimedCode
from .model import Aim

__all__ = ["Aimed", "Reach", "aimed_table", "reach"]


@frozen
class Aimed:
    """A function that is aimed at."""

    module: str
    function: FunctionCoverage


@frozen
class Reach:
    """All that is aimed at, and what was executed of it."""

    aim: Aim
    functions: tuple[Aimed, ...]  #: by module, in the order of its code
    blocks: int  #: of them that were executed

    @property
    def never(self) -> tuple[Aimed, ...]:
        """The functions of which nothing was executed."""
        return tuple(aimed for aimed in self.functions if not aimed.function.covered)

    def __str__(self) -> str:
        """``aimed at 12 functions of 1 module (sound/usb/clock.c): 9 of 12 (75 %) reached, 118 blocks, …``."""
        modules = len({aimed.module for aimed in self.functions})
        total = len(self.functions)
        size = sum(aimed.function.size for aimed in self.functions)
        covered = sum(aimed.function.covered for aimed in self.functions)
        return (
            f"aimed at {total:,} function{'s' * (total != 1)} of {modules:,} module{'s' * (modules != 1)} "
            f"({self.aim.wanted}): {share(total - len(self.never), total)} reached, {self.blocks:,} blocks, "
            f"{share(covered, size)} bytes"
        )

    def as_data(self) -> dict[str, Any]:
        """The same as plain data."""
        functions = [{"module": aimed.module, **asdict(aimed.function)} for aimed in self.functions]
        return {"at": str(self.aim.wanted), "blocks": self.blocks, "functions": functions}

    def never_reached(self, most: int) -> Iterator[str]:
        """The functions of which nothing was executed: the ``most`` largest, by module, and how many more there are."""
        largest = sorted(self.never, key=lambda aimed: -aimed.function.size)[:most]
        for module in sorted({aimed.module for aimed in largest}):
            yield f"{module}: {', '.join(aimed.function.name for aimed in largest if aimed.module == module)}"
        if more := len(self.never) - len(largest):
            yield f"and {more:,} more"


def reach(aim: Aim, blocks: Blocks, objects: KernelObjects) -> Reach:
    """What ``blocks`` say of the functions that are aimed at. Raises KernelError for a module that is damaged."""
    found: list[Aimed] = []
    for module in sorted(aim.functions):
        covered = module_coverage(blocks, module, objects.functions(module)).functions
        found += (Aimed(module, function) for function in covered if aim.wants(module, function.name))
    return Reach(aim, tuple(found), AimedCode.of(aim, objects).count(blocks))


def aimed_table(reach: Reach) -> Table:
    """A function a row, in the order of the code."""
    right = (Column(title, justify="right") for title in ("bytes executed", "hits"))
    table = Table("", "module", "function aimed at", *right, "case that reached it")
    for aimed in reach.functions:
        function = aimed.function
        mark = "[green]✓[/]" if function.covered else "[dim]·[/]"
        hits = f"{function.hits:,}" if function.covered else ""
        executed = share(function.covered, function.size)
        table.add_row(mark, Text(aimed.module), Text(function.name), executed, hits, Text(function.case))
    return table
