"""From an outcome to what can be compared with that of another day: drivers by interface, kernel messages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve

from harness.guest.place import Place
from harness.guest.survey import Seen
from harness.lane.outcome import Outcome
from usbfuzz.case.model import Case
from usbfuzz.reading import printable
from usbfuzz.triage.console import NO_PREFIX, as_log, as_text, lines_from

from .matrix import Observation
from .userspace import line, recordable

__all__ = ["driver_lines", "kernel_lines", "observe", "stable_line", "userspace_lines"]

_REPORTS = 4
_REPORT_CHARS = 16_000
_LINES = 100  #: distinct lines that are kept of one run
_LINE_CHARS = 300

#: What differs between guests and runs, and the word that replaces it: everything else in a line is behaviour.
_COUNTED = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\b(address|device number|devnum|device #|dev) \d+", r"\1 N"),  # drivers/usb/core/hub.c
        (r"\b([0-9A-F]{4}:[0-9A-F]{4}:[0-9A-F]{4})\.[0-9A-F]{4}\b", r"\1.N"),  # HID device
        (r"\b(input|event|js|mouse|hidraw|hiddev|card|ttyUSB|ttyACM|video|media|dvb|lp|sg|scsi|host|wdm)\d+", r"\1N"),
        (r"\b(usb|eth|wwan|wlan|can|hci|rfkill|phy)(\d+)(?=:| |$)", r"\1N"),
        (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "MAC"),
        (r"\b\d+:\d+:\d+:\d+\b", "H:C:T:L"),  # SCSI
        (r"\[(sd[a-z]+|sr\d+)\]", "[disk]"),
        (r"\b(?:0x)?[0-9a-f]{8,16}\b", "ADDR"),
        (r"\b(pid|PID|task|cpu|CPU)[ :#=]*\d+", r"\1 N"),
        (r"\b\d+(\.\d+)? ?(m|u|n)?s(ec|ecs|econds)?\b", "TIME"),
        # A serial port whose read ends while it is registered: it may have no name yet, or no driver, by chance
        # (usb_serial_probe, drivers/usb/serial/usb-serial.c; dev_driver_string, drivers/base/core.c).
        (r"^[\w-]+ (?:ttyUSBN|\(null\)): ", "usb-serial ttyUSBN: "),
    )
)


#: What the host controller's driver says when an event comes for an isochronous transfer that was given up already: a
#: matter of the guest's clock, and not of the device (handle_tx_event, drivers/usb/host/xhci-ring.c).
_BY_CHANCE = re.compile(
    r"xhci_hcd \S+ (?:ERROR Transfer event TRB DMA ptr not part of current TD|Looking for event-dma|"
    r"Event dma \S+ for ep \d+ status \d+ not part of TD)"
)


def observe(outcome: Outcome, case: Case, *, fresh: bool) -> Observation:
    """What is worth comparing in an outcome of ``case`` alone in its guest."""
    ports = sorted({event.port for event in case.events})
    reports = tuple(evolve(report, text=report.text[:_REPORT_CHARS]) for report in outcome.reports[:_REPORTS])
    return Observation(
        verdict=outcome.verdict,
        reports=reports,
        drivers=driver_lines(outcome, several=len(ports) > 1),
        log=() if reports else kernel_lines(outcome.console),
        userspace=userspace_lines(outcome, several=len(ports) > 1),
        seconds=outcome.seconds,
        fresh=fresh,
        trusted=outcome.believable,
    )


def driver_lines(outcome: Outcome, *, several: bool) -> tuple[str, ...]:
    """What bound where: ``1.0 usbhid``, ``hid hid-generic``; with ``several`` ports in use ``port 2 1.0 usbhid``."""
    bound = {(binding.name, binding.driver) for binding in outcome.bindings}
    named = {name for name, _ in bound}
    bound |= {(name, "-") for name in outcome.interfaces if name not in named}
    return tuple(sorted({f"{_place(name, several=several)} {driver}" for name, driver in bound}))


def _place(name: str, *, several: bool) -> str:
    """Where a driver is bound: ``1.0``, or with ``several`` ports in play ``port 1 1.0``; ``hid`` for a HID device."""
    place = Place.of(name)
    if place is None or not place.interface:
        return "hid"
    return f"port {place.port} {place.interface}" if several else place.interface


def userspace_lines(outcome: Outcome, *, several: bool) -> tuple[str, ...] | None:
    """What programs saw of the devices: ``1.2 sound capture rates: 48000``, of a whole device ``device …``."""
    if outcome.userspace is None:
        return None
    return recordable(line(f"{_part(seen, several=several)} {seen.what}", seen.value) for seen in outcome.userspace)


def _part(seen: Seen, *, several: bool) -> str:
    """The interface that something was seen of, or ``device``; with ``several`` ports in play ``port 1 1.0``."""
    place = Place.of(seen.device)
    part = seen.interface or "device"
    return f"port {place.port} {part}" if several and place else part


def kernel_lines(console: str) -> tuple[str, ...]:
    """Kernel messages (warnings and worse, as on the console), sorted, without what differs between runs."""
    lines = (as_text(line.text) for line in lines_from(as_log(console), 0) if line.caller != NO_PREFIX)
    stable = {stable_line(line) for line in lines if not _BY_CHANCE.match(line)}
    return tuple(_bounded(stable - {""}))


def _bounded(lines: set[str]) -> Iterable[str]:
    return sorted(lines)[:_LINES]


def stable_line(line: str) -> str:
    """A kernel line without counters, addresses and times; printable, and cut when it is too long."""
    for pattern, word in _COUNTED:
        line = pattern.sub(word, line)
    return printable(line).strip()[:_LINE_CHARS]
