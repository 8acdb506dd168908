"""The test picture of a camera: eight colour bars as YUY2, and the effect of its controls."""

from __future__ import annotations

from functools import lru_cache

from attrs import frozen

__all__ = ["FrameSize", "Picture"]

#: White, yellow, cyan, green, magenta, red, blue, black at 75 %: Y, Cb, Cr as in ITU-R BT.601 (EBU bars).
_BARS = (
    (180, 128, 128),
    (162, 44, 142),
    (131, 156, 44),
    (112, 72, 58),
    (84, 184, 198),
    (65, 100, 212),
    (35, 212, 114),
    (16, 128, 128),
)


@frozen
class FrameSize:
    """What a frame descriptor offers."""

    bFrameIndex: int
    wWidth: int  #: pixels; a multiple of 16, so that no bar ends inside a pair of pixels
    wHeight: int
    dwFrameInterval: int  #: 100 ns

    @property
    def dwMaxVideoFrameBufferSize(self) -> int:
        """Bytes of a frame, two a pixel."""
        return self.wWidth * self.wHeight * 2

    @property
    def interval_ms(self) -> int:
        """Milliseconds from frame to frame."""
        return self.dwFrameInterval // 10_000


@frozen
class Picture:
    """The settings of the processing unit."""

    brightness: int = 0  #: added to Y, -128 to 127

    def render(self, size: FrameSize) -> bytes:
        """The bars as YUY2: Y0 Cb Y1 Cr for each two pixels, lines from top to bottom."""
        return _render(size.wWidth, size.wHeight, self.brightness)


@lru_cache(maxsize=16)
def _render(width: int, height: int, brightness: int) -> bytes:
    pairs = width // len(_BARS) // 2
    line = b"".join(
        bytes((shifted, blue, shifted, red)) * pairs
        for shifted, blue, red in ((min(max(luma + brightness, 0), 255), blue, red) for luma, blue, red in _BARS)
    )
    return line * height
