"""The case: everything needed to run an input again, byte-exact."""

from __future__ import annotations

import math
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from usbfuzz.wire import Answer, Speed

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = [
    "ALWAYS",
    "Action",
    "Case",
    "ControlScript",
    "DeviceSpec",
    "EndpointScript",
    "Event",
    "Expectation",
    "GuestNeeds",
    "Provenance",
    "RequestPattern",
    "Step",
]

ALWAYS = 100  #: percent


@frozen
class Step:
    """One line of a response script: an answer given ``times`` times in a row (0: from here on, for ever)."""

    answer: Answer
    times: int = 1


@frozen
class RequestPattern:
    """Some control requests: those whose setup packet has the given values; ``None`` matches any."""

    bmRequestType: int | None = None
    bRequest: int | None = None
    wValue: int | None = None
    wIndex: int | None = None
    wLength: int | None = None


@frozen
class ControlScript:
    """Ordered, counted answers to the control requests that match; ``None`` matches any value.

    When several scripts match a request, the first that still has an answer gives it. When none has, the device
    answers as its descriptors say, and stalls what it does not know. With ``after``, the script sleeps until the host
    has sent a request that matches it, and answers from the next request on.
    """

    steps: tuple[Step, ...]
    bmRequestType: int | None = None
    bRequest: int | None = None
    wValue: int | None = None
    wIndex: int | None = None
    wLength: int | None = None
    after: RequestPattern | None = None


@frozen
class EndpointScript:
    """Ordered, counted answers of one endpoint (bEndpointAddress, direction bit included).

    When they run out, an IN endpoint NAKs for ever (``Status.NEVER``) and an OUT endpoint accepts everything. A
    ``Status.NAK`` step of an IN endpoint holds it until the host's next control request or write. With ``after``, an
    IN endpoint is held until the host has sent a control request that matches it.
    """

    bEndpointAddress: int
    steps: tuple[Step, ...]
    after: RequestPattern | None = None


def _distinct(_spec: DeviceSpec, attribute: Attribute[Any], pairs: tuple[tuple[int, bytes], ...]) -> None:
    if len({number for number, _ in pairs}) != len(pairs):
        raise ValueError(f"{attribute.name} has a number twice: {[number for number, _ in pairs]}")


@frozen
class DeviceSpec:
    """One simulated device as data: raw descriptor bytes, each exactly as it goes over the wire.

    ``strings`` maps a string index to the whole raw string descriptor; ``reports`` maps bInterfaceNumber to a HID
    report descriptor, each number once; ``bos`` and ``qualifier`` are empty when the device has none (it stalls the
    request). A device with strings but without string 0 serves US English as its one language.

    A device that names a ``model`` is played by that class (:mod:`usbfuzz.models`), which has bytes of its own:
    everything else but the name is empty then.
    """

    name: str
    device: bytes
    configurations: tuple[bytes, ...] = ()
    speed: Speed = Speed.HIGH
    strings: tuple[tuple[int, bytes], ...] = field(default=(), validator=_distinct)
    reports: tuple[tuple[int, bytes], ...] = field(default=(), validator=_distinct)
    bos: bytes = b""
    qualifier: bytes = b""
    control: tuple[ControlScript, ...] = ()
    endpoints: tuple[EndpointScript, ...] = ()
    model: str = ""


class Action(Enum):
    """What happens at a port; values are the words used in case files."""

    PLUG = "plug"
    UNPLUG = "unplug"
    RESET = "reset"  #: the host resets the device (USBDEVFS_RESET in the guest)


@frozen
class Event:
    """One step of the plug schedule. Events happen in order.

    Before it happens the schedule waits: until the device on ``port`` has been asked ``after_requests`` requests
    since it was plugged (or the guest is quiet), else for ``after_ms`` milliseconds of the guest's clock, else
    (both ``None``) until the guest has settled: every hub idle, every probe returned. A port holds one device and is
    a host controller of its own, so that events on different ports run in parallel. After the last event the guest
    settles, and what is still plugged is unplugged.
    """

    action: Action
    port: int = 0
    device: int | None = None  #: index into Case.devices, for PLUG
    after_ms: int | None = None
    after_requests: int | None = None


@frozen
class GuestNeeds:
    """How the guest must be booted, and what it must do, for the case to have its effect."""

    kernel_params: tuple[str, ...] = ()  #: e.g. ``slub_debug=FZPU``
    exercise: bool = True  #: open device nodes, bring interfaces up


@frozen
class Expectation:
    """What the case was seen to do: a crash title, or "" for harmless, and on which kernel.

    ``drivers`` has a line for each interface, ``BCONFIGURATIONVALUE.BINTERFACENUMBER DRIVER`` with ``-`` for none, and
    one for each HID device, ``hid DRIVER``; ``log`` has the kernel's warnings and errors without what differs from run
    to run; ``userspace`` has what programs could see of the device, ``INTERFACE SUBSYSTEM… PROPERTY: VALUE``. All are
    sorted, without repetitions, and None where they were not recorded.
    """

    kernel: str
    title: str
    alt_titles: tuple[str, ...] = ()  #: other titles the same bug gets, as when a wild pointer faults in another way
    reliability: int = ALWAYS  #: percent of runs that show the title
    drivers: tuple[str, ...] | None = None
    log: tuple[str, ...] | None = None
    userspace: tuple[str, ...] | None = None

    @property
    def names(self) -> frozenset[str]:
        """All titles of the bug; empty for harmless."""
        return frozenset((self.title, *self.alt_titles)) - {""}

    def runs_for(self, chance: float) -> int:
        """Runs of which at least one shows the title, but for a probability of at most ``chance`` that none does."""
        missed = 1 - self.reliability / ALWAYS
        return max(1, math.ceil(math.log(chance) / math.log(missed))) if missed > 0 else 1


@frozen
class Provenance:
    """Where a case comes from; never needed to run it."""

    source: str = ""  #: one line: a CVE, a mail, "campaign"
    seed: int | None = None
    index: int | None = None
    strategy: str = ""
    notes: str = ""


@frozen
class Case:
    """Devices, schedule, what the guest needs, what is expected, and where it comes from."""

    devices: tuple[DeviceSpec, ...]
    events: tuple[Event, ...]
    title: str = ""  #: one line for people
    guest: GuestNeeds = field(factory=GuestNeeds)
    expect: tuple[Expectation, ...] = ()
    provenance: Provenance = field(factory=Provenance)

    @property
    def ports(self) -> int:
        """How many ports the schedule needs: one more than the highest it names."""
        return 1 + max((event.port for event in self.events), default=0)

    @property
    def recorded_names(self) -> frozenset[str]:
        """The titles of the bug the case is kept for, on any kernel; empty if none is recorded."""
        return frozenset(name for row in self.expect for name in row.names)

    @property
    def recorded_kernel(self) -> str | None:
        """The kernel the recorded title was seen on; None if none is recorded."""
        return next((row.kernel for row in self.expect if row.title), None)
