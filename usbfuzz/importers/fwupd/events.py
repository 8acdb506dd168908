"""fwupd's events: what it asked a device, and the answer.

An event's Id names the request and its parameters (libfwupdplugin/fu-usb-device.c), or is a digest of that: ``#`` and
eight hex digits of its SHA-1 (fu-device-event.c). Which request a digest stands for can be told only of requests with
few parameters.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Iterator

from attrs import field, mutable

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType
from usbfuzz.importers.capture.untimed import Untimed
from usbfuzz.wire import Answer, Setup, Status, TransferType

from .fields import Fields, decoded

__all__ = ["Heard", "hear"]

_TO_HOST = 0  #: Direction: FU_USB_DIRECTION_DEVICE_TO_HOST
#: libusb's error codes; None: the request never reached the device
_ERRORS = {
    -1: Status.IO_ERROR,
    -4: None,  # LIBUSB_ERROR_NO_DEVICE
    -7: Status.TIMEOUT,
    -8: Status.BABBLE,
    -9: Status.STALL,
}
_STATUSES = {
    1: Status.IO_ERROR,
    2: Status.TIMEOUT,
    4: Status.STALL,
    5: None,
    6: Status.BABBLE,
}  #: libusb_transfer_status
_TRANSFERS = {"BulkTransfer": TransferType.BULK, "InterruptTransfer": TransferType.INTERRUPT}
_REPORT_DESCRIPTOR = 0x02  #: HIDIOCGRDESC
#: HIDIOCSFEATURE to HIDIOCGOUTPUT: whether the report is read, and its type
_HID_REPORTS = {6: (False, 3), 7: (True, 3), 9: (False, 1), 10: (True, 1), 11: (False, 2), 12: (True, 2)}
_ENGLISH = 0x0409
_ATTRIBUTES = (
    "bConfigurationValue",
    "busnum",
    "class",
    "descriptors",
    "device",
    "devnum",
    "driver",
    "manufacturer",
    "product",
    "removable",
    "revision",
    "serial",
    "speed",
    "subsystem",
    "subsystem_device",
    "subsystem_vendor",
    "uevent",
    "vendor",
)
_PROPERTIES = (
    "BUSNUM DEVNAME DEVNUM DEVTYPE DRIVER HID_ID HID_NAME HID_PHYS HID_UNIQ ID_SERIAL_SHORT MODALIAS PRODUCT SUBSYSTEM"
)


@mutable
class Heard:
    """What the events of one device say."""

    said: Untimed = field(factory=Untimed)
    loaded: dict[str, bytes] = field(factory=dict)  #: files of sysfs: ``descriptors``, ``bos_descriptors``
    texts: dict[int, str] = field(factory=dict)  #: strings by index
    strings: dict[int, bytes] = field(factory=dict)  #: raw string descriptors by index
    refused: set[int] = field(factory=set)  #: strings that were asked for and not given
    report: bytes = b""  #: the report descriptor of a hidraw node
    digests: int = 0  #: events of which nobody knows what was asked


def hear(events: Iterable[Fields], interface: int = 0) -> Heard:
    """Take the events in their order; ``interface`` is that of a hidraw node."""
    heard = Heard()
    for event in events:
        identity = event.text("Id")
        if identity.startswith("#"):
            identity = _digests().get(identity, "")
            heard.digests += not identity
        name, _, rest = identity.partition(":")
        given = dict(_pairs(rest))
        if name == "LoadDescriptor":
            heard.loaded.setdefault(given.get("basename", ""), event.data("Data"))
        elif name in ("GetStringDescriptor", "GetStringDescriptorBytes"):
            _string(heard, _number(given, "DescIndex") & 0xFF, event, raw=name.endswith("Bytes"))
        elif name == "Ioctl":
            _ioctl(heard, _number(given, "Request", 32), event, interface)
        elif (answer := _answer(event)) is None:
            continue
        elif name == "ControlTransfer":
            heard.said.control(_setup(given), decoded(given.get("Data", "")), answer)
        elif name in _TRANSFERS:
            address = _number(given, "Endpoint")
            heard.said.moved(address, _TRANSFERS[name], decoded(given.get("Data", "")), answer)
    return heard


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    for word in rest.split(","):
        key, _, value = word.partition("=")
        yield key, value


def _number(given: dict[str, str], name: str, bits: int = 16) -> int:
    try:
        return int(given.get(name, ""), 16) & ((1 << bits) - 1)
    except ValueError:
        return 0


def _ioctl(heard: Heard, request: int, event: Fields, interface: int) -> None:
    """What a hidraw node answered. include/uapi/linux/hidraw.h"""
    if request >> 8 & 0xFF != ord("H") or event.integer("Error"):
        return
    number, data = request & 0xFF, event.data("DataOut")
    if number == _REPORT_DESCRIPTOR:
        heard.report = data[4 : 4 + int.from_bytes(data[:4], "little")]
    elif number in _HID_REPORTS:
        is_in, kind = _HID_REPORTS[number]
        heard.said.hid_report(kind, data, interface, is_in=is_in)


def _setup(given: dict[str, str]) -> Setup:
    direction = DIRECTION_IN if _number(given, "Direction") == _TO_HOST else 0
    kind, recipient = _number(given, "RequestType") & 3, _number(given, "Recipient") & 0x1F
    return Setup(
        direction | kind << 5 | recipient,
        _number(given, "Request") & 0xFF,
        _number(given, "Value"),
        _number(given, "Idx"),
        _number(given, "Length"),
    )


def _answer(event: Fields) -> Answer | None:
    """The answer; None when the request did not reach the device."""
    error, status = event.integer("Error"), event.integer("Status")
    if error:
        failed = _ERRORS.get(error, Status.IO_ERROR)
    elif status:
        failed = _STATUSES.get(status, Status.IO_ERROR)
    else:
        return Answer(Status.OK, event.data("Data"))
    return Answer(failed) if failed else None


def _string(heard: Heard, index: int, event: Fields, *, raw: bool) -> None:
    data = event.data("Data")
    if not data:
        heard.refused.add(index)
    elif not raw:  # a buffer of libusb's, with anything behind the text
        heard.texts.setdefault(index, data.partition(b"\0")[0].decode("utf-8", "replace"))
    elif data[1:2] == bytes((DescriptorType.STRING,)):
        heard.strings.setdefault(index, data[: max(data[0], 2)])


@functools.cache
def _digests() -> dict[str, str]:
    """The requests that can be told from their digests."""
    known = [f"LoadDescriptor:basename={name}" for name in ("descriptors", "bos_descriptors")]
    known += [f"GetStringDescriptor:DescIndex={index:#04x}" for index in range(256)]
    known += [
        f"GetStringDescriptorBytes:DescIndex={index:#04x},Langid={_ENGLISH:#06x},Length={length:#x}"
        for index in range(256)
        for length in (0x40, 0x80, 0xFE, 0xFF, 0x100)
    ]
    known += [f"{ask}:Attr={name}" for name in _ATTRIBUTES for ask in ("ReadAttr", "GetSymlinkTarget")]
    known += [f"ReadProp:Key={name}" for name in _PROPERTIES.split()]
    return {f"#{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()[:8]}": text for text in known}
