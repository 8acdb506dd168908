"""The plug schedule."""

from __future__ import annotations

import asyncio
import time

from .channel import Channel
from .device import Device
from .machine import Machine
from .spec import Event, Reproducer

__all__ = ["play"]

_FIRST_REQUEST_S = 20.0
_LONGEST_PROBE_S = 60.0  #: after this the next event happens although the bus is busy
_STEP_S = 0.02


async def play(case: Reproducer, machine: Machine, channels: list[Channel], calm: float) -> None:
    """Play all events, then unplug what is left; after ``calm`` seconds without requests the guest counts as quiet.

    Returns at the end, or when QEMU ends.
    """
    plugged: set[int] = set()
    for event in case.events:
        await _until_due(event, machine, channels, plugged, calm)
        if machine.ended:
            return
        print(f"=== {event.action} port {event.port}", flush=True)
        await _perform(case, event, channels[event.port], plugged)
    await _all_quiet(machine, channels, plugged, calm)
    for port in sorted(plugged):
        if not machine.ended:
            print(f"=== unplug port {port}", flush=True)
            await channels[port].unplug()
    await _watch(machine, calm)


async def _perform(case: Reproducer, event: Event, channel: Channel, plugged: set[int]) -> None:
    if event.action == "reset":
        print("=== a reset needs help inside of the guest (USBDEVFS_RESET); left out", flush=True)
        return
    if event.port in plugged:
        await channel.unplug()
        plugged.discard(event.port)
    if event.action == "plug" and event.device is not None:
        await channel.plug(Device(case.devices[event.device]))
        plugged.add(event.port)


async def _until_due(event: Event, machine: Machine, channels: list[Channel], plugged: set[int], calm: float) -> None:
    if event.after_requests is not None:
        channel, deadline = channels[event.port], time.monotonic() + _FIRST_REQUEST_S
        while channel.requests < event.after_requests and not machine.ended:
            if time.monotonic() > max(deadline, channel.last_request + calm):
                return
            await asyncio.sleep(0)
    elif event.after_ms is not None:
        await _watch(machine, event.after_ms / 1000)
    else:
        await _all_quiet(machine, channels, plugged, calm)


async def _all_quiet(machine: Machine, channels: list[Channel], plugged: set[int], calm: float) -> None:
    """Wait until every plugged device had a request, and none had one for ``calm`` seconds."""
    started = time.monotonic()
    while plugged and not machine.ended:
        machine.echo()
        now = time.monotonic()
        waited = now - started
        asked = all(channels[port].requests for port in plugged)
        last = max(channels[port].last_request for port in plugged)
        if (asked or waited > _FIRST_REQUEST_S) and now - last > calm and machine.quiet_for > calm:
            return
        if waited > _LONGEST_PROBE_S:
            return
        await asyncio.sleep(_STEP_S)


async def _watch(machine: Machine, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not machine.ended and time.monotonic() < deadline:
        machine.echo()
        await asyncio.sleep(_STEP_S)
