"""The case: everything needed to run an input again, byte-exact."""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from usbfuzz.wire import Answer, Speed

if TYPE_CHECKING:
    from attrs import Attribute

__all__ = [
    "ALWAYS",
    "SHIFT",
    "Action",
    "Case",
    "ControlScript",
    "DeviceSpec",
    "EndpointScript",
    "Event",
    "Expectation",
    "Firmware",
    "GuestNeeds",
    "Provenance",
    "RequestPattern",
    "Schedule",
    "Step",
    "Use",
    "is_firmware_name",
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
    USE = "use"  #: a program of user space runs on what the device on that port brought
    SILENCE = "silence"  #: the device answers nothing any more
    STALL = "stall"  #: the device stalls every transfer from now on
    POWER_OFF = "power-off"  #: the hub takes the port's power away (``disable`` of the port in sysfs)
    POWER_ON = "power-on"
    UNBIND = "unbind"  #: the drivers of the device's interfaces let go of it
    BIND = "bind"  #: drivers are looked for again
    UNLOAD = "unload"  #: the modules of these drivers are removed, after those that use them
    SUSPEND = "suspend"  #: the device may sleep as soon as nobody needs it (autosuspend)
    RESUME = "resume"  #: it wakes up, and stays awake
    DEAUTHORIZE = "deauthorize"  #: the kernel may not use the device (``authorized`` in sysfs)
    AUTHORIZE = "authorize"
    CONFIGURE = "configure"  #: another configuration is set (``bConfigurationValue`` in sysfs)


@frozen
class Event:
    """One step of the plug schedule. Events happen in order.

    Before it happens the schedule waits: until the device on ``port`` has been asked ``after_requests`` requests
    since it was plugged (or the guest is quiet), else until it has answered ``after_packets`` packets and the first
    ``after_bytes`` bytes of the next, else for ``after_ms`` milliseconds of the guest's clock, else (all ``None``)
    until the guest has settled: every hub idle, every probe returned. A port holds one device and is a host controller
    of its own, so that events on different ports run in parallel. After the last event the guest settles, and what is
    still plugged is unplugged.

    A packet is a transfer that was answered, on any endpoint, as usbredir has them: a control or bulk transfer with all
    its data, or one interrupt or isochronous packet. While these are waited for, the device's nodes are opened as they
    are at the end of a schedule. Nothing beyond the moment is answered before the event happens: without
    ``after_bytes`` the next packet is not asked for yet, with 0 it is and has no answer.
    """

    action: Action
    port: int = 0
    device: int | None = None  #: index into Case.devices, for PLUG
    after_ms: int | None = None
    after_requests: int | None = None
    use: int | None = None  #: index into Case.uses, for USE
    #: For USE: let the schedule go on at once, and keep the device for at most so many ms of the guest's clock before
    #: the unplug at the end. None: the next event waits until the program has ended, or only holds.
    for_ms: int | None = None
    after_packets: int | None = None
    after_bytes: int | None = None  #: only with ``after_packets``
    configuration: int | None = None  #: bConfigurationValue, for CONFIGURE; -1 leaves the device unconfigured


@frozen
class Use:
    """A program of user space: one call a line (:mod:`usbfuzz.uses`), without comments and blank lines."""

    program: tuple[str, ...]


#: log2 of the nanoseconds that an instruction takes in a guest whose clock counts them: about what TCG really takes,
#: so that busy waiting (mdelay, a soft lockup) costs the wall no more than the guest.
SHIFT = 4


@frozen
class Schedule:
    """How the processors of an emulated guest take turns, and how late the host is: what decides who wins a race.

    Nothing of it is a guest's own doing, so that the same schedule can be set again. Only guests whose clock counts
    instructions have one.
    """

    shift: int = SHIFT  #: an instruction takes 2^shift ns of guest time: of a larger one fewer fit between two ticks
    turn_us: int = 0  #: guest microseconds until another processor gets its turn; 0: at the guest's own timers only
    #: Before each unplug and reset so many messages go to the guest and back, each some tens of guest microseconds.
    late: int = 0


#: Of the names of a firmware's directories and file: nothing that leads elsewhere, or that a kernel's log would cut.
_NAME_PART = r"[A-Za-z0-9_+,=@#()-][A-Za-z0-9_.+,=@#()-]*"
_FIRMWARE_NAME = re.compile(rf"(?:{_NAME_PART}/)*{_NAME_PART}")
_LONGEST_NAME = 200  #: characters


def is_firmware_name(name: str) -> bool:
    """Whether a :class:`Firmware` can have this name."""
    return len(name) <= _LONGEST_NAME and bool(_FIRMWARE_NAME.fullmatch(name))


def _harmless(_firmware: Firmware, attribute: Attribute[Any], name: str) -> None:
    if not is_firmware_name(name):
        raise ValueError(f"{attribute.name}: '{name[:80]}' is no name of a firmware file; write DIRECTORY/FILE")


@frozen
class Firmware:
    """A file that the guest's kernel finds when a driver asks for it by ``name``, a path below /lib/firmware.

    Raises ValueError for a name that could lead elsewhere.
    """

    name: str = field(validator=_harmless)
    data: bytes


@frozen
class GuestNeeds:
    """How the guest must be booted, and what it must do, for the case to have its effect."""

    kernel_params: tuple[str, ...] = ()  #: e.g. ``slub_debug=FZPU``
    exercise: bool = True  #: open device nodes, bring interfaces up, when the case has no uses of its own
    processors: int = 1
    schedule: Schedule = field(factory=Schedule)


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
    uses: tuple[Use, ...] = ()
    firmware: tuple[Firmware, ...] = ()  #: what drivers are given; a name that is not here is not found

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
