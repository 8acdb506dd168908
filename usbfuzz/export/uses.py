"""The programs of user space of a case, as one C program: the only form that is of a whole case, not of a device."""

from __future__ import annotations

from usbfuzz.case.model import Case
from usbfuzz.errors import InputError
from usbfuzz.report.programs import used
from usbfuzz.report.use import render_use, unseen

from .formats import Exported

__all__ = ["USE", "export_use"]

USE = "use"  #: the form's name


def export_use(case: Case, source: str) -> Exported:
    """``use.c`` of a case that the user named as ``source``. Raises InputError when the case runs no program."""
    if not used(case):
        raise InputError(f"{source}: runs no programs of user space ([[use]]), so there is nothing to write as {USE}")
    title = case.title or ", ".join(device.name for device in case.devices)
    lost = ("moments after so many requests or packets (its device's coming instead)",) if unseen(case) else ()
    return Exported(render_use(case, title=title).encode(), lost)
