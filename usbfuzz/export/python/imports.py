"""The imports of a module that is being written: whoever writes a name says where it is from."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from usbfuzz.export.source import import_lines

__all__ = ["Imports"]

_STANDARD_LIBRARY = ("collections.abc", "itertools")


@define
class Imports:
    """Names by the module they come from."""

    _names: dict[str, set[str]] = field(factory=dict)

    def name(self, module: str, name: str) -> str:
        """The name, which the module imports from now on."""
        self._names.setdefault(module, set()).add(name)
        return name

    def all(self) -> frozenset[str]:
        """Every name that is imported."""
        return frozenset(name for names in self._names.values() for name in names)

    def lines(self) -> Iterator[str]:
        """The import statements in ruff's order."""
        yield from ("from __future__ import annotations", "")
        if library := [module for module in _STANDARD_LIBRARY if module in self._names]:
            yield from (line for module in library for line in self._statement(module))
            yield ""
        for module in sorted(self._names.keys() - {*_STANDARD_LIBRARY}):
            yield from self._statement(module)

    def _statement(self, module: str) -> list[str]:
        return import_lines(module, sorted(self._names[module], key=_order))


def _order(name: str) -> tuple[int, str]:
    """Constants, then classes, then others, as isort has it."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)
