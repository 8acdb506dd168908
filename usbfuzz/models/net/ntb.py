"""NCM transfer blocks: several Ethernet frames in one bulk transfer. CDC NCM 1.0 §3, the 16-bit format."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

__all__ = ["pack_block", "packed_size", "unpack_block"]

_HEADER = struct.Struct("<4sHHHH")  #: dwSignature, wHeaderLength, wSequence, wBlockLength, wNdpIndex
_POINTERS = struct.Struct("<4sHH")  #: dwSignature, wLength, wNextNdpIndex
_ENTRY = struct.Struct("<HH")  #: wDatagramIndex, wDatagramLength
_NTH16, _NDP16 = b"NCMH", b"NCM0"  #: the latter without a frame check sequence
_ALIGNMENT = 4
_MAX_TABLES = 32  #: followed in one block: hostile tables may point at each other


def packed_size(frames: Sequence[bytes]) -> int:
    """Bytes of the block that holds ``frames``."""
    return _HEADER.size + _POINTERS.size + _ENTRY.size * (len(frames) + 1) + sum(_aligned(len(f)) for f in frames)


def pack_block(frames: Sequence[bytes], sequence: int) -> bytes:
    """One block: header, datagram pointers, datagrams. At most 65535 bytes (see :func:`packed_size`)."""
    length = _POINTERS.size + _ENTRY.size * (len(frames) + 1)
    at = _HEADER.size + length
    entries, body = b"", b""
    for frame in frames:
        entries += _ENTRY.pack(at + len(body), len(frame))
        body += frame.ljust(_aligned(len(frame)), b"\0")
    head = _HEADER.pack(_NTH16, _HEADER.size, sequence & 0xFFFF, at + len(body), _HEADER.size)
    return head + _POINTERS.pack(_NDP16, length, 0) + entries + bytes(_ENTRY.size) + body


def unpack_block(block: bytes) -> Iterator[bytes]:
    """The datagrams of a block, of any length; datagrams that lie outside of it are skipped."""
    if len(block) < _HEADER.size:
        return
    signature, _, _, _, at = _HEADER.unpack_from(block)
    for _ in range(_MAX_TABLES if signature == _NTH16 else 0):
        if not _HEADER.size <= at <= len(block) - _POINTERS.size:
            return
        signature, length, following = _POINTERS.unpack_from(block, at)
        if signature != _NDP16:
            return
        for index, size in _ENTRY.iter_unpack(_whole(block[at + _POINTERS.size : at + length])):
            if not index or not size:
                break
            if index + size <= len(block):
                yield block[index : index + size]
        at = following


def _aligned(length: int) -> int:
    return -(-length // _ALIGNMENT) * _ALIGNMENT


def _whole(entries: bytes) -> bytes:
    return entries[: len(entries) - len(entries) % _ENTRY.size]
