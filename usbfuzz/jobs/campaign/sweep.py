"""A sweep: a campaign whose cases are one case's single-field faults, as a list that ends."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from usbfuzz.case import dumps
from usbfuzz.case.files import read_text, write_file
from usbfuzz.case.model import Case
from usbfuzz.case.parts import digest
from usbfuzz.crashes.layout import CAMPAIGN_FILE, SWEPT_FILE
from usbfuzz.errors import InputError, StorageError
from usbfuzz.load import in_bytes

from .sweeper import SWEEPER, CaseSweep

__all__ = ["Sweep", "begin_sweep"]


@frozen
class Sweep:
    """What a campaign needs to run it."""

    cases: CaseSweep
    seed: int  #: names the case, so that a campaign goes on with its own only
    generator: tuple[str, ...]  #: command of a process that makes the cases


def begin_sweep(case: Case, out: Path) -> Sweep:
    """Begin to sweep ``case`` in ``out``, or go on there. Of a model its descriptors are swept, as data.

    Raises InputError when ``out`` holds another campaign, or there is no field to change, and StorageError.
    """
    case = in_bytes(case)
    cases, text = CaseSweep(case), dumps(case)
    if not len(cases):
        raise InputError("the device has no descriptors whose fields could be changed; give another")
    file = out / SWEPT_FILE
    if file.exists():
        if read_text(file) != text:
            raise InputError(f"{file}: is the sweep of another device; give another --out")
    elif (out / CAMPAIGN_FILE).exists():
        raise InputError(f"{out}: holds a campaign that is no sweep; give another --out")
    else:
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{out}: cannot be made: {error.strerror}; give another --out") from error
        write_file(file, text.encode())
    return Sweep(cases, int(digest(case)[:12], 16), (*SWEEPER, str(file.resolve())))
