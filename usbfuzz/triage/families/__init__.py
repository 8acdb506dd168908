"""The families of crash reports, a table each; the order of the rows is the order of preference."""

from __future__ import annotations

from collections.abc import Mapping

from usbfuzz.triage.heads import HEADS
from usbfuzz.triage.shape import Shape

from . import faults, hangs, locking, memory, panics, probe, sanitizers, usb, warnings

__all__ = ["BY_HEAD"]

_ALL = (
    *probe.SHAPES,
    *sanitizers.SHAPES,
    *faults.SHAPES,
    *hangs.SHAPES,
    *locking.SHAPES,
    *warnings.SHAPES,
    *memory.SHAPES,
    *panics.SHAPES,
    *usb.SHAPES,
)

#: The shapes a report may have, by the words it was spotted by.
BY_HEAD: Mapping[str, tuple[Shape, ...]] = {
    head.words: tuple(shape for shape in _ALL if shape.head == head.words) for head in HEADS
}
