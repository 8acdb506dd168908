"""How a camera and its host agree on a stream, and how frames travel in it. UVC 1.5 §2.4.3 and §4.3.1.1."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import IntEnum, IntFlag

from attrs import define, evolve, field, frozen

from .picture import FrameSize, Picture

__all__ = ["Negotiation", "Offer", "Payloads", "StreamControl"]

_PARAMETERS = struct.Struct("<HBBI5HIIIBBBB")  #: the block of UVC 1.1, 34 bytes. Table 4-75


class StreamControl(IntEnum):
    """Control selectors of a streaming interface. UVC 1.5 table A-16."""

    PROBE = 0x01
    COMMIT = 0x02


class _Header(IntFlag):
    """bmHeaderInfo, bmFramingInfo. UVC 1.5 table 2-6."""

    FID = 0x01
    EOF = 0x02
    EOH = 0x80


@frozen
class Offer:
    """One frame size and the bytes its payloads have at most, headers included."""

    size: FrameSize
    dwMaxPayloadTransferSize: int

    def parameters(self) -> bytes:
        """The block that a probe reads and a commit writes."""
        framing = _Header.FID | _Header.EOF
        fixed = (1, 1, self.size.bFrameIndex, self.size.dwFrameInterval, 0, 0, 0, 0, 0)
        return _PARAMETERS.pack(
            *fixed, self.size.dwMaxVideoFrameBufferSize, self.dwMaxPayloadTransferSize, 0, framing, 1, 1, 1
        )


@define
class Negotiation:
    """What the camera could send, and what the host has chosen of it so far."""

    offers: Sequence[Offer]
    chosen: Offer = field(init=False)

    @chosen.default
    def _first(self) -> Offer:
        return self.offers[0]

    def choose(self, block: bytes) -> bool:
        """Take what the host asks for; an unknown frame size becomes the first. False when the block is cut short."""
        if len(block) < 4:
            return False
        self.chosen = next((offer for offer in self.offers if offer.size.bFrameIndex == block[3]), self.offers[0])
        return True


@define
class Payloads:
    """An endless stream of one picture: a 2-byte header before each payload, FID toggled from frame to frame."""

    size: FrameSize
    picture: Picture
    _rest: bytes = b""
    _fid: int = 0

    @property
    def between_frames(self) -> bool:
        """The next payload starts a frame, with the picture as it is then."""
        return not self._rest

    def adjust(self, **settings: int) -> None:
        """Change the camera's controls; seen from the next frame on."""
        self.picture = evolve(self.picture, **settings)

    def next(self, room: int) -> bytes:
        """One payload of at most ``room`` bytes, which must be more than the header's two."""
        if not self._rest:
            self._rest = self.picture.render(self.size)
            self._fid ^= _Header.FID
        piece, self._rest = self._rest[: room - 2], self._rest[room - 2 :]
        last = 0 if self._rest else _Header.EOF
        return bytes((2, _Header.EOH | self._fid | last)) + piece
