"""The kernel's list of USB devices (``/sys/kernel/debug/usb/devices``, once ``/proc/bus/usb/devices``).

drivers/usb/core/devices.c writes it, and the program ``usb-devices`` of usbutils imitates it (up to version 013 without
endpoints). A line is a letter and values: T where and how fast, D and P the device, S strings, C a configuration, A an
association, I an interface, E an endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from attrs import evolve, field, mutable

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import build
from usbfuzz.errors import InputError
from usbfuzz.wire import Speed, TransferType

from .complete import complete
from .model import Imported, distinct
from .naming import named
from .outline import Association, Configuration, Endpoint, Interface, Outline
from .speed import told_speed
from .synthesise import cut_string

__all__ = ["import_listing", "looks_listing"]

_LOOK = 256 << 10
_SIGN = re.compile(
    rb"^[>\s]*T:  ?Bus= ?\d+ Lev= ?\d+ Prnt= ?\d+ [^\n]*\n(?:[^\n]*\n){0,3}?[>\s]*D:  ?Ver=", re.MULTILINE
)
_LINE = re.compile(r"[> \t]{0,40}([TDPSCAIE]):[* ] ?(.*)", re.ASCII)
_VALUE = re.compile(r"([\w#]+)= *([^\s(]+)", re.ASCII)
_STRINGS = ("Manufacturer", "Product", "SerialNumber")  #: get the indices 1 to 3
_MAX_DEVICES, _MAX_INTERFACES, _MAX_ENDPOINTS = 1024, 256, 32
_MICROFRAME_US, _FRAME_US = 125, 1000


@mutable
class _Listed:
    """The lines of one device."""

    line: int
    place: dict[str, str]
    device: dict[str, str] = field(factory=dict)
    strings: dict[str, str] = field(factory=dict)
    configurations: list[_Listing] = field(factory=list)

    @property
    def speed(self) -> Speed:
        """As the kernel says it, else full."""
        return self.told_speed or Speed.FULL

    @property
    def told_speed(self) -> Speed | None:
        """As the kernel says it, if it does."""
        return told_speed(self.place.get("Spd", ""))


@mutable
class _Listing:
    """The lines of one configuration."""

    values: dict[str, str]
    associations: list[dict[str, str]] = field(factory=list)
    interfaces: list[tuple[dict[str, str], list[dict[str, str]]]] = field(factory=list)


def looks_listing(content: bytes) -> bool:
    """A line T, and a line D near it."""
    return _SIGN.search(content[:_LOOK]) is not None


def import_listing(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices of the list. Raises InputError when it holds none."""
    listed = [device for device in _read(content.decode("utf-8", "replace")) if "Vendor" in device.device]
    if not listed:
        raise InputError(f"{name}: lists no USB device; give the whole of /sys/kernel/debug/usb/devices")
    return distinct(map(_imported, listed))


def _read(text: str) -> list[_Listed]:
    found: list[_Listed] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE.match(line)
        if match is None:
            continue
        kind, rest = match[1], match[2]
        values = dict(_VALUE.findall(rest))
        if kind == "T" and len(found) < _MAX_DEVICES:
            found.append(_Listed(number, values))
        elif found and kind == "S":
            key, _, value = rest.strip().partition("=")
            found[-1].strings[key] = value
        elif found:
            _add(found[-1], kind, values)
    return found


def _add(device: _Listed, kind: str, values: dict[str, str]) -> None:
    if kind in "DP":
        device.device |= values
    elif kind == "C":
        device.configurations.append(_Listing(values))
    elif device.configurations:
        last = device.configurations[-1]
        if kind == "A":
            last.associations.append(values)
        elif kind == "I" and len(last.interfaces) < _MAX_INTERFACES:
            last.interfaces.append((values, []))
        elif kind == "E" and last.interfaces and len(last.interfaces[-1][1]) < _MAX_ENDPOINTS:
            last.interfaces[-1][1].append(values)


def _imported(listed: _Listed) -> Imported:
    outline = Outline(listed.speed is Speed.SUPER)
    configurations = []
    for part in listed.configurations:
        _note_missing(part, outline)
        configurations.append(outline.configuration(_configuration(part, listed, outline)))
    strings = {
        index: cut_string(text) for index, key in enumerate(_STRINGS, 1) if (text := listed.strings.get(key, ""))
    }
    spec = DeviceSpec("", _device(listed, strings, len(configurations)), tuple(configurations), listed.speed)
    spec, made_up = complete(named(evolve(spec, strings=tuple(strings.items()))))
    if listed.told_speed is None:
        outline.made_up[f"speed {spec.speed.value}, as the list does not tell it"] = None
    if strings:
        outline.made_up["the indices of the strings"] = None
    bus, number = _number(listed.place, "Bus"), _number(listed.place, "Dev#")
    ids = f"{_number(listed.device, 'Vendor', 16):04x}:{_number(listed.device, 'ProdID', 16):04x}"
    return Imported(spec, f"Bus {bus:03} Device {number:03}: {ids}", (*outline.made_up, *made_up), tuple(outline.told))


