"""Mass storage: the pipe usage descriptors of UAS. UAS §5.2.3.5."""

from __future__ import annotations

from usbfuzz.descriptors.constants import ClassCode, DescriptorType

from .position import ClassWords, Position
from .sheet import Sheet

__all__ = ["WORDS"]

_PIPES = {1: "Command pipe", 2: "Status pipe", 3: "Data-in pipe", 4: "Data-out pipe"}


def _pipe_usage(sheet: Sheet, raw: bytes, _place: Position) -> bool:
    """Which of the four pipes the endpoint is."""
    if raw[1] != DescriptorType.CS_INTERFACE or raw[0] != 4:
        return False
    vendor = "Vendor specific" if 0xE0 <= raw[2] <= 0xEF else "Reserved"
    sheet.line(8, f"{_PIPES.get(raw[2], vendor)} (0x{raw[2]:02x})")
    return True


WORDS = ClassWords(endpoint={(ClassCode.MASS_STORAGE, None): _pipe_usage})
