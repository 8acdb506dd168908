"""Which line of which file each instruction of a kernel's object comes from: the DWARF line tables, versions 2 to 5.

A report of a campaign reads the tables of hundreds of modules, millions of lines, so the state machine of DWARF 5 §6.2
is one plain loop.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from usbfuzz.errors import KernelError

from .elf import ElfFile
from .line_header import Cursor, LineHeader, read_header

__all__ = ["Lines", "read_files", "read_lines"]

#: From ``address`` up to ``end`` (in a section of a relocatable object, else absolute) is code of a line.
ROW = np.dtype([("section", "u2"), ("address", "u8"), ("end", "u8"), ("file", "u4"), ("line", "u4")])

_TABLES = ".debug_line"  #: the section of them

#: DW_LNS_…, and what introduces an extended operation
_EXTENDED, _COPY, _ADVANCE_PC, _ADVANCE_LINE, _SET_FILE, _SET_COLUMN = 0, 1, 2, 3, 4, 5
_CONST_ADD_PC, _FIXED_ADVANCE_PC = 8, 9
_END_SEQUENCE, _SET_ADDRESS = 1, 2  #: DW_LNE_…

_Rows = NDArray[Any]


@frozen(eq=False)
class Lines:
    """The lines of an object that there is code of."""

    sections: tuple[str, ...]  #: of the object
    files: tuple[str, ...]  #: paths as the compiler was given them
    rows: _Rows  #: of :data:`ROW`; ``section`` and ``file`` count in these two


def read_lines(elf: ElfFile) -> Lines | None:
    """The line tables of an object; None when it has none. Raises KernelError when they are damaged."""
    if elf.section(_TABLES) is None:
        return None
    files: dict[str, int] = {}
    rows: list[_Rows] = []
    with _damage(elf):
        for cursor, header in _units(elf):
            numbers = np.array([files.setdefault(name, len(files)) for name in header.files] or [0], "u4")
            rows += (_finished(sequence, numbers) for sequence in _Program(cursor, header).sequences())
    sections = tuple(section.name for section in elf.sections)
    return Lines(sections, tuple(files), np.concatenate(rows) if rows else np.empty(0, ROW))


def read_files(elf: ElfFile) -> tuple[str, ...]:
    """The files that the line tables name, which is told much faster; none when there are no tables.

    Raises KernelError when they are damaged.
    """
    with _damage(elf):
        return tuple(dict.fromkeys(name for _, header in _units(elf) for name in header.files))


def _units(elf: ElfFile) -> Iterator[tuple[Cursor, LineHeader]]:
    """Each unit's header, and a cursor at its program."""
    section = elf.section(_TABLES)
    if section is None:
        return
    moved = {offset: (number, addend) for offset, number, addend in elf.relocations(section).tolist()}
    strings = {name: elf.bytes_of(found) for name in (".debug_str", ".debug_line_str") if (found := elf.section(name))}
    cursor = Cursor(elf.bytes_of(section), moved)
    while cursor.at < len(cursor.data):
        header = read_header(cursor, strings)
        yield cursor, header
        cursor.at = header.end


@contextmanager
def _damage(elf: ElfFile) -> Iterator[None]:
    """Turn what goes wrong while tables are read into a KernelError."""
    try:
        yield
    except (LookupError, ValueError, OverflowError) as error:
        raise KernelError(f"{elf.name}: its debug information is damaged; fetch or build it again") from error


@define
class _Sequence:
    """Code whose addresses only grow, and its lines: columns of one table. One more address says where it ends."""

    section: int = 0
    addresses: list[int] = field(factory=list)
    files: list[int] = field(factory=list)
    lines: list[int] = field(factory=list)


def _finished(sequence: _Sequence, numbers: NDArray[Any]) -> _Rows:
    """The rows of a sequence: each ends where the next begins.

    A row without any code is of an instruction that belongs to two lines (a call, and what was inlined there): it gets
    the first byte.
    """
    rows = np.empty(len(sequence.lines), ROW)
    addresses = np.array(sequence.addresses, "u8")
    rows["section"], rows["address"] = sequence.section, addresses[:-1]
    rows["end"] = np.maximum(addresses[1:], addresses[:-1] + np.uint64(1))
    rows["file"] = numbers[sequence.files]
    rows["line"] = sequence.lines
    return rows[rows["line"] > 0]


class _Program:
    """The line number program of one unit."""

    def __init__(self, cursor: Cursor, header: LineHeader) -> None:
        self._cursor = cursor  #: at the first operation
        self._header = header
        base, span = header.line_base, header.line_range
        specials = [operation - len(header.operands) - 1 for operation in range(256)]
        #: What a special operation (§6.2.5.1) adds to the address, and to the line.
        self._advance = [special // span * header.step for special in specials]
        self._lines = [base + special % span for special in specials]

    def sequences(self) -> Iterator[_Sequence]:
        """Run it: the rows it makes, sequence by sequence. Columns and the like are skipped."""
        while self._cursor.at < self._header.end:
            yield self._sequence()

    def _sequence(self) -> _Sequence:
        """The rows up to the end of a sequence."""
        cursor, end, data = self._cursor, self._header.end, self._cursor.data
        first_special, advance, deltas = len(self._header.operands) + 1, self._advance, self._lines
        found = _Sequence()
        add_address, add_file, add_line = found.addresses.append, found.files.append, found.lines.append
        address, file, line, at = 0, 1, 1, cursor.at
        while at < end:
            operation = data[at]
            at += 1
            if operation >= first_special or operation == _COPY:
                if operation != _COPY:
                    address += advance[operation]
                    line += deltas[operation]
                add_address(address)
                add_file(file)
                add_line(line)
            elif operation == _SET_COLUMN:
                _, at = _uleb(data, at)
            elif operation == _ADVANCE_LINE:
                delta, at = _sleb(data, at)
                line += delta
            elif operation == _SET_FILE:
                file, at = _uleb(data, at)
            elif operation == _EXTENDED:
                cursor.at = at
                place = self._extended()
                at = cursor.at
                if place is None:
                    break
                found.section, address = place if place[0] >= 0 else (found.section, address)
            else:
                delta, at = self._moved(operation, at)
                address += delta
        cursor.at = at
        add_address(address)
        return found

    def _extended(self) -> tuple[int, int] | None:
        """The place that an extended operation (§6.2.5.3) sets, section -1 if it sets none; None at the end."""
        cursor = self._cursor
        length = cursor.uleb()
        end = cursor.at + length
        operation = cursor.number(1) if length else 0
        place = cursor.place(length - 1) if operation == _SET_ADDRESS else (-1, 0)
        cursor.at = end
        return None if operation == _END_SEQUENCE else place

    def _moved(self, operation: int, at: int) -> tuple[int, int]:
        """What another standard operation (§6.2.5.2) adds to the address, and where the next one is."""
        data = self._cursor.data
        if operation == _CONST_ADD_PC:
            return self._advance[255], at
        if operation == _FIXED_ADVANCE_PC:
            return int.from_bytes(data[at : at + 2], "little"), at + 2
        value = 0
        for _ in range(self._header.operands[operation - 1]):
            value, at = _uleb(data, at)
        return value * self._header.step if operation == _ADVANCE_PC else 0, at


def _uleb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128, and where it ends."""
    value = data[at]
    at += 1
    if value < 0x80:
        return value, at
    value &= 0x7F
    shift = 7
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _sleb(data: bytes, at: int) -> tuple[int, int]:
    """A signed LEB128, and where it ends."""
    value, end = _uleb(data, at)
    sign = 1 << (7 * (end - at) - 1)
    return (value ^ sign) - sign, end
