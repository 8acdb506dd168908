"""Captures of USB traffic: pcap and pcapng of Linux, USBPcap and of bus analyzers, and the text of usbmon.

A capture that saw a device being plugged in holds its descriptors and all it said; both are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import evolve

from usbfuzz.descriptors.constants import ClassCode, DescriptorType, RequestKind
from usbfuzz.descriptors.text import ids_of
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.bus.transactions import BUS_LINK_TYPES
from usbfuzz.importers.capture.bus.urbs import urbs_of_bus
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.speed import guess_speed

from .conversation import converse
from .descriptors import read_descriptors, refusals
from .link_types import LINK_TYPES, urb_of
from .pcap import Capture, Packet, looks_pcap
from .transfers import Talk, talks, transfers
from .urbs import UrbEvent
from .usbmon_text import looks_usbmon, read_usbmon

__all__ = ["import_capture", "import_usbmon", "looks_pcap", "looks_usbmon", "with_conversation"]

_IDENTIFIED = 12  #: bytes of a device descriptor up to idProduct
_SHOWN = 4
_KIND = 0x60  #: bmRequestType bits 6:5
_ADVICE = "start the capture, then plug the device in"


def import_capture(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a pcap or pcapng file. Raises InputError."""
    urbs, problems = _urbs(content, name)
    return _devices(urbs, problems, name)


def with_conversation(imported: Imported, content: bytes, name: str) -> Imported:
    """A device that is known from elsewhere, and what a capture says it answered.

    For captures that begin when the device has long been plugged in. The device is the one at the address
    ``imported.origin`` names, or the only one of the capture. Raises InputError when there is neither.
    """
    urbs, problems = (
        read_usbmon(content) if looks_usbmon(content) else _urbs(content, name, imported.device.configurations)
    )
    said = talks(transfers(urbs))
    own = [talk for talk in said if imported.origin.startswith(_origin(talk))] or said
    if len(own) != 1:
        found = ", ".join(map(_origin, own[:_SHOWN])) or "no device"
        raise InputError(f"{name}: holds {found}, not {imported.origin} or one device alone; cut out the device meant")
    spec, filled, unkept = converse(imported.device, own[0].transfers)
    told = (*imported.problems, *problems, *unkept)
    return evolve(imported, device=spec, synthesised=(*imported.synthesised, *filled), problems=told)


def _urbs(content: bytes, name: str, known: Sequence[bytes] = ()) -> tuple[list[UrbEvent], list[Problem]]:
    capture = Capture(content, name)
    urbs: list[UrbEvent] = []
    on_bus, problems = urbs_of_bus(_sorted_out(capture.packets(), urbs), known)
    others = capture.link_types - LINK_TYPES.keys() - BUS_LINK_TYPES.keys()
    if others and others == capture.link_types:
        readable = ", ".join(f"{number} ({word})" for number, word in sorted(_READ.items()))
        raise InputError(f"{name}: captures link type {min(others)}, not USB; usbfuzz reads link types {readable}")
    return [*urbs, *on_bus], [*capture.problems, *problems]


#: link types and their names
_READ = LINK_TYPES | {number: word for number, (word, _) in BUS_LINK_TYPES.items()}


def _sorted_out(packets: Iterable[Packet], urbs: list[UrbEvent]) -> Iterator[Packet]:
    """The packets of a bus; those that tell of whole transfers go to ``urbs``."""
    for packet in packets:
        if packet.link_type in BUS_LINK_TYPES:
            yield packet
        elif urb := urb_of(packet):
            urbs.append(urb)


def import_usbmon(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of a text printed by usbmon. Raises InputError."""
    urbs, problems = read_usbmon(content)
    return _devices(urbs, problems, name)


def _devices(urbs: Iterable[UrbEvent], problems: list[Problem], name: str) -> tuple[Imported, ...]:
    said = talks(transfers(urbs))
    told = [talk for talk in said if _tells(talk)]
    if not told:
        raise InputError(f"{name}: {_silence(said, name)}")
    known = {(talk.bus, talk.address) for talk in told}
    mute = dict.fromkeys(_origin(talk) for talk in said if (talk.bus, talk.address) not in known and talk.address > 1)
    if mute:
        which = ", ".join([*mute][:_SHOWN]) + (" …" if len(mute) > _SHOWN else "")
        problems.append(Problem(0, f"not asked for their device descriptors, so left out: {which}; {_ADVICE}"))
    # What concerns the whole file is told once, with its first device.
    first, *others = map(_imported, told)
    return (evolve(first, problems=(*problems, *first.problems)), *others)


def _silence(said: list[Talk], name: str) -> str:
    """Why no device can be made of a capture, and what to do."""
    if not said:
        return f"it holds no transfer that tells its device descriptor; {_ADVICE}"
    talkers = (
        "1 device talks in it, but does not tell"
        if len(said) == 1
        else f"{len(said)} devices talk in it, but none tells"
    )
    return (
        f"{talkers} its device descriptor; {_ADVICE}, or join it to a dump: usbfuzz import lsusb.txt --capture {name}"
    )


def _origin(talk: Talk) -> str:
    return f"Bus {talk.bus:03} Device {talk.address:03}"


def _tells(talk: Talk) -> bool:
    """The device's own descriptor is in the capture, and it is no root hub: those are part of the host."""
    device = read_descriptors(talk.transfers)[0].device
    return len(device) >= _IDENTIFIED and not _is_root_hub(device)


def _imported(talk: Talk) -> Imported:
    spec, problems = read_descriptors(talk.transfers)
    identity = ids_of(spec.device)
    told = next((transfer.speed for transfer in reversed(talk.transfers) if transfer.speed), None)
    speed = told or guess_speed(spec.device, spec.configurations, spec.qualifier)
    spec = named(evolve(spec, speed=speed))
    spec, filled, unkept = converse(spec, talk.transfers)
    refused = refusals(talk.transfers)
    spec, made_up = complete(
        spec,
        refused={value & 0xFF for value, _ in refused if value >> 8 == DescriptorType.STRING},
        mute={index for value, index in refused if value >> 8 == DescriptorType.HID_REPORT},
        answers=not any(
            transfer.setup and transfer.setup.bmRequestType & _KIND == RequestKind.CLASS for transfer in talk.transfers
        ),
    )
    guessed = () if told else (f"speed {speed.value}, from the packet sizes (the capture does not tell it)",)
    return Imported(spec, f"{_origin(talk)}: {identity}", (*guessed, *made_up, *filled), (*problems, *unkept))


def _is_root_hub(device: bytes) -> bool:
    """Linux's own: 1d6b:0001, 1d6b:0002 or 1d6b:0003 (drivers/usb/core/hcd.c)."""
    return device[4] == ClassCode.HUB and device[8:10] == b"\x6b\x1d" and device[10] in (1, 2, 3) and not device[11]
