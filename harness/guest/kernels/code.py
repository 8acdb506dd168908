"""The code of a module's functions in a form in which two builds can be compared.

Where something lies changes with every build. So what a place refers to is taken by name, a string or constant by what
it holds, and the place itself counts as zeros; calls that the assembler resolved itself are found by where they lead.
What the compiler numbered (``__key.5``, ``NAME.isra.0``) loses its number. A function and its cold part are one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from functools import cached_property

from attrs import define, frozen

from usbfuzz.arch import MachineCode

from .elf import ElfFile, Function, Reference, Section

__all__ = ["CodeOf", "FunctionCode", "Part", "base_name", "code_of", "whole_name"]

_COLD = re.compile(r"\.cold(?:\.\d+)?$")  #: the part of a function that the compiler put elsewhere, as it is seldom run
#: What compilers add to names, and what the kernel's macros number (include/linux/compiler.h: __UNIQUE_ID).
_MADE = re.compile(r"(?:\.(?:isra|constprop|part|cold|lto_priv|\d+))+$|(?<=^__UNIQUE_ID_)(\w*?)\d+(?:\.\d+)?$")
_WITHIN = re.compile(r"\.\d+$")  #: ends the name of what is declared, or was made by the compiler, within a function
_PADDING = "__pfx_"  #: symbols of the room before a function; scripts/link-vmlinux.sh
_SIZED = re.compile(r"\.cst(\d+)$")  #: a section of constants of so many bytes
_LONGEST = 64  #: bytes of a constant without a name


@frozen
class Part:
    """A function, or its cold part."""

    body: bytes  #: its code, with zeros where the linker, or the assembler, put where something is
    names: tuple[tuple[int, str], ...]  #: offset of each such place, and what is there


@frozen
class FunctionCode:
    """A function. Equal ones do the same, wherever they lie."""

    hot: Part | None  #: None: only the cold part has a name
    cold: tuple[Part, ...]  #: sorted

    @property
    def parts(self) -> tuple[Part, ...]:
        """All of them."""
        return self.cold if self.hot is None else (self.hot, *self.cold)


#: Functions of one module by name: the code of each function that has the name.
CodeOf = Mapping[str, tuple[FunctionCode, ...]]


def whole_name(function: str) -> str:
    """The name of the function that ``function`` is, or is the cold part of."""
    return _COLD.sub("", function)


def base_name(symbol: str) -> str:
    """The name in the source, without what the compiler added."""
    return _MADE.sub(r"\1", symbol)


def code_of(elf: ElfFile, code: MachineCode) -> CodeOf:
    """The code of all functions of a module. Raises KernelError for a damaged one."""
    reader = _Reader(elf, code)
    hot: dict[str, list[Part]] = {}
    cold: dict[str, list[Part]] = {}
    for section in elf.sections:
        if section.is_code:
            for function, part in reader.functions(section):
                into = cold if _COLD.search(function.name) else hot
                into.setdefault(whole_name(function.name), []).append(part)
    return {name: _joined(hot.get(name, []), cold.get(name, [])) for name in sorted({*hot, *cold})}


def _joined(hot: list[Part], cold: list[Part]) -> tuple[FunctionCode, ...]:
    """The functions of one name; which of several a cold part belongs to nobody knows, so it is each one's."""
    apart = tuple(sorted(cold, key=lambda part: (part.body, part.names)))
    return tuple(FunctionCode(part, apart) for part in hot or (None,))


@frozen
class _Named:
    """What has a name in a section, by offset."""

    starts: list[int]
    symbols: list[Function]

    @classmethod
    def of(cls, symbols: list[Function]) -> _Named:
        """Of symbols that are sorted by offset."""
        return cls([symbol.offset for symbol in symbols], symbols)

    def at(self, offset: int) -> Function | None:
        """What an offset lies in, or right behind."""
        found = bisect_right(self.starts, offset) - 1
        symbol = self.symbols[found] if found >= 0 else None
        return symbol if symbol is not None and offset <= symbol.offset + symbol.size else None


