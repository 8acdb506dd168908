"""What is in a kernel's ELF objects, vmlinux and modules: sections, functions, debug information as it is in memory.

System V gABI, chapters 4 and 5. numpy reads the tables where they are: a report of a campaign needs those of hundreds
of modules.
"""

from __future__ import annotations

import zlib
from mmap import mmap
from typing import Any

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from usbfuzz.errors import KernelError

__all__ = ["ElfFile", "Function", "Reference", "Section"]


def _record(fields: str) -> np.dtype[Any]:
    """The type of a row of a table: name and type of each field in order."""
    words = fields.split()
    return np.dtype(list(zip(words[::2], words[1::2], strict=True)))


_HEADER = _record(
    "ident V16 type <u2 machine <u2 version <u4 entry <u8 phoff <u8 shoff <u8 flags <u4 ehsize <u2 phentsize <u2"
    " phnum <u2 shentsize <u2 shnum <u2 shstrndx <u2"
)
_SECTION = _record(
    "name <u4 type <u4 flags <u8 address <u8 offset <u8 size <u8 link <u4 info <u4 align <u8 entsize <u8"
)
_SYMBOL = _record("name <u4 info u1 other u1 section <u2 value <u8 size <u8")
_RELOCATION = _record("offset <u8 type <u4 symbol <u4 addend <i8")
_COMPRESSION = _record("type <u4 reserved <u4 size <u8 align <u8")
#: A relocation with what it means in place of a symbol: a number of a section, and an offset in it.
_MEANT = _record("offset u8 section u2 addend i8")

_LITTLE_64 = b"\x7fELF\x02\x01"
_RELOCATABLE = 1  #: ET_REL
_SYMTAB = 2  #: SHT_SYMTAB
_NOBITS = 8  #: SHT_NOBITS: takes no bytes of the file
_WRITABLE, _EXECUTABLE, _MERGED, _STRINGS, _COMPRESSED = 1, 4, 0x10, 0x20, 0x800  #: SHF_…
_ZLIB = 1  #: ELFCOMPRESS_ZLIB
_OBJECT, _FUNCTION, _OF_SECTION = 1, 2, 3  #: STT_…
_RESERVED = 0xFF00  #: SHN_LORESERVE: from here on no section is meant
_MOST = 1 << 30  #: bytes that a compressed section may have

_Table = NDArray[Any]


@frozen
class Section:
    """A section of an object."""

    name: str
    type: int
    flags: int
    address: int  #: 0 in a module, whose sections are placed when it is loaded
    offset: int  #: of its bytes in the file
    size: int  #: bytes
    link: int  #: number of another section that belongs to it

    @property
    def is_code(self) -> bool:
        """Whether it is executed."""
        return bool(self.flags & _EXECUTABLE)

    @property
    def is_constant(self) -> bool:
        """Whether nobody writes to it."""
        return not self.flags & _WRITABLE

    @property
    def is_merged(self) -> bool:
        """Whether it holds constants, each of which the linker keeps once."""
        return bool(self.flags & _MERGED)

    @property
    def is_strings(self) -> bool:
        """Whether these are strings that end in a zero."""
        return bool(self.flags & _STRINGS)


@frozen
class Function:
    """A function, or the part of one that the compiler put elsewhere (``NAME.cold``); also a variable or constant."""

    name: str
    section: str
    offset: int  #: of its first byte in the section
    size: int  #: bytes


@frozen
class Reference:
    """A place in a section that the linker fills in with where something is."""

    offset: int  #: of the place
    type: int  #: what is filled in, as the machine's ABI numbers it
    name: str  #: of the symbol that is meant; "" when only its section and offset are known
    section: int  #: number of the section that is meant; 0 for a symbol of another object
    value: int  #: of the symbol: its offset in that section
    addend: int  #: added to it


