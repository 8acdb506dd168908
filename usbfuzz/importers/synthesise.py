"""Descriptors and answers that a file lacks, made up from what it has so that the kernel's driver binds."""

from __future__ import annotations

from usbfuzz.case.model import ControlScript, Step
from usbfuzz.descriptors import string_descriptor
from usbfuzz.descriptors.constants import DescriptorType, StandardRequest
from usbfuzz.descriptors.hid import BOOT_KEYBOARD_REPORT, BOOT_MOUSE_REPORT
from usbfuzz.descriptors.hub import HubDescriptor, SuperSpeedHubDescriptor
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.wire import Answer, Status

__all__ = [
    "companion_interval",
    "cut_string",
    "descriptor_script",
    "hid_descriptor",
    "hub_scripts",
    "report_descriptor",
    "string_for",
]

_BOOT = 1  #: bInterfaceSubClass
_KEYBOARD, _MOUSE = 1, 2  #: bInterfaceProtocol
#: One vendor-defined collection: eight bytes in, eight out.
_GENERIC = bytes.fromhex("06 00 ff 09 01 a1 01 15 00 26 ff 00 75 08 95 08 09 01 81 02 09 01 91 02 c0")
_PAGE = b"\x05\x01"  #: Usage Page (Generic Desktop): changes nothing where no usage follows
_LONG_PAGE = b"\x06\x01\x00"
_MAX_PORTS = 31
_MAX_STRING = 252  #: bytes
_WORDS = {"iSerialNumber": "000000000001", "iMACAddress": "020000000001"}


def report_descriptor(bInterfaceSubClass: int, bInterfaceProtocol: int, length: int) -> bytes:
    """A HID report descriptor of exactly ``length`` bytes: a boot keyboard or mouse as the interface says, else vendor.

    Spare bytes are filled with items that have no effect; a length too short for the descriptor cuts it.
    """
    whole = _fitting(bInterfaceSubClass, bInterfaceProtocol)
    if len(whole) > length:
        whole = _GENERIC
    spare = length - len(whole)
    if spare < 0:
        return whole[:length]
    if spare == 1:  # no padding item has one byte, so another item takes a longer form
        return whole.replace(b"\x75\x08", b"\x76\x08\x00", 1)
    return whole + _PAGE * ((spare - 3) // 2) + _LONG_PAGE if spare % 2 else whole + _PAGE * (spare // 2)


def _fitting(bInterfaceSubClass: int, bInterfaceProtocol: int) -> bytes:
    kinds = {_KEYBOARD: BOOT_KEYBOARD_REPORT, _MOUSE: BOOT_MOUSE_REPORT}
    return kinds.get(bInterfaceProtocol, _GENERIC) if bInterfaceSubClass == _BOOT else _GENERIC


def hid_descriptor(bInterfaceSubClass: int, bInterfaceProtocol: int, report: bytes) -> bytes:
    """The HID descriptor that announces this report descriptor; where that is empty, the one that will be made up."""
    return build.hid(report or _fitting(bInterfaceSubClass, bInterfaceProtocol))


def cut_string(text: str) -> bytes:
    """The string descriptor of as much of a text as fits into one."""
    units = text.encode("utf-16-le", "replace")[:_MAX_STRING]
    return string_descriptor(units.decode("utf-16-le", "ignore"))


def string_for(name: str, index: int) -> bytes:
    """A string descriptor for the string the field ``name`` points to."""
    return string_descriptor(_WORDS.get(name, f"{name.removeprefix('i')} {index}"))


def companion_interval(wMaxPacketSize: int, bMaxBurst: int, mult: int) -> int:
    """wBytesPerInterval of a periodic SuperSpeed endpoint that uses all it may. USB 3.2 §9.6.7."""
    return min(wMaxPacketSize * (bMaxBurst + 1) * (mult + 1), 0xFFFF)


def descriptor_script(bmRequestType: int, kind: int, raw: bytes) -> ControlScript:
    """The answer to GET_DESCRIPTOR of a descriptor no :class:`~usbfuzz.case.DeviceSpec` has a place for."""
    return ControlScript((Step(Answer(data=raw), 0),), bmRequestType, StandardRequest.GET_DESCRIPTOR, kind << 8)


def hub_scripts(hub: bytes) -> tuple[ControlScript, ...]:
    """Answers to the requests of the kernel's hub driver, as of a hub with empty ports. USB 2.0 §11.24."""
    head = HubDescriptor.view(hub) or SuperSpeedHubDescriptor.view(hub)
    if head is None:
        raise InputError(f"{hub.hex(' ')} is no hub descriptor.")
    kind = DescriptorType(hub[1])
    powered = b"\xa0\x02\0\0" if kind is DescriptorType.SUPERSPEED_HUB else b"\0\x01\0\0"
    accept = (Step(Answer(Status.OK), 0),)
    return (
        descriptor_script(0xA0, kind, hub),
        ControlScript((Step(Answer(data=bytes(4)), 0),), 0xA0, StandardRequest.GET_STATUS),
        *(
            ControlScript((Step(Answer(data=powered), 0),), 0xA3, StandardRequest.GET_STATUS, wIndex=port)
            for port in range(1, min(head.bNbrPorts, _MAX_PORTS) + 1)
        ),
        *(ControlScript(accept, kind_, request) for kind_ in (0x20, 0x23) for request in _FEATURES),
    )


_FEATURES = (StandardRequest.SET_FEATURE, StandardRequest.CLEAR_FEATURE)