@define(eq=False, slots=False)
class _Reader:
    """Reads the functions of one object."""

    elf: ElfFile
    code: MachineCode

    @cached_property
    def named(self) -> Mapping[str, _Named]:
        """By section."""
        found: dict[str, list[Function]] = {}
        for symbol in (*self.elf.functions(), *self.elf.objects()):
            if not symbol.name.startswith(_PADDING):
                found.setdefault(symbol.section, []).append(symbol)
        return {
            section: _Named.of(sorted(symbols, key=lambda symbol: symbol.offset)) for section, symbols in found.items()
        }

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """Of the sections that were looked into."""
        return {}

    @cached_property
    def meant(self) -> Mapping[int, list[int]]:
        """Offsets in each section, by its number, that code refers to: where constants without a name begin."""
        found: dict[int, set[int]] = {}
        for section in self.elf.sections:
            for reference in self.elf.references(section) if section.is_code else ():
                found.setdefault(reference.section, set()).add(self._target(section, reference))
        return {number: sorted(offsets) for number, offsets in found.items()}

    def functions(self, section: Section) -> Iterator[tuple[Function, Part]]:
        """Each function of a section, and its code."""
        raw, references = self._bytes(section), self.elf.references(section)
        offsets = [reference.offset for reference in references]
        named = self.named.get(section.name, _Named([], []))
        for function in named.symbols:
            start, end = function.offset, function.offset + function.size
            first, last = bisect_right(offsets, start - 1), bisect_right(offsets, end - 1)
            yield function, self._part(section, function, raw[start:end], references[first:last], named)

    def _part(
        self, section: Section, function: Function, raw: bytes, references: tuple[Reference, ...], named: _Named
    ) -> Part:
        body = bytearray(raw)
        words: list[tuple[int, str]] = []
        filled: set[int] = set()
        for reference in references:
            at = reference.offset - function.offset
            size = 8 if reference.type in self.code.wide else 4
            body[at : at + size] = bytes(size)
            filled.update(range(at, at + size))
            words.append((at, self._name(section, reference)))
        for branch in self.code.branch.finditer(raw):
            at = branch.start(1)
            if at in filled:
                continue
            target = function.offset + at + 4 + int.from_bytes(branch[1], "little", signed=True)
            other = named.at(target)
            if other is not None and other.offset == target and other is not function:
                body[at : at + 4] = bytes(4)
                words.append((at, base_name(other.name)))
        return Part(bytes(body), tuple(sorted(words)))

    def _bytes(self, section: Section) -> bytes:
        if section.name not in self.contents:
            found = self.elf.section(section.name)
            self.contents[section.name] = self.elf.bytes_of(found) if found is not None else b""
        return self.contents[section.name]

    def _target(self, section: Section, reference: Reference) -> int:
        """The offset in its section that a reference means."""
        offset = reference.value + reference.addend
        if reference.type not in self.code.relative:
            return offset
        return offset + 4 + self.code.behind(self._bytes(section), reference.offset)

    def _name(self, section: Section, reference: Reference) -> str:
        """What a place refers to, in words that do not depend on where it lies."""
        if not reference.section:
            return f"{base_name(reference.name)}{reference.addend:+}"
        where, target = self.elf.sections[reference.section], self._target(section, reference)
        if where.is_merged or where.is_strings:
            return f"{self._constant(where, target)!r}"
        known = self.named.get(where.name)
        symbol = known.at(target) if known else None
        if symbol is None:
            return f"{where.name} {self._unnamed(reference.section, target)!r}"
        name = base_name(symbol.name)
        if where.is_constant and _WITHIN.search(symbol.name):
            name = f"{name} {self._bytes(where)[symbol.offset : symbol.offset + symbol.size]!r}"
        return f"{name}{target - symbol.offset:+}"

    def _constant(self, where: Section, offset: int) -> bytes:
        content = self._bytes(where)
        if where.is_strings:
            return content[offset : max(content.find(b"\0", offset), offset)]
        size = _SIZED.search(where.name)
        return content[offset : offset + int(size[1] if size else 1)]

    def _unnamed(self, number: int, offset: int) -> bytes:
        """What lies at an offset up to what code refers to next, without zeros at the end, which may be a gap."""
        where = self.elf.sections[number]
        later = self.meant.get(number, [])
        at = bisect_right(later, offset)
        known = self.named.get(where.name, _Named([], []))
        after = bisect_right(known.starts, offset)
        ends = [*later[at : at + 1], *known.starts[after : after + 1], offset + _LONGEST]
        return self._bytes(where)[offset : min(ends)].rstrip(b"\0")