def _device(listed: _Listed, strings: dict[int, bytes], configurations: int) -> bytes:
    values = listed.device
    return build.device(
        bcdUSB=_bcd(values.get("Ver", "2.00")),
        bDeviceClass=_number(values, "Cls", 16) & 0xFF,
        bDeviceSubClass=_number(values, "Sub", 16) & 0xFF,
        bDeviceProtocol=_number(values, "Prot", 16) & 0xFF,
        bMaxPacketSize0=9 if listed.speed is Speed.SUPER else _number(values, "MxPS") & 0xFF or 64,
        idVendor=_number(values, "Vendor", 16),
        idProduct=_number(values, "ProdID", 16),
        bcdDevice=_bcd(values.get("Rev", "0.00")),
        iManufacturer=1 if 1 in strings else 0,
        iProduct=2 if 2 in strings else 0,
        iSerialNumber=3 if 3 in strings else 0,
        bNumConfigurations=configurations & 0xFF,
    )


def _configuration(part: _Listing, listed: _Listed, outline: Outline) -> Configuration:
    unit = 8 if listed.speed is Speed.SUPER else 2  # mA
    power = re.match(r"\d{1,5}", part.values.get("MxPwr", part.values.get("MPwr", "")))
    free = iter(range(1, 16))
    return Configuration(
        tuple(_interface(values, endpoints, listed, outline, free) for values, endpoints in part.interfaces),
        bConfigurationValue=_number(part.values, "Cfg#") & 0xFF,
        bmAttributes=_number(part.values, "Atr", 16) & 0xFF if "Atr" in part.values else None,
        bMaxPower=int(power[0]) // unit & 0xFF if power else None,
        associations=tuple(map(_association, part.associations)),
    )


def _note_missing(part: _Listing, outline: Outline) -> None:
    """usb-devices tells of each interface only the alternate setting in use."""
    told = [(_number(values, "If#"), _number(values, "Alt")) for values, _ in part.interfaces]
    for number, alternate in told:
        if (number, 0) not in told:
            what = f"of interface {number} only alternate setting {alternate} is told; it has no other"
            outline.problems[what] = None


def _association(values: dict[str, str]) -> Association:
    return Association(
        _number(values, "FirstIf#") & 0xFF,
        _number(values, "IfCount") & 0xFF,
        _number(values, "Cls", 16) & 0xFF,
        _number(values, "Sub", 16) & 0xFF,
        _number(values, "Prot", 16) & 0xFF,
    )


def _interface(
    values: dict[str, str], endpoints: list[dict[str, str]], listed: _Listed, outline: Outline, free: Iterator[int]
) -> Interface:
    interface = Interface(
        _number(values, "If#") & 0xFF,
        _number(values, "Alt") & 0xFF,
        _number(values, "Cls", 16) & 0xFF,
        _number(values, "Sub", 16) & 0xFF,
        _number(values, "Prot", 16) & 0xFF,
    )
    told = tuple(_endpoint(endpoint, listed.speed) for endpoint in endpoints)
    count = min(_number(values, "#EPs"), _MAX_ENDPOINTS)
    if count and not told:
        outline.made_up[f"the endpoints of {interface.name}, {count} by number"] = None
        told = tuple(_guessed(interface.bInterfaceClass, count, listed.speed, free))
    return evolve(interface, endpoints=told)


def _endpoint(values: dict[str, str], speed: Speed) -> Endpoint:
    bmAttributes, size = _number(values, "Atr", 16) & 0xFF, _number(values, "MxPS")
    # Up to Linux 4.9 the size is that of all transactions of a microframe together.
    transactions = min(-(-size // 1024), 3) if size > 1024 else 1
    return Endpoint(
        _number(values, "Ad", 16) & 0xFF,
        bmAttributes,
        (size // transactions & 0x7FF) | (transactions - 1) << 11,
        _interval(values.get("Ivl", ""), bmAttributes, speed),
    )


def _interval(text: str, bmAttributes: int, speed: Speed) -> int:
    """bInterval of what the kernel shows as a time (usb_dump_endpoint_descriptor)."""
    found = re.match(r"(\d{1,9})(us|ms)", text)
    if found is None:
        return 0
    is_fast = speed in (Speed.HIGH, Speed.SUPER)
    units = int(found[1]) * (1000 if found[2] == "ms" else 1) // (_MICROFRAME_US if is_fast else _FRAME_US)
    is_exponent = bmAttributes & 3 == TransferType.ISOCHRONOUS or (
        bmAttributes & 3 == TransferType.INTERRUPT and is_fast
    )
    return units.bit_length() & 0xFF if is_exponent else min(units, 0xFF)


def _guessed(code: int, count: int, speed: Speed, free: Iterator[int]) -> Iterator[Endpoint]:
    """Endpoints as such an interface has them as a rule: one interrupt IN if they are odd, pairs of bulk."""
    bulk = {Speed.HIGH: 512, Speed.SUPER: 1024}.get(speed, 64)
    is_hid = code == ClassCode.HID
    for place in range(count):
        number = next(free, 15)
        if is_hid or (count % 2 and not place):
            direction = 0 if is_hid and place % 2 else 0x80
            yield Endpoint(number | direction, TransferType.INTERRUPT, 8, 10)
        else:
            direction = 0x80 if (place + count) % 2 == 0 else 0
            yield Endpoint(number | direction, TransferType.BULK, bulk, 0)


def _number(values: dict[str, str], name: str, base: int = 10) -> int:
    """The number; 0 when there is none. usb-devices writes some with 0x."""
    text = values.get(name, "")[:10]
    try:
        return int(text, 16 if text[:2] == "0x" else base) & 0xFFFF
    except ValueError:
        return 0


def _bcd(text: str) -> int:
    """``2.01`` as 0x0201."""
    found = re.match(r"([0-9a-fA-F]{1,2})\.([0-9a-fA-F]{2})", text)
    return int(found[1] + found[2], 16) if found else 0
