"""The USB devices of a fwupd emulation: descriptors, and the answers that fwupd recorded."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import ClassCode, DescriptorType, RequestKind
from usbfuzz.descriptors.text import ids_of
from usbfuzz.descriptors.tree import hid_interfaces
from usbfuzz.errors import InputError
from usbfuzz.importers.capture.conversation import converse
from usbfuzz.importers.capture.descriptors import read_descriptors, refusals
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.raw import looks_raw, parse_raw
from usbfuzz.importers.synthesise import cut_string

from .descriptors import built
from .events import Heard, hear
from .fields import Fields
from .records import Record, records

__all__ = ["import_fwupd"]

_KIND = 0x60  #: bmRequestType bits 6:5


def import_fwupd(content: bytes, name: str) -> tuple[Imported, ...]:
    """The USB devices of an emulation. Raises InputError when it cannot be read or holds none."""
    found = tuple(filter(None, (_imported(record, name) for record in records(content, name))))
    if not found:
        raise InputError(f"{name}: holds no USB device; tag it (fwupdmgr emulation-tag), plug it in again and save")
    return found


def _imported(record: Record, name: str) -> Imported | None:
    """The device; None when it is none of USB."""
    heard = hear(record.events, record.interface)
    whole = heard.loaded.get("descriptors", b"")
    if not looks_raw(whole) and not record.fields.number("IdVendor", 16):
        return None
    spec, made_up, problems = _descriptors(record, heard, whole, name)
    if heard.digests:
        what = f"{heard.digests} of {len(record.events)} events are kept as digests; what was asked is not known"
        problems.append(Problem(0, f"{what}, and they are left out"))
    said = heard.said.transfers
    spec, filled, unkept = converse(named(spec), said)
    refused = refusals(said)
    spec, completed = complete(
        spec,
        refused=heard.refused | {value & 0xFF for value, _ in refused if value >> 8 == DescriptorType.STRING},
        mute={index for value, index in refused if value >> 8 == DescriptorType.HID_REPORT},
        answers=not any(asked.setup and asked.setup.bmRequestType & _KIND == RequestKind.CLASS for asked in said),
    )
    return Imported(spec, _origin(record, spec), (*made_up, *completed, *filled), (*problems, *unkept))


def _origin(record: Record, spec: DeviceSpec) -> str:
    ids = ids_of(spec.device, "a device")
    return f"{record.place}: {ids}" if record.place else ids


def _descriptors(record: Record, heard: Heard, whole: bytes, name: str) -> tuple[DeviceSpec, list[str], list[Problem]]:
    """The device as its descriptors show it: those fwupd kept whole, else made of what it kept of them."""
    asked = read_descriptors(heard.said.transfers)[0]
    fields, reports = record.fields, dict(asked.reports)
    if heard.report:
        reports.setdefault(record.interface, heard.report)
    made_up: list[str]
    if looks_raw(whole):
        spec, told = parse_raw(whole, name)
        made_up, problems = [f"speed {spec.speed.value}, from the packet sizes (fwupd does not tell it)"], [*told]
        reports |= _assigned(fields, hid_interfaces(spec.configurations), reports)
    else:
        numbers = (
            interface.number("InterfaceNumber")
            for interface in fields.objects("UsbInterfaces")
            if interface.number("InterfaceClass") == ClassCode.HID
        )
        reports |= _assigned(fields, [*dict.fromkeys(numbers)], reports)
        types = {moved.bEndpointAddress: moved.type for moved in heard.said.transfers if moved.setup is None}
        result = built(fields, reports, types)
        spec, made_up, problems = result.spec, result.made_up, result.problems
    strings = {index: cut_string(text) for index, text in heard.texts.items() if index and text}
    spec = evolve(
        spec,
        strings=tuple(sorted((strings | dict(asked.strings) | heard.strings).items())),
        reports=tuple(sorted(reports.items())),
        bos=heard.loaded.get("bos_descriptors") or spec.bos,
        qualifier=asked.qualifier or spec.qualifier,
    )
    return spec, made_up, problems


def _assigned(fields: Fields, interfaces: Iterable[int], known: dict[int, bytes]) -> dict[int, bytes]:
    """fwupd's list of report descriptors, by interface: it is in their order, without those that were refused."""
    listed = [raw for raw in fields.blobs("UsbHidDescriptors") if raw and raw not in known.values()]
    without = [number for number in interfaces if number not in known]
    return dict(zip(without, listed, strict=False))