@frozen(eq=False)
class ElfFile:
    """An object in memory. Made by :meth:`of`; each method raises KernelError when what it reads is damaged."""

    name: str  #: what messages call it
    sections: tuple[Section, ...]
    is_relocatable: bool  #: as modules are: their sections have no addresses yet
    _content: bytes | mmap = field(repr=False)

    @classmethod
    def of(cls, content: bytes | mmap, name: str) -> ElfFile:
        """Read the table of sections. Raises KernelError when it is no object of a 64-bit little-endian machine."""
        if content[:6] != _LITTLE_64:
            raise KernelError(f"{name}: is no ELF object of a 64-bit little-endian machine")
        try:
            header = np.frombuffer(content, _HEADER, 1)[0]
            table = np.frombuffer(content, _SECTION, int(header["shnum"]), int(header["shoff"]))
            at = table[int(header["shstrndx"])]
        except (IndexError, ValueError, OverflowError) as error:
            raise _damaged(name) from error
        names = content[int(at["offset"]) : int(at["offset"]) + int(at["size"])]
        sections = (Section(_string(names, row[0]), *row[1:7]) for row in table.tolist())
        return cls(name, tuple(sections), int(header["type"]) == _RELOCATABLE, content)

    def section(self, name: str) -> Section | None:
        """The section of that name; None when there is none with bytes in the file."""
        return next((section for section in self.sections if section.name == name and section.type != _NOBITS), None)

    def bytes_of(self, section: Section) -> bytes:
        """What a section holds, uncompressed."""
        raw = self._content[section.offset : section.offset + section.size]
        if section.flags & _COMPRESSED:
            return self._uncompressed(raw)
        return raw

    def functions(self) -> tuple[Function, ...]:
        """The functions by section and offset; of several names of one place the one that is in the source."""
        code = {section.name for section in self.sections if section.is_code}
        return tuple(function for function in self._named(_FUNCTION) if function.section in code)

    def objects(self) -> tuple[Function, ...]:
        """The variables and constants that have names, in the same way."""
        return self._named(_OBJECT)

    def address_of(self, symbol: str) -> int | None:
        """The value of a symbol."""
        symbols, names = self._symbols()
        at = names.find(b"\0" + symbol.encode() + b"\0") + 1
        values = symbols["value"][symbols["name"] == at].tolist()
        return values[0] if at and values else None

    def _named(self, kind: int) -> tuple[Function, ...]:
        """What of a type (STT_…) has a name and a size, by section and offset."""
        symbols, names = self._symbols()
        wanted = (symbols["info"] & 15 == kind) & (symbols["size"] > 0) & (symbols["section"] < _RESERVED)
        found: dict[tuple[str, int], tuple[tuple[int, str], Function]] = {}
        for name, info, _, number, value, size in symbols[wanted].tolist():
            section = self._numbered(number)
            function = Function(_string(names, name), section.name, value - section.address, size)
            # Local before global, which is before weak: init_module is the global name of a module's own function.
            place, rank = (section.name, function.offset), (info >> 4, function.name)
            if place not in found or rank < found[place][0]:
                found[place] = (rank, function)
        return tuple(found[place][1] for place in sorted(found))

    def relocations(self, section: Section) -> _Table:
        """Those of a section, with fields ``offset`` (in it), ``section`` (that is meant), ``addend`` (offset there).

        There are none in an object whose addresses are known.
        """
        ours = self.section(f".rela{section.name}")
        if not self.is_relocatable or ours is None:
            return np.empty(0, _MEANT)
        raw = _array(self.bytes_of(ours), _RELOCATION)
        symbols, _ = self._symbols()
        try:
            symbol = symbols[raw["symbol"]]
        except IndexError as error:
            raise _damaged(self.name) from error
        found = np.empty(len(raw), _MEANT)
        found["offset"], found["section"] = raw["offset"], symbol["section"]
        found["addend"] = symbol["value"].astype("i8") + raw["addend"]
        return found

    def references(self, section: Section) -> tuple[Reference, ...]:
        """The places in a section of a relocatable object that name something, by offset."""
        ours = self.section(f".rela{section.name}")
        if not self.is_relocatable or ours is None:
            return ()
        raw = np.sort(_array(self.bytes_of(ours), _RELOCATION), order="offset")
        symbols, names = self._symbols()
        try:
            meant = symbols[raw["symbol"]]
        except IndexError as error:
            raise _damaged(self.name) from error
        return tuple(
            Reference(
                offset, kind, "" if info & 15 == _OF_SECTION else _string(names, name),
                number if number < _RESERVED else 0, value, addend,
            )
            for (offset, kind, _, addend), (name, info, _, number, value, _) in zip(
                raw.tolist(), meant.tolist(), strict=True
            )
        )  # fmt: skip

    def _symbols(self) -> tuple[_Table, bytes]:
        """The symbols and the bytes that hold their names."""
        table = next((section for section in self.sections if section.type == _SYMTAB), None)
        if table is None:
            raise KernelError(f"{self.name}: has no table of symbols (was it stripped?); name an unstripped one")
        return _array(self.bytes_of(table), _SYMBOL), self.bytes_of(self._numbered(table.link))

    def _numbered(self, number: int) -> Section:
        try:
            return self.sections[number]
        except IndexError as error:
            raise _damaged(self.name) from error

    def _uncompressed(self, raw: bytes) -> bytes:
        try:
            header = np.frombuffer(raw, _COMPRESSION, 1)[0]
            if header["type"] != _ZLIB or header["size"] > _MOST:
                raise KernelError(f"{self.name}: has sections that are not compressed by zlib; build it without")
            return zlib.decompressobj().decompress(raw[_COMPRESSION.itemsize :], int(header["size"]))
        except (ValueError, zlib.error) as error:
            raise _damaged(self.name) from error


def _array(raw: bytes, dtype: np.dtype[Any]) -> _Table:
    return np.frombuffer(raw, dtype, len(raw) // dtype.itemsize)


def _string(names: bytes, at: int) -> str:
    return names[at : names.find(b"\0", at)].decode("utf-8", "replace")


def _damaged(name: str) -> KernelError:
    return KernelError(f"{name}: is damaged, or cut off; fetch or build it again")
