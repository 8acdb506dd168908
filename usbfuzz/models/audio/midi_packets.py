"""MIDI messages in the 4-byte event packets of USB. Universal Serial Bus Device Class Definition for MIDI 1.0 §4."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["from_packets", "to_packets"]

_SYSEX, _END_OF_SYSEX, _REAL_TIME = 0xF0, 0xF7, 0xF8
_SYSTEM_COMMON = {0xF1: 2, 0xF2: 3, 0xF3: 2, 0xF6: 1}  #: bytes of a message
_CHANNEL = {0x8: 3, 0x9: 3, 0xA: 3, 0xB: 3, 0xC: 2, 0xD: 2, 0xE: 3}
_CIN_SYSEX, _CIN_SINGLE = 0x4, 0xF
_CIN_SYSTEM_COMMON = {1: 0x5, 2: 0x2, 3: 0x3}
_MIDI_BYTES = (0, 0, 2, 3, 3, 1, 2, 3, 3, 3, 3, 3, 2, 2, 3, 1)  #: of a packet, by Code Index Number. Table 4-1


def from_packets(packets: bytes) -> bytes:
    """The MIDI bytes of event packets of all cables; a packet cut short is left out."""
    whole = len(packets) - len(packets) % 4
    return b"".join(packets[at + 1 : at + 1 + _MIDI_BYTES[packets[at] & 0x0F]] for at in range(0, whole, 4))


def to_packets(midi: bytes, cable: int = 0) -> bytes:
    """Event packets of complete MIDI messages.

    Raises ValueError where there is none: running status is not understood, data without a status byte has no meaning.
    """
    return b"".join(bytes((cable << 4 | index,)) + message.ljust(3, b"\0") for index, message in _messages(midi))


def _messages(midi: bytes) -> Iterator[tuple[int, bytes]]:
    """Code Index Number and bytes of each message, or of each piece of a System Exclusive one."""
    at = 0
    while at < len(midi):
        status = midi[at]
        if status == _SYSEX:
            end = midi.find(_END_OF_SYSEX, at) + 1
            if not end:
                raise ValueError(f"byte {at}: a System Exclusive message without an end")
            yield from _system_exclusive(midi[at:end])
            at = end
            continue
        length = 1 if status >= _REAL_TIME else _CHANNEL.get(status >> 4) or _SYSTEM_COMMON.get(status, 0)
        message = midi[at : at + length]
        if not length or len(message) < length or any(byte & 0x80 for byte in message[1:]):
            raise ValueError(f"byte {at}: no complete MIDI message: {midi[at : at + 3].hex(' ')}")
        if status >= _REAL_TIME:
            yield _CIN_SINGLE, message
        else:
            yield status >> 4 if status < _SYSEX else _CIN_SYSTEM_COMMON[length], message
        at += length


def _system_exclusive(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Three bytes a packet; the last one's index says how many it has: 5, 6 or 7."""
    for at in range(0, len(message), 3):
        piece = message[at : at + 3]
        yield (_CIN_SYSEX if at + 3 < len(message) else _CIN_SYSEX + len(piece)), piece
