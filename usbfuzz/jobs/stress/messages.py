"""What a sweep and its workers say to each other: one JSON object a line."""

from __future__ import annotations

from attrs import frozen

from harness.channel.metered import Packet
from harness.workers.messages import WorkerMessages
from usbfuzz.case.model import Case
from usbfuzz.jobs.trials import GuestStart
from usbfuzz.triage import Report

__all__ = ["MESSAGES", "Ran", "Trial"]


@frozen
class Trial:
    """A case to be run once; the answer is a :class:`Ran`."""

    case: Case
    fresh: bool = False  #: in a guest that has run nothing since its snapshot
    packets: bool = False  #: tell what the first device answers
    cycles: bool = False  #: some plug cycles in one guest, and what each of the later ones leaves behind is reported
    recorded: bool = False  #: keep the conversation, as pcapng


@frozen
class Ran:
    """What one run of a trial showed."""

    reports: tuple[Report, ...] = ()
    console: str = ""  #: with reports only
    drivers: tuple[str, ...] = ()  #: that bound
    hitches: tuple[str, ...] = ()  #: what could not be done, and what the device's own code raised
    packets: tuple[Packet, ...] = ()
    dilated: bool = False  #: the guest was answered late, so that silence means nothing
    plugs: int = 0
    capture: bytes = b""
    coverage: str = ""


MESSAGES: WorkerMessages[GuestStart, Trial, Ran] = WorkerMessages.of("stress pipe", GuestStart, Trial, Ran)
