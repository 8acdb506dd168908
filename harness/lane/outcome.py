"""Everything observed while cases ran in a guest."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from attrs import frozen

from harness.channel.asked import Asked
from harness.channel.conversation import NOT_RECORDED, Conversation
from harness.channel.metered import Packet
from harness.guest.place import Place
from usbfuzz.triage import Report, same_driver

from .trial import believable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.guest.agent_client import UEvent
    from harness.guest.probe.compares import Comparisons
    from harness.guest.probe.coverage import Covered
    from harness.guest.survey import Seen

    from .uses import Used

__all__ = ["Binding", "Hitch", "Outcome", "Played", "Verdict", "bindings", "binds_driver", "enumerated", "interfaces"]


class Verdict(Enum):
    """What the guest did, worst first."""

    CRASH = "crash"  #: the kernel reported a crash or a warning on its console
    HANG = "hang"  #: a hub, a probe or the whole guest never came to its end
    DIED = "died"  #: QEMU ended, and the console says nothing of it
    CLEAN = "clean"  #: none of these


@frozen
class Binding:
    """A driver that bound while the case ran."""

    port: int  #: port of the guest; -1 for a HID device, whose name does not say where it is plugged in
    name: str  #: sysfs name of the bound device: ``3-1:1.0``, ``0003:1234:5678.0001``
    driver: str


@frozen
class Played:
    """A device that was plugged in, from plug to unplug."""

    port: int
    name: str  #: what its case calls it; "" for one that is code
    asked: Asked | None  #: the last that the host asked of it
    configured: bool  #: the host had set a configuration, so that drivers were tried
    packets: tuple[Packet, ...] = ()  #: what it answered, when the lane was told to remember that
    errors: tuple[str, ...] = ()  #: what its own code raised


@frozen
class Hitch:
    """Something of a schedule that could not be done."""

    port: int
    reason: str


@frozen
class Outcome:
    """What one round did to the guest: of one case alone, or of several side by side."""

    verdict: Verdict
    reports: tuple[Report, ...]  #: in the order of the console; of a hang or a death, the lane's own comes first
    console: str  #: what the guest printed during the round, and until it was dead
    bindings: tuple[Binding, ...]  #: in the order in which drivers bound
    interfaces: tuple[str, ...]  #: sysfs names of those that appeared: ``3-1:1.0``
    plugs: int  #: how often a device was plugged in
    enumerated: int  #: how many of them the kernel configured
    requests: int  #: how often the devices were asked for something
    seconds: float  #: wall seconds of the round, restoring the guest not included
    worst_reply_ms: float  #: wall milliseconds of our slowest answer
    dilated: bool  #: a reply of ours came so late that the guest may have given up waiting for it
    restored: bool  #: the guest was restored from its snapshot after this round
    userspace: tuple[Seen, ...] | None = None  #: what programs saw of the devices, when the lane was told to look
    covered: Covered | None = None  #: the code that ran, where a probe could see it
    compared: Comparisons | None = None  #: what armed code compared (:meth:`~harness.lane.lane.Lane.arm`)
    hitches: tuple[Hitch, ...] = ()  #: what of the schedules could not be done
    played: tuple[Played, ...] = ()  #: the devices that were plugged in, in the order in which they went
    used: tuple[Used, ...] = ()  #: what became of the programs of user space, in the order in which they ended
    conversation: Conversation = NOT_RECORDED  #: what devices and guest said, when the lane was told to record it

    @property
    def believable(self) -> bool:
        """Whether the run tells anything (:mod:`harness.lane.trial`)."""
        return believable(reported=bool(self.reports), dilated=self.dilated)

    @property
    def title(self) -> str:
        """Title of the first report, or "" when clean."""
        return self.reports[0].title if self.reports else ""

    def report_of(self, names: frozenset[str], driver: str = "") -> Report | None:
        """The first report of the bug with these titles, and this guilty driver; without titles, the first of all."""
        mine = (report for report in self.reports if same_driver(report.guilty, driver))
        return next((report for report in mine if not names or names & report.names), None)

    def shows(self, names: frozenset[str]) -> bool:
        """Whether the bug with these titles was reported; without titles, whether any was."""
        return self.report_of(names) is not None


def binds_driver(event: UEvent) -> bool:
    """Whether a driver of an interface or a HID device bound; the generic driver of whole devices says nothing."""
    return event.kind == "bind" and (event.subsystem == "hid" or (event.subsystem == "usb" and ":" in event.name))


def bindings(events: Iterable[UEvent]) -> Iterator[Binding]:
    """The drivers of interfaces and HID devices that bound, in order."""
    return (Binding(_port_of(event.name), event.name, event.detail) for event in events if binds_driver(event))


def _port_of(name: str) -> int:
    place = Place.of(name)
    return place.port if place else -1


def interfaces(events: Iterable[UEvent]) -> Iterator[str]:
    """Sysfs names of interfaces that appeared."""
    return (event.name for event in events if event.kind == "add" and event.subsystem == "usb" and ":" in event.name)


def enumerated(events: Iterable[UEvent]) -> int:
    """How many devices came as far as the generic driver of whole devices."""
    return sum(event.kind == "bind" and event.subsystem == "usb" and ":" not in event.name for event in events)
