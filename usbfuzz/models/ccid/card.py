"""A smart card with a file in it. ISO/IEC 7816-3 and 7816-4."""

from __future__ import annotations

from enum import IntEnum

from attrs import define, field

__all__ = ["Card", "Instruction"]

_CLA, _BY_NAME = 0x00, 0x04
_OK, _WRONG_LENGTH, _NOT_FOUND = 0x9000, 0x6700, 0x6A82
_NOT_ALLOWED, _WRONG_OFFSET, _NO_INSTRUCTION, _NO_CLASS = 0x6986, 0x6B00, 0x6D00, 0x6E00


class Instruction(IntEnum):
    """INS. ISO/IEC 7816-4 table 4."""

    SELECT = 0xA4
    READ_BINARY = 0xB0


@define
class Card:
    """An application with one transparent file, which is read after the application has been selected."""

    aid: bytes = bytes.fromhex("f0 75 73 62 66 75 7a 7a")  #: application identifier, proprietary ones begin with f
    content: bytes = b"a card in a reader that is none"
    atr: bytes = bytes.fromhex("3b 80 01 81")  #: T0: TD1 follows; TD1: T=1; check byte
    _selected: bool = field(default=False, init=False)

    def power_on(self) -> bytes:
        """Reset; the answer to it."""
        self._selected = False
        return self.atr

    def transmit(self, command: bytes) -> bytes:
        """The response APDU to a short command APDU: data and status word."""
        data, status = self._execute(command)
        return data + status.to_bytes(2, "big")

    def _execute(self, command: bytes) -> tuple[bytes, int]:
        if len(command) < 4:
            return b"", _WRONG_LENGTH
        cla, instruction, first, second = command[:4]
        if cla != _CLA:
            return b"", _NO_CLASS
        match instruction:
            case Instruction.SELECT if first == _BY_NAME:
                return b"", self._select(command[4:])
            case Instruction.READ_BINARY:
                return self._read(first << 8 | second, command[4:])
        return b"", _NO_INSTRUCTION

    def _select(self, body: bytes) -> int:
        length = body[0] if body else 0
        if len(body) < 1 + length:
            return _WRONG_LENGTH
        self._selected = body[1 : 1 + length] == self.aid
        return _OK if self._selected else _NOT_FOUND

    def _read(self, offset: int, body: bytes) -> tuple[bytes, int]:
        if not self._selected:
            return b"", _NOT_ALLOWED
        if offset > len(self.content):
            return b"", _WRONG_OFFSET
        return self.content[offset : offset + (body[0] or 256 if body else 0)], _OK
