"""The header of a line number program, which names the files that its lines are of: §6.2.4 of DWARF 2 to 5.

Offsets and addresses of an object that is not linked yet are in relocations, not in the data.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from attrs import define, frozen

__all__ = ["Cursor", "LineHeader", "read_header"]

_LARGE = 0xFFFFFFFF  #: in place of a length: a 64-bit one follows
_PATH, _DIRECTORY = 1, 2  #: DW_LNCT_…
_DATA = {0x0B: 1, 0x05: 2, 0x06: 4, 0x07: 8, 0x1E: 16}  #: bytes of a DW_FORM_data…
_STRING, _BLOCK, _UDATA = 0x08, 0x09, 0x0F  #: DW_FORM_…
_STRINGS = {0x0E: ".debug_str", 0x1F: ".debug_line_str"}  #: section of a DW_FORM_strp, DW_FORM_line_strp
_OLDEST, _NEWEST = 2, 5  #: versions of the table


@define
class Cursor:
    """A place in the data of a section. Reading beyond its end raises IndexError."""

    data: bytes
    moved: Mapping[int, tuple[int, int]]  #: what relocations say of a value at an offset: a section, an offset in it
    at: int = 0

    def number(self, size: int) -> int:
        """An unsigned little-endian number of so many bytes."""
        at, self.at = self.at, self.at + size
        if self.at > len(self.data):
            raise IndexError(at)
        return int.from_bytes(self.data[at : self.at], "little")

    def place(self, size: int) -> tuple[int, int]:
        """A number that may be relocated: the number of its section (0: none is named), and the number."""
        at = self.at
        value = self.number(size)
        return self.moved.get(at) or (0, value)

    def uleb(self) -> int:
        """An unsigned LEB128."""
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def string(self) -> str:
        """A string that ends in a zero."""
        end = self.data.index(0, self.at)
        raw, self.at = self.data[self.at : end], end + 1
        return raw.decode("utf-8", "replace")


@frozen
class LineHeader:
    """What a program needs to be run."""

    files: tuple[str, ...]  #: by the number that the program uses; before version 5 there is no file 0
    step: int  #: bytes that addresses are counted in
    line_base: int
    line_range: int
    operands: tuple[int, ...]  #: how many LEB128 each standard operation has, from operation 1 on
    address_size: int
    end: int  #: offset behind the program


def read_header(cursor: Cursor, strings: Mapping[str, bytes]) -> LineHeader:
    """Read a header; the cursor is at the first operation of the program then.

    Raises IndexError, ValueError for one that is damaged or of another version.
    """
    length, wide = cursor.number(4), 4
    if length == _LARGE:
        length, wide = cursor.number(8), 8
    end = cursor.at + length
    version = cursor.number(2)
    if not _OLDEST <= version <= _NEWEST or end > len(cursor.data):
        raise ValueError(version)
    address_size = cursor.number(2) & 0xFF if version >= 5 else 8
    program = cursor.number(wide) + cursor.at
    step = cursor.number(1)
    cursor.at += 2 if version >= 4 else 1  # operations an instruction has, of which there is one; default_is_stmt
    line_base = (cursor.number(1) ^ 0x80) - 0x80
    line_range, first_special = cursor.number(1), cursor.number(1)
    operands = tuple(cursor.number(1) for _ in range(first_special - 1))
    names = _Names(cursor, strings, wide)
    files = names.entries() if version >= 5 else names.lists()
    if not line_range or not cursor.at <= program <= end:
        raise ValueError(program)
    cursor.at = program
    return LineHeader(files, step, line_base, line_range, operands, address_size, end)


@frozen
class _Names:
    """The directories and files of a header, at the cursor."""

    cursor: Cursor
    strings: Mapping[str, bytes]
    wide: int  #: bytes of an offset

    def lists(self) -> tuple[str, ...]:
        """Up to version 4: directories, then files, each list up to an empty name."""
        cursor = self.cursor
        directories = [""]  # where the compiler ran
        while directory := cursor.string():
            directories.append(directory)
        files = [""]
        while name := cursor.string():
            number = cursor.uleb()
            cursor.uleb(), cursor.uleb()  # time and length
            files.append(_joined(directories, number, name))
        return tuple(files)

    def entries(self) -> tuple[str, ...]:
        """From version 5 on: both in a format that is described first."""
        directories = [name for name, _ in self._table()]
        return tuple(_joined(directories, number, name) for name, number in self._table())

    def _table(self) -> list[tuple[str, int]]:
        cursor = self.cursor
        formats = [(cursor.uleb(), cursor.uleb()) for _ in range(cursor.number(1))]
        found = []
        for _ in range(cursor.uleb()):
            name, directory = "", 0
            for content, form in formats:
                value = self._value(form)
                if content == _PATH and isinstance(value, str):
                    name = value
                elif content == _DIRECTORY and isinstance(value, int):
                    directory = value
            found.append((name, directory))
            if not formats:
                break
        return found

    def _value(self, form: int) -> str | int:
        cursor = self.cursor
        if form == _STRING:
            return cursor.string()
        if form in _STRINGS:
            return Cursor(self.strings[_STRINGS[form]], {}, cursor.place(self.wide)[1]).string()
        if form == _UDATA:
            return cursor.uleb()
        if form == _BLOCK:
            return cursor.number(cursor.uleb())
        return cursor.number(_DATA[form])


def _joined(directories: Sequence[str], number: int, name: str) -> str:
    """The path of a file; that of the directory where the compiler ran, number 0, is not part of it."""
    directory = directories[number] if 0 < number < len(directories) else ""
    return posixpath.normpath(posixpath.join(directory, name))
