"""Where the code lies that is aimed at, so that a block can be told to be of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping

from attrs import frozen

from harness.guest.kernels.objects import KernelObjects
from usbfuzz.coverage import Block
from usbfuzz.coverage.blocks import Place
from usbfuzz.jobs.coverage.modules import is_counted

from .model import Aim

__all__ = ["AimedCode"]


@frozen
class AimedCode:
    """The functions that are aimed at, by place. Made by :meth:`of`."""

    shares: Mapping[str, float]  #: of the drivers, as the aim has them
    _ranges: Mapping[Place, tuple[list[int], list[int]]]  #: where functions begin, growing, and where they end

    @classmethod
    def of(cls, aim: Aim, objects: KernelObjects) -> AimedCode:
        """Where the functions are. Raises KernelError for a module that is damaged."""
        ranges: dict[Place, tuple[list[int], list[int]]] = {}
        for module in aim.functions:
            for function in objects.functions(module):
                if is_counted(function.section) and aim.wants(module, function.name):
                    starts, ends = ranges.setdefault((module, function.section), ([], []))
                    starts.append(function.offset)
                    ends.append(function.offset + function.size)
        return cls(aim.shares, ranges)

    def count(self, blocks: Iterable[Block]) -> int:
        """How many blocks begin in these functions."""
        return sum(map(self._holds, blocks))

    def _holds(self, block: Block) -> bool:
        starts, ends = self._ranges.get((block.module, block.section), ([], []))
        within = bisect_right(starts, block.offset) - 1
        return within >= 0 and block.offset < ends[within]
