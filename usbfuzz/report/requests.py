"""What is asked of a device so that every answer its scripts hold is heard once."""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.case.model import ControlScript, DeviceSpec, RequestPattern, Step
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.wire import Setup

__all__ = ["endpoint_reads", "scripted_requests"]

_MOST = 64  #: requests of one script
_MOST_READS = 512  #: of one endpoint
_LONG = 0xFFFF  #: wLength of a read where a script takes any


def scripted_requests(spec: DeviceSpec) -> Iterator[Setup]:
    """A request for each answer of each control script, and one that shows how it goes on; 64 of a script at most.

    What wakes a script comes before its requests. Where a script takes any value, 0 is asked.
    """
    for script in spec.control:
        if script.after is not None:
            yield _setup(script.after)
        for _ in range(_times(script.steps, _MOST)):
            yield _setup(script)


def endpoint_reads(spec: DeviceSpec) -> Iterator[tuple[int, int]]:
    """Address and number of the transfers that hear all an endpoint's scripts say; 512 at most."""
    for address in dict.fromkeys(script.bEndpointAddress for script in spec.endpoints):
        steps = tuple(step for script in spec.endpoints if script.bEndpointAddress == address for step in script.steps)
        yield address, _times(steps, _MOST_READS)


def _times(steps: tuple[Step, ...], most: int) -> int:
    """An answer for ever is heard twice."""
    return min(sum(step.times or 2 for step in steps), most)


def _setup(pattern: ControlScript | RequestPattern) -> Setup:
    bmRequestType = DIRECTION_IN if pattern.bmRequestType is None else pattern.bmRequestType
    wLength = pattern.wLength
    if wLength is None:
        wLength = _LONG if bmRequestType & DIRECTION_IN else 0
    return Setup(bmRequestType, pattern.bRequest or 0, pattern.wValue or 0, pattern.wIndex or 0, wLength)
