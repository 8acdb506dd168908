"""``usbfuzz sweep``: every single-field fault of one device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from attrs import evolve

from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.sweep import begin_sweep
from usbfuzz.load import case_of, load_device

from .fuzz import fuzz, run_and_tell
from .guest import GuestOptions
from .options import gathered, progress

__all__ = ["sweep_command"]

#: Options of `usbfuzz fuzz` that mean nothing for a list of cases.
_NOT_OURS = ("cases", "seed", "learned")


@gathered("guest", GuestOptions)
def _sweep(device: str, guest: GuestOptions, page: Path | None, **given: Any) -> None:
    options = CampaignOptions(**given)
    case = case_of(load_device(device))
    sweep = begin_sweep(case, options.out)
    progress(f"{len(sweep.cases):,} faults, one field each")
    run_and_tell(guest, evolve(options, cases=len(sweep.cases), seed=sweep.seed), page, sweep.generator)


sweep_command = click.Command(
    "sweep",
    callback=_sweep,
    params=[click.Argument(["device"]), *(option for option in fuzz.params if option.name not in _NOT_OURS)],
    help="""Plug DEVICE with one field of its descriptors changed, for each field and each value worth trying.

    DEVICE is a case file, a crash directory or a model. The list ends; the options are those of `usbfuzz fuzz`, and so
    is what becomes of crashes. The same command on the same directory goes on where the last one ended.
    """,
)
