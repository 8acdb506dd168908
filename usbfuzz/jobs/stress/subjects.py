"""What the user named, as devices that are swept one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from usbfuzz.case.model import Action, Case, Event, GuestNeeds
from usbfuzz.case.parts import digest
from usbfuzz.errors import InputError
from usbfuzz.jobs.campaign.options import with_slub_debug
from usbfuzz.jobs.corpus.sources import cases_of

__all__ = ["subjects"]


#: Guest milliseconds for which a program of a case is given its device, where the case does not say.
_USE_MS = 2000


def subjects(given: Sequence[str], kernel_params: tuple[str, ...], say: Callable[[str], None]) -> list[Case]:
    """A case for each device that is named, or in a case, directory or dump that is: it plugs the device in.

    Each device once. Kernel parameters are those its case needs and ``kernel_params``, so that what is found can be
    replayed as it is; programs of the case run beside. Raises InputError for the first that cannot be read.
    """
    errors: list[InputError] = []
    found: dict[str, Case] = {}
    for _, case in cases_of(given, errors, say):
        for alone in _alone(case, kernel_params):
            found.setdefault(digest(alone), alone)
    for error in errors:
        raise error
    if not found:
        raise InputError(f"{', '.join(given)}: no device there; give a model, a case file or a directory of them")
    return list(found.values())


def _alone(case: Case, kernel_params: tuple[str, ...]) -> Iterator[Case]:
    """Each device of a case as a case of its own; a case kept for what its nodes do is used all the same."""
    params = with_slub_debug(tuple(dict.fromkeys((*case.guest.kernel_params, *kernel_params))))
    for number, device in enumerate(case.devices):
        ports = {event.port for event in case.events if event.device == number}
        users = [
            Event(Action.USE, use=event.use, after_ms=0, for_ms=event.for_ms or _USE_MS)
            for event in case.events
            if event.action is Action.USE and event.port in ports
        ]
        events = (Event(Action.PLUG, device=0), *users)
        uses = case.uses if users else ()
        yield Case((device,), events, title=device.name, guest=GuestNeeds(params), uses=uses)
