"""A case as data: what each device answers, and when it is plugged and unplugged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Optional, Tuple

__all__ = [
    "Configuration",
    "DeviceSpec",
    "Endpoint",
    "Event",
    "Hardware",
    "Pattern",
    "Reproducer",
    "Script",
    "Setting",
    "Setup",
    "Status",
    "Step",
    "unhex",
]


class Status:
    """How a transfer ends: usbredir's numbers, and two that are never sent."""

    SUCCESS, CANCELLED, INVAL, IOERROR, STALL, TIMEOUT, BABBLE = range(7)
    NAK = -1  #: not now: ask again after the host's next control request or write
    NEVER = -2  #: no answer: the host waits until its own timeout


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as announced to QEMU; the bytes the guest reads may say something else."""

    address: int
    type: int  #: 0 control, 1 isochronous, 2 bulk, 3 interrupt
    interval: int
    max_packet_size: int
    max_streams: int = 0


@dataclass(frozen=True)
class Setting:
    """One alternate setting: class, subclass and protocol, and its endpoints."""

    triple: tuple[int, int, int]
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True)
class Configuration:
    """What the kernel keeps of it: settings by bInterfaceNumber and bAlternateSetting, the default first."""

    value: int
    attributes: int  #: bmAttributes; bit 6 is self-powered
    interfaces: dict[int, dict[int, Setting]] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """An answer given ``times`` times in a row (0: for ever); ``configuration`` is what its data describes."""

    data: bytes = b""
    status: int = Status.SUCCESS
    delay_ms: int = 0
    times: int = 1
    configuration: Configuration | None = None


#: bmRequestType, bRequest, wValue, wIndex, wLength.
Setup = Tuple[int, int, int, int, int]
#: The same; None is any.
Pattern = Tuple[Optional[int], Optional[int], Optional[int], Optional[int], Optional[int]]


@dataclass(frozen=True)
class Script:
    """Answers to the control requests that match, in order; asleep until a request matches ``after``."""

    pattern: Pattern
    steps: tuple[Step, ...]
    after: Pattern | None = None


@dataclass(frozen=True)
class DeviceSpec:
    """One device: descriptors by wValue (of the device) and by (type, bInterfaceNumber), and its scripts."""

    name: str
    speed: int  #: 0 low, 1 full, 2 high, 3 super
    device: bytes
    descriptors: dict[int, bytes]
    interface_descriptors: dict[tuple[int, int], bytes]
    hid: tuple[int, ...]  #: interfaces that answer HID requests
    configurations: dict[int, Configuration]  #: by descriptor index
    control: tuple[Script, ...] = ()
    endpoints: dict[int, tuple[Step, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """A plug, unplug or reset: after so many requests, so many milliseconds, or (neither) once the guest is quiet."""

    action: str
    port: int = 0
    device: int | None = None
    after_ms: int | None = None
    after_requests: int | None = None


@dataclass(frozen=True)
class Hardware:
    """The emulated computer: QEMU's program, and what its options say."""

    qemu: str
    machine: str  #: -machine
    cpu_kvm: str  #: -cpu with hardware virtualisation
    cpu_tcg: str  #: -cpu when emulated: without what is slow to emulate
    processors: int = 1


@dataclass(frozen=True)
class Reproducer:
    """Everything below is played from this."""

    title: str
    kernel: str  #: the one it was seen on
    hardware: Hardware
    key_line: str  #: regular expression of a console line that says so
    append: str  #: kernel command line
    append_warped: str  #: words for an emulated guest whose clock skips idle time
    devices: tuple[DeviceSpec, ...]
    events: tuple[Event, ...]


def unhex(text: str) -> bytes:
    """Bytes as hex digits, with # comments."""
    return bytes.fromhex(re.sub(r"#[^\n]*", "", text))
