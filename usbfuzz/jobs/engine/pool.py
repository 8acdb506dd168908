"""The cases of a corpus to choose from, by the driver that they were made for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from attrs import define, field, frozen

from strategies.dice import Dice, Weighted
from usbfuzz.case.model import Case

__all__ = ["Entry", "Pool"]

_SCALE = 1_000_000  #: weights are whole numbers
_NEW = 0.5  #: of the choices fall on the newest entries of a driver, which led somewhere last
_NEWEST = 4


@frozen(eq=False)
class Entry:
    """A case of the corpus."""

    name: str
    kept: Case  #: as the corpus has it
    case: Case  #: the same with all descriptors in bytes
    driver: str  #: the module that it was made for, or that asks for its first device


@define
class Pool:
    """Entries by driver."""

    _entries: dict[str, list[Entry]] = field(factory=dict, init=False)
    _by_name: dict[str, Entry] = field(factory=dict, init=False)
    _chosen: Counter[str] = field(factory=Counter, init=False)

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Entry | None:
        """The entry with this name."""
        return self._by_name.get(name)

    def add(self, entry: Entry) -> None:
        """One more entry; one of a name that is there: nothing."""
        if entry.name not in self._by_name:
            self._by_name[entry.name] = entry
            self._entries.setdefault(entry.driver, []).append(entry)

    def pick(self, dice: Dice, energy: Mapping[str, float]) -> Entry:
        """An entry of a driver that is chosen by its ``energy``; drivers without any are as the least of those with.

        Raises IndexError when the pool is empty.
        """
        least = min(energy.values(), default=1.0)
        weights = {module: int(_SCALE * energy.get(module, least)) + 1 for module in self._entries}
        if not weights:
            raise IndexError("the corpus is empty")
        entry = self._among(dice, self._entries[dice.weighted(Weighted(weights))])
        self._chosen[entry.name] += 1
        return entry

    def _among(self, dice: Dice, entries: list[Entry]) -> Entry:
        """One of the newest, or one of those that were chosen least often."""
        if dice.chance(_NEW):
            return dice.pick(entries[-_NEWEST:])
        least = min(self._chosen[entry.name] for entry in entries)
        return dice.pick([entry for entry in entries if self._chosen[entry.name] == least])
