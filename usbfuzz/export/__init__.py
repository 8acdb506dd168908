"""Devices in other forms: what an importer reads, written again, and code to edit.

::

    formats.py      the forms by name; each writes one device, and what it does not carry is found
      ├─ python/      an own Device class, exact
      ├─ facedancer.py (facedancer_order.py: what it builds by itself), capture.py, umockdev.py
      └─ repro.c for raw-gadget, programs for syzkaller and lsusb -v text are usbfuzz.report's, and so is reading a
         file again to tell what came back otherwise
    uses.py         a case's programs of user space, by usbfuzz.report's use.c
    source.py       Python source, laid out as ruff format does
"""

from __future__ import annotations

from .formats import FORMATS, Exported, export
from .uses import USE, export_use

__all__ = ["FORMATS", "USE", "Exported", "export", "export_use"]
