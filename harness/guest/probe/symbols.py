"""What the guest's kernel calls its code: the functions of /proc/kallsyms, modules included."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

__all__ = ["Place", "Symbols", "parse_kallsyms"]

_LINE = re.compile(rb"^([0-9a-f]{16}) ([A-Za-z]) ([^\s]{1,512})(?:\t\[([\w-]{1,63})\])?$", re.MULTILINE)
_CODE = frozenset(b"tTwWi")
#: Suffixes of functions that the compiler split or specialised; they are looked for by the name before.
_SUFFIX = re.compile(r"\.(?:constprop|isra|part|llvm)\.\d+")


@frozen
class Place:
    """A place in the code."""

    function: str
    offset: int  #: bytes from its start
    size: int  #: bytes of the function
    module: str  #: "" in the kernel itself

    def __str__(self) -> str:
        """As a kernel prints it."""
        return f"{self.function}+{self.offset:#x}/{self.size:#x}" + (f" [{self.module}]" if self.module else "")


@frozen(eq=False)
class Symbols:
    """Functions sorted by address; ``data`` has the few variables that are needed."""

    addresses: NDArray[np.uint64]
    names: bytes = field(repr=False)  #: each ended by a line break, in the order of the addresses
    modules: tuple[str, ...]  #: number 0 is the kernel itself, ""
    module_of: NDArray[np.uint16]  #: for each function the number of its module
    data: dict[str, int]
    _starts: NDArray[np.int64] = field(init=False, repr=False)
    _by_name: dict[str, int] = field(init=False, repr=False)
    _asked: dict[int, Place | None] = field(factory=dict, init=False, repr=False)  #: answers of :meth:`place`

    def __attrs_post_init__(self) -> None:
        ends = np.flatnonzero(np.frombuffer(self.names, np.uint8) == ord("\n"))
        object.__setattr__(self, "_starts", np.concatenate(([0], ends + 1)))
        names = self.names.decode("ascii", "replace").split("\n")
        # The first of a name wins, unless the kernel itself has it too: modules may repeat names of static functions.
        object.__setattr__(self, "_by_name", {name: i for i, name in reversed(list(enumerate(names[:-1])))})

    def address(self, function: str) -> int | None:
        """Where a function or a needed variable is; None when the kernel does not have it."""
        index = self._by_name.get(function)
        return int(self.addresses[index]) if index is not None else self.data.get(function)

    def extent(self, function: str) -> tuple[int, int] | None:
        """Start and end of a function."""
        index = self._by_name.get(function)
        return (int(self.addresses[index]), self._end(index)) if index is not None else None

    def matching(self, pattern: str) -> list[str]:
        """The functions whose whole name a regular expression matches."""
        whole = re.compile(pattern)
        return [name for name in self._by_name if whole.fullmatch(name)]

    def extent_of_kernel(self) -> tuple[int, int]:
        """Start and end of the kernel's own code; of all functions that belong to no module."""
        own = self.addresses[self.module_of == 0]
        start = self.address("_stext") or int(own[0])
        return start, self.address("_etext") or int(own[-1]) + _LONGEST

    def place(self, address: int) -> Place | None:
        """The function at an address; None outside of all code. The same few are asked for again and again."""
        if address not in self._asked:
            if len(self._asked) >= _MOST_ASKED:
                self._asked.clear()
            self._asked[address] = self._place(address)
        return self._asked[address]

    def _place(self, address: int) -> Place | None:
        index = int(np.searchsorted(self.addresses, np.uint64(address), side="right")) - 1
        if index < 0 or address >= (end := self._end(index)):
            return None
        start = int(self.addresses[index])
        name = self.names[self._starts[index] : self._starts[index + 1] - 1].decode("ascii", "replace")
        return Place(name, address - start, end - start, self.modules[int(self.module_of[index])])

    def _end(self, index: int) -> int:
        """The next function's start, as the kernel says a function's size."""
        start = self.addresses[index]
        after = int(np.searchsorted(self.addresses, start, side="right"))
        limit = int(start) + _LONGEST
        if after >= len(self.addresses) or self.module_of[after] != self.module_of[index]:
            return min(limit, (int(start) | 0xFFF) + 1)
        return min(limit, int(self.addresses[after]))


_LONGEST = 1 << 20  #: bytes of a function
_MOST_ASKED = 1 << 16  #: addresses that are remembered: more than eight drivers have comparisons


def parse_kallsyms(text: bytes, variables: frozenset[str]) -> Symbols:
    """The functions, and the addresses of ``variables``, in a guest's /proc/kallsyms.

    Raises ValueError when there are none: the kernel has no kallsyms, or hides addresses (kptr_restrict).
    """
    rows: list[tuple[int, bytes, bytes]] = []
    data: dict[str, int] = {}
    for address, kind, name, module in _LINE.findall(text):
        if kind[0] in _CODE and module != b"bpf":
            rows.append((int(address, 16), name, module))
        elif not module and (word := name.decode("ascii", "replace")) in variables:
            data[word] = int(address, 16)
    rows = [row for row in rows if row[0] >> 63]
    if not rows:
        raise ValueError("/proc/kallsyms shows no addresses of functions")
    rows.sort(key=lambda row: (row[0], bool(row[2])))
    modules = ("", *sorted({module.decode() for _, _, module in rows if module}))
    number = {module: index for index, module in enumerate(modules)}
    return Symbols(
        addresses=np.array([row[0] for row in rows], np.uint64),
        names=b"".join(row[1] + b"\n" for row in rows),
        modules=modules,
        module_of=np.array([number[row[2].decode()] for row in rows], np.uint16),
        data=data,
    )


def arrays_of(symbols: Symbols) -> dict[str, NDArray[Any]]:
    """The symbols as arrays, for a file."""
    return {
        "addresses": symbols.addresses,
        "names": np.frombuffer(symbols.names, np.uint8),
        "modules": np.frombuffer("\n".join(symbols.modules).encode(), np.uint8),
        "module_of": symbols.module_of,
        "data": np.frombuffer(
            "\n".join(f"{value:x} {name}" for name, value in symbols.data.items()).encode(), np.uint8
        ),
    }


def from_arrays(arrays: dict[str, NDArray[Any]]) -> Symbols:
    """The symbols that such arrays hold."""
    lines = arrays["data"].tobytes().decode().splitlines()
    return Symbols(
        addresses=arrays["addresses"],
        names=arrays["names"].tobytes(),
        modules=tuple(arrays["modules"].tobytes().decode().split("\n")),
        module_of=arrays["module_of"],
        data={name: int(value, 16) for value, _, name in (line.partition(" ") for line in lines)},
    )
