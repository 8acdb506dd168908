"""``usbfuzz sweep``: every single-field fault of one device."""

from __future__ import annotations

from pathlib import Path

import click
from attrs import evolve, fields

from usbfuzz.jobs.campaign.options import CampaignOptions
from usbfuzz.jobs.campaign.sweep import begin_sweep
from usbfuzz.load import case_of, load_device

from .fuzz import fuzz, run_and_tell
from .guest import GuestOptions
from .options import gathered, progress

__all__ = ["sweep_command"]

#: Options of `usbfuzz fuzz` that a list of cases has too: of campaigns and guests, but for what cases are made of.
_OURS = {known.name for kind in (CampaignOptions, GuestOptions) for known in fields(kind)} | {"page"}
_NOT_OURS = {"cases", "seed", "learned", "guided", "corpus", "tables"}


@gathered("guest", GuestOptions)
@gathered("options", CampaignOptions)
def _sweep(device: str, guest: GuestOptions, options: CampaignOptions, page: Path | None) -> None:
    case = case_of(load_device(device))
    sweep = begin_sweep(case, options.out)
    progress(f"{len(sweep.cases):,} faults, one field each")
    options = evolve(options, guided=False, cases=len(sweep.cases), seed=sweep.seed)
    run_and_tell(guest, options, page, sweep.generator)


sweep_command = click.Command(
    "sweep",
    callback=_sweep,
    params=[click.Argument(["device"]), *(option for option in fuzz.params if option.name in _OURS - _NOT_OURS)],
    help="""Plug DEVICE with one field of its descriptors changed, for each field and each value worth trying.

    DEVICE is a case file, a crash directory or a model. The list ends; the options are those of `usbfuzz fuzz`, and so
    is what becomes of crashes. The same command on the same directory goes on where the last one ended.
    """,
)
