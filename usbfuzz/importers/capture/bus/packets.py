"""Packets of USB 2.0: their PIDs, fields and checks. USB 2.0 §8.3."""

from __future__ import annotations

from enum import IntEnum
from functools import cache

from attrs import frozen

from usbfuzz.wire import Speed, TransferType

__all__ = ["CRC16_BYTES", "PID", "Split", "crc16", "split_of", "token_fields"]

CRC16_BYTES = 2
_SPLIT_BITS, _TOKEN_BITS = 19, 11  #: bits that the CRC5 of a token covers
_CRC5, _CRC16 = 0x14, 0xA001  #: the polynomials of USB 2.0 §8.3.5, bits reversed


class PID(IntEnum):
    """The first byte of a packet: the packet identifier and its complement. USB 2.0 table 8-1."""

    OUT = 0xE1
    IN = 0x69
    SOF = 0xA5
    SETUP = 0x2D
    DATA0 = 0xC3
    DATA1 = 0x4B
    DATA2 = 0x87
    MDATA = 0x0F
    ACK = 0xD2
    NAK = 0x5A
    STALL = 0x1E
    NYET = 0x96
    PRE = 0x3C  #: from a host; ERR from a hub
    SPLIT = 0x78
    PING = 0xB4
    EXT = 0xF0


@frozen
class Split:
    """What the hub of a full- or low-speed device is told, before the token it concerns. USB 2.0 §8.4.2."""

    complete: bool  #: asks how it went; else the transaction is to be started
    type: TransferType
    speed: Speed


#: ET. USB 2.0 table 8-4
_TYPES = (TransferType.CONTROL, TransferType.ISOCHRONOUS, TransferType.BULK, TransferType.INTERRUPT)


def _crc5(bits: int, count: int) -> int:
    crc = 0x1F
    for place in range(count):
        crc = crc >> 1 ^ (_CRC5 if (crc ^ bits >> place) & 1 else 0)
    return crc ^ 0x1F


_TOKENS = tuple(_crc5(bits, _TOKEN_BITS) for bits in range(1 << _TOKEN_BITS))


def _crc16_row(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (_CRC16 if byte & 1 else 0)
    return byte


_ROWS = tuple(map(_crc16_row, range(256)))


def token_fields(raw: bytes) -> tuple[int, int] | None:
    """Address and endpoint number of a token; None when it is cut or its CRC5 is wrong."""
    if len(raw) != 3:
        return None
    bits = raw[1] | raw[2] << 8
    if _TOKENS[bits & 0x7FF] != bits >> _TOKEN_BITS:
        return None
    return bits & 0x7F, bits >> 7 & 0x0F


@cache
def split_of(raw: bytes) -> Split | None:
    """The fields of a split token; None when it is cut or its CRC5 is wrong."""
    if len(raw) != 4:
        return None
    bits = int.from_bytes(raw[1:], "little")
    if _crc5(bits, _SPLIT_BITS) != bits >> _SPLIT_BITS:
        return None
    kind = _TYPES[bits >> 17 & 3]
    is_low = bits >> 15 & 1 and kind in (TransferType.CONTROL, TransferType.INTERRUPT)
    return Split(bool(bits >> 7 & 1), kind, Speed.LOW if is_low else Speed.FULL)


def crc16(payload: bytes) -> bytes:
    """The two bytes that follow the payload of a data packet. USB 2.0 §8.3.5.2."""
    crc = 0xFFFF
    for byte in payload:
        crc = crc >> 8 ^ _ROWS[(crc ^ byte) & 0xFF]
    return (crc ^ 0xFFFF).to_bytes(CRC16_BYTES, "little")
