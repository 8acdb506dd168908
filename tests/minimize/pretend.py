"""Pretended guests for the tests of minimization: a rule says which cases show the bug."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

from attrs import define, field

from usbfuzz.case.model import Action, Case, DeviceSpec, Event
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.jobs.minimize.oracle import CandidateRun

PLUG = (Event(Action.PLUG, 0, 0),)


@define
class PretendGuests:
    """``rule`` says whether a case shows the bug, ``reliability`` how often it then does."""

    rule: Callable[[Case], bool]
    width: int = 1
    reliability: float = 1.0
    late: float = 0.0  #: share of runs that are dilated, and silent
    ran: list[Case] = field(factory=list)
    most: int = 0  #: runs at the same time
    _now: int = 0
    _dice: random.Random = field(factory=lambda: random.Random(1))

    async def run(self, case: Case, *, fresh: bool) -> CandidateRun:
        self.ran.append(case)
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(self._dice.randrange(3)):
            await asyncio.sleep(0)
        self._now -= 1
        if self._dice.random() < self.late:
            return CandidateRun(hit=False, dilated=True)
        return CandidateRun(hit=self.rule(case) and self._dice.random() < self.reliability)


def device(*interfaces: bytes, **parts: object) -> DeviceSpec:
    """A device with one configuration whose totals are right."""
    body = b"".join(interfaces)
    head = ConfigurationDescriptor(wTotalLength=9 + len(body), bNumInterfaces=len(interfaces))
    return DeviceSpec("device", descriptor().raw, (head.raw + body,), **parts)  # type: ignore[arg-type]


def descriptor(**fields: int) -> DeviceDescriptor:
    plain = {"bcdUSB": 0x0200, "bMaxPacketSize0": 64, "idVendor": 0x1234, "idProduct": 0x5678, "bcdDevice": 0x0100}
    classes = {"bDeviceClass": 0, "bDeviceSubClass": 0, "bDeviceProtocol": 0}
    return DeviceDescriptor(**(plain | classes | fields))


def interface(number: int, *under: bytes, endpoints: int = 0) -> bytes:
    """An interface and what stands under it: class descriptors and ``endpoints`` of its own."""
    more = b"".join(
        EndpointDescriptor(bEndpointAddress=0x81 + nth, bmAttributes=2, wMaxPacketSize=512, bInterval=0).raw
        for nth in range(endpoints)
    )
    head = InterfaceDescriptor(
        bInterfaceNumber=number,
        bNumEndpoints=endpoints,
        bInterfaceClass=0xFF,
        bInterfaceSubClass=1,
        bInterfaceProtocol=2,
    )
    return head.raw + b"".join(under) + more
