"""A configuration as a list of descriptors that can be cut, moved and joined again."""

from __future__ import annotations

from usbfuzz.descriptors import cut

__all__ = [
    "ALIENS",
    "CONFIGURATION",
    "ENDPOINT",
    "INTERFACE",
    "Pieces",
    "groups",
    "join",
    "of_type",
    "resize",
    "split_pieces",
]

CONFIGURATION, INTERFACE, ENDPOINT, ASSOCIATION = 2, 4, 5, 11

#: Descriptors in order, the configuration's own first; joined they are the configuration.
Pieces = list[bytes]

#: Descriptors to insert where they do not belong; some are malformed themselves.
ALIENS = tuple(
    bytes.fromhex(text)
    for text in (
        "080b000201010000",  # interface association
        "080b00ff0e030000",
        "0624060001 02",  # CDC union
        "0d240f000000000005dc000000",  # Ethernet networking
        "0d240f010000008000ffff00",
        "062402060000",
        "05240100 01",
        "052406 00 ff",
        "09211101002201ffff",  # HID, long report
        "09211101 00ff223f00",
        "0a2401000109000101 01",  # audio control header
        "0a24010001ffff01 0100",
        "0c240201010100020300 0000",  # input terminal
        "07240101000100",  # streaming general
        "0b24020102021001 80bb00",  # format type I
        "0924060101ff01 0100",  # feature unit
        "0d24010001 270080c3c90101 01",  # video control header
        "0e24010103ff0082000200000001",  # video input header
        "0b2406 01 01 00 00000000 00",  # MJPEG format
        "06300000 0000",  # SuperSpeed companion
        "0630ffff ffff",
        "0524000110",  # CDC header
        "0724010a000202",
        "09050181 03400001 00 ",
        "0409ffff",
        "03090a",
        "0224",
        "0225",
        "0321ff",
        "09294a0000000000ff",  # hub
        "ff24" + "ff" * 253,
        "0705000040000a",  # endpoint 0
        "07058002000200",
        "070585 0514 0401",
    )
)


def split_pieces(raw: bytes) -> Pieces:
    """The descriptors of a configuration; lossless for any bytes."""
    return list(cut(raw))


def join(pieces: Pieces, *, keep_total: bool = False) -> bytes:
    """The configuration, at most 65535 bytes; with wTotalLength corrected unless ``keep_total``."""
    whole = b"".join(pieces)[:0xFFFF]
    if keep_total or len(pieces[0]) < 4:
        return whole
    return whole[:2] + len(whole).to_bytes(2, "little") + whole[4:]


def of_type(pieces: Pieces, bDescriptorType: int) -> list[int]:
    """Where the descriptors of a type are."""
    return [at for at, piece in enumerate(pieces) if at and piece[1:2] == bytes((bDescriptorType,))]


def resize(piece: bytes, length: int) -> bytes:
    """A descriptor cut to ``length`` bytes (at most 255) with its bLength set to that."""
    length = min(length, 255, len(piece))
    return bytes((length,)) + piece[1:length]


def groups(pieces: Pieces) -> tuple[Pieces, list[Pieces]]:
    """What precedes the first interface, and each interface with all that follows it."""
    starts = of_type(pieces, INTERFACE)
    if not starts:
        return list(pieces), []
    ends = [*starts[1:], len(pieces)]
    return pieces[: starts[0]], [pieces[start:end] for start, end in zip(starts, ends, strict=True)]
