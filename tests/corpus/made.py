"""Cases and blocks for the tests of corpora."""

from __future__ import annotations

from collections.abc import Iterable

from tests.campaign.pretend import case
from usbfuzz.case.model import Case
from usbfuzz.corpus import name_of
from usbfuzz.coverage import Block, Blocks

__all__ = ["KERNEL", "RELEASE", "blocks", "case", "names", "numbers"]

KERNEL, RELEASE = "debian:5.10.223-1", "5.10.0-32-made"


def blocks(numbers: Iterable[int], kernel: str = KERNEL, release: str = RELEASE, owner: str = "") -> Blocks:
    """The blocks with these numbers; half of them lie in another module."""
    some = (Block(f"module_{number % 2}", ".text", 16 * number, 8, 1 + number, owner) for number in numbers)
    return Blocks.of(kernel, release, some)


def numbers(of: Blocks) -> set[int]:
    """The numbers of blocks that :func:`blocks` made."""
    return {block.offset // 16 for block in of}


def names(cases: Iterable[Case]) -> set[str]:
    """The names that a corpus gives to cases."""
    return {name_of(some) for some in cases}
