"""Printers."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="printer",
    share=1,
    builder="strategies.printer:printer_function",
    modules=("usblp",),
    models={"printer": "usbfuzz.models.printer:Printer"},
    descriptors=("usbfuzz.descriptors.printer",),
    nodes=(Node("usbmisc", "lp*", "printer"),),
)
