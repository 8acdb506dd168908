"""The blocks that are known of one kernel, each with the case that reached it first: quick to ask and to add to."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterator
from typing import Any

import numpy as np
from attrs import define, field
from numpy.typing import NDArray

from usbfuzz.coverage import Block, Blocks
from usbfuzz.coverage.blocks import ROW, Place

__all__ = ["Known", "block_of", "key_of", "keys_of"]

_SIZE_BITS = 20  #: of a key: a block's offset in its section, with its size behind

_First = tuple[str, int]  #: the case that reached a block first, and how often it ran it


@define(eq=False)
class Known:
    """Blocks of one kernel; each belongs to a case."""

    kernel: str
    release: str
    _first: dict[Place, dict[int, _First]] = field(factory=dict, init=False)
    _owned: dict[str, int] = field(factory=dict, init=False)  #: how many blocks are a case's

    def __len__(self) -> int:
        return sum(self._owned.values())

    @property
    def owners(self) -> Collection[str]:
        """The cases that reached a block first."""
        return self._owned.keys()

    def lacking(self, blocks: Blocks) -> Blocks:
        """Those of the blocks that are not known."""
        new = [key not in self._first.get(place, ()) for place, keys, _ in _placed(blocks) for key in keys]
        rows = blocks.rows[np.array(new, bool)]
        return Blocks.from_rows(blocks.kernel, blocks.release, blocks.places, blocks.cases, rows)

    def learn(self, blocks: Blocks, case: str = "", *, only: Container[str] | None = None) -> None:
        """Note blocks as reached by ``case``, or by the cases that they name; what is known stays as it is.

        Blocks that then are no case's, or none's of ``only``, are left out.
        """
        for place, keys, rows in _placed(blocks):
            known = self._first.setdefault(place, {})
            for key, hits, number in zip(keys, rows["hits"].tolist(), rows["case"].tolist(), strict=True):
                name = case or (blocks.cases[number] if number >= 0 else "")
                if name and key not in known and (only is None or name in only):
                    known[key] = (name, hits)
                    self._owned[name] = self._owned.get(name, 0) + 1

    def blocks(self) -> Blocks:
        """All of them."""
        places = tuple(place for place, known in self._first.items() if known)
        cases = tuple(self._owned)
        number = {name: index for index, name in enumerate(cases)}
        rows = np.fromiter(
            (
                (index, key >> _SIZE_BITS, key & ((1 << _SIZE_BITS) - 1), hits, number[case])
                for index, place in enumerate(places)
                for key, (case, hits) in self._first[place].items()
            ),
            ROW,
        )
        return Blocks.from_rows(self.kernel, self.release, places, cases, rows)


def keys_of(blocks: Blocks) -> Iterator[tuple[Place, list[int]]]:
    """Each section with the keys of its blocks: a number that holds offset and size of a block."""
    return ((place, keys) for place, keys, _ in _placed(blocks))


def key_of(block: Block) -> int:
    """The key of one block (:func:`keys_of`)."""
    return block.offset << _SIZE_BITS | block.size


def block_of(module: str, section: str, key: int, case: str = "") -> Block:
    """The block with that key (:func:`keys_of`)."""
    return Block(module, section, key >> _SIZE_BITS, key & ((1 << _SIZE_BITS) - 1), case=case)


def _placed(blocks: Blocks) -> Iterator[tuple[Place, list[int], NDArray[Any]]]:
    """Each section with the keys and the rows of its blocks."""
    rows = blocks.rows
    bounds = np.searchsorted(rows["place"], np.arange(len(blocks.places) + 1))
    for number, place in enumerate(blocks.places):
        some = rows[bounds[number] : bounds[number + 1]]
        keys = (some["offset"] << np.uint64(_SIZE_BITS)) | some["size"].astype("u8")
        yield place, keys.tolist(), some
