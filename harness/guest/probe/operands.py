"""Where the numbers are in an instruction: its displacement and its immediate operand.

What follows an opcode is read from the tables of ``insn.c``, where the letters are explained. VEX and EVEX, which code
of drivers does not use, are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from attrs import frozen

__all__ = ["Instruction", "instructions"]

_SOURCE = Path(__file__).with_name("insn.c")
_TABLE = re.compile(r"static const char (\w+)\[\] =(.*?);", re.DOTALL)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_LETTERS = re.compile(r'"([^"]*)"')

_PREFIXES = frozenset(b"\x26\x2e\x36\x3e\x64\x65\x66\x67\xf0\xf2\xf3")
_OPERAND_16 = 0x66
_VEX = frozenset(b"\xc4\xc5\x62")
_WITH_MODRM = frozenset("mBZgr")
_LOADS = frozenset((*range(0xB8, 0xC0), 0x68, 0xC7))  #: mov and push of a constant
_COMPUTES = frozenset(b"\x05\x2d\x3d\x69\x6b\x80\x81\x83")  #: arithmetic and comparisons with a constant

_IMMEDIATES = {"b": 1, "B": 1, "j": 1, "J": 4, "w": 2, "e": 3, "o": 8}  #: bytes behind each letter


@frozen
class Instruction:
    """An instruction, and where its numbers are: offsets from its beginning."""

    start: int  #: offset in the code
    length: int  #: bytes
    displacement: tuple[int, int] = (0, 0)  #: of a memory operand with a register; empty when there is none
    immediate: tuple[int, int] = (0, 0)  #: a constant that is loaded or computed with; empty when there is none
    loads: bool = False  #: the constant goes as it is to a register, to memory or onto the stack


def instructions(code: bytes) -> Iterator[Instruction]:
    """The instructions of a function one after the other; where one is not known, a byte is taken for one."""
    at = 0
    while at < len(code):
        try:
            found = _instruction(code, at)
        except IndexError:
            found = None
        yield found or Instruction(at, 1)
        at += found.length if found else 1


@cache
def _tables() -> tuple[str, str]:
    """The letters of one-byte opcodes, and of those behind 0f."""
    text = _COMMENT.sub("", _SOURCE.read_text(encoding="utf-8"))
    found = {name: "".join(_LETTERS.findall(body)) for name, body in _TABLE.findall(text)}
    return found["ONE_BYTE"], found["TWO_BYTES"]


def _instruction(code: bytes, start: int) -> Instruction | None:
    at, short, wide = start, False, False
    while code[at] in _PREFIXES or code[at] & 0xF0 == 0x40:
        short |= code[at] == _OPERAND_16
        wide = code[at] & 0xF8 == 0x48
        at += 1
    opcode, form, at = _form(code, at)
    displacement = (0, 0)
    field = 0
    if form in _WITH_MODRM:
        field = code[at] >> 3 & 7
        at, displacement = _memory(code, at, start, registers=form == "r")
    size = _immediate(form, field, opcode, short=short, wide=wide)
    if size is None or at + size > len(code):
        return None
    constant = form in "zZbBv" and opcode in _LOADS | _COMPUTES
    immediate = (at - start, at - start + size) if constant else (0, 0)
    return Instruction(start, at + size - start, displacement, immediate, opcode in _LOADS)


def _form(code: bytes, at: int) -> tuple[int, str, int]:
    """The opcode (0 for one of two or three bytes), the letter for what follows it, and where that begins."""
    one, two = _tables()
    opcode = code[at]
    if opcode in _VEX:
        return 0, "x", at + 1
    if opcode != 0x0F:
        return opcode, one[opcode], at + 1
    second = code[at + 1]
    if second in (0x38, 0x3A):
        return 0, "m" if second == 0x38 else "B", at + 3
    return 0, two[second], at + 2


def _memory(code: bytes, at: int, start: int, *, registers: bool) -> tuple[int, tuple[int, int]]:
    """What is behind ModRM, SIB and displacement, and where the latter is if it is added to a register."""
    mod, rm = code[at] >> 6, code[at] & 7
    at += 1
    if mod == 3 or registers:
        return at, (0, 0)
    size = (0, 1, 4)[mod]
    relative = mod == 0 and rm == 5
    if rm == 4:
        size = 4 if mod == 0 and code[at] & 7 == 5 else size
        at += 1
    elif relative:
        size = 4
    place = (at - start, at - start + size) if size and not relative else (0, 0)
    return at + size, place


def _immediate(form: str, field: int, opcode: int, *, short: bool, wide: bool) -> int | None:
    """Bytes of the immediate operand; None for what is no instruction."""
    normal = 2 if short and not wide else 4
    if form == "g":
        return (normal if opcode & 1 else 1) if field < 2 else 0
    if form == "v" and wide:
        return 8
    if form in "zZv":
        return normal
    return None if form == "x" else _IMMEDIATES.get(form, 0)
