"""The messages between the benchmark and its workers, one JSON object a line."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from harness.guest.qemu import Mode
from harness.workers.messages import WorkerMessages

__all__ = ["MESSAGES", "Devices", "Measured", "Measurement", "WorkerStart"]


class Devices(Enum):
    """The devices that a lane plugs while it is measured."""

    MICE = "mice"
    READY = "ready"  #: a campaign's cases, made before the clock starts
    FRESH = "fresh"  #: the same, made meanwhile by a campaign's generator process on the lane's core


@frozen
class WorkerStart:
    """The first line to a worker."""

    cpu: int  #: core to stay on


@frozen
class Measurement:
    """What one lane is to measure."""

    kernel: str
    mode: Mode
    ports: int
    seconds: float  #: that it lasts, without booting
    devices: Devices = Devices.MICE
    checked: bool = False  #: the guest is looked into, booted and validated as a campaign's


@frozen
class Measured:
    """What one measurement found."""

    devices: int  #: mice enumerated, bound and unplugged; or all devices plugged in, also those that did not enumerate
    seconds: float
    dilated: int  #: rounds in which the guest was answered too late
    worst_reply_ms: float


MESSAGES: WorkerMessages[WorkerStart, Measurement, Measured]
MESSAGES = WorkerMessages.of("bench pipe", WorkerStart, Measurement, Measured)
