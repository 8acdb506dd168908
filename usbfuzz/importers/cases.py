"""From an imported device to a case that plugs it."""

from __future__ import annotations

from usbfuzz.case.model import Action, Case, Event, Provenance

from .model import Imported

__all__ = ["as_case"]


def as_case(imported: Imported, source: str) -> Case:
    """A case that plugs the device in; its provenance lists what was made up and what could not be read."""
    notes = []
    if imported.synthesised:
        notes.append(f"Not in the source, made up: {'; '.join(imported.synthesised)}.")
    if imported.problems:
        notes.append(f"Could not be read: {'; '.join(map(str, imported.problems))}.")
    return Case(
        devices=(imported.device,),
        events=(Event(Action.PLUG, port=0, device=0),),
        title=imported.device.name,
        provenance=Provenance(source=f"imported from {source}, {imported.origin}", notes="\n".join(notes)),
    )
