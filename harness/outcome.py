"""Everything observed while cases ran in a guest."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from usbfuzz.triage import Report

from .usbredir.recorder import NOT_RECORDED, Conversation

__all__ = ["Binding", "Outcome", "Verdict"]


class Verdict(Enum):
    """What the guest did, worst first."""

    CRASH = "crash"  #: the console holds at least one report
    HANG = "hang"  #: no report, but a hub, a probe or the whole guest no longer moves
    DIED = "died"  #: QEMU went away without a report on the console
    CLEAN = "clean"


@frozen
class Binding:
    """A driver that bound while the case ran."""

    port: int  #: port of the guest, -1 for a HID device, whose name does not tell
    name: str  #: sysfs name of the bound device: ``3-1:1.0``, ``0003:1234:5678.0001``
    driver: str


@frozen
class Outcome:
    """What one round (one case alone, or several side by side) did to the guest."""

    verdict: Verdict
    reports: tuple[Report, ...]  #: crash reports in console order; for HANG and DIED one made by the harness
    console: str  #: what the guest printed during the round (and until it was dead)
    bindings: tuple[Binding, ...]
    interfaces: tuple[str, ...]  #: sysfs names of those that appeared: ``3-1:1.0``
    plugs: int  #: devices plugged
    enumerated: int  #: devices that came as far as a usb_device uevent
    requests: int  #: usbredir requests answered
    seconds: float  #: wall time of the round
    worst_reply_ms: float  #: slowest reply of ours, wall time
    dilated: bool  #: a reply came so late that the guest may have timed out because of us: never believe, run again
    restored: bool  #: the guest was restored from its snapshot after this round
    conversation: Conversation = NOT_RECORDED  #: empty unless the lane records

    @property
    def title(self) -> str:
        """Title of the first report, or "" when clean."""
        return self.reports[0].title if self.reports else ""
