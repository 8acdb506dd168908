"""The device that a Facedancer script (version 3) emulates, found without running the script.

A request handler with one constant reply becomes a response script. One that computes its answer is listed as a
problem, and its requests are stalled.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

from attrs import field, mutable

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript
from usbfuzz.descriptors import Descriptor, language_descriptor, string_descriptor
from usbfuzz.descriptors.constants import DIRECTION_IN, ClassCode, DescriptorType, Recipient, StandardRequest
from usbfuzz.descriptors.standard import (
    ConfigurationDescriptor,
    DeviceDescriptor,
    EndpointDescriptor,
    InterfaceDescriptor,
)
from usbfuzz.descriptors.strings import ENGLISH_US
from usbfuzz.errors import InputError
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.speed import guess_speed
from usbfuzz.importers.synthesise import hid_descriptor
from usbfuzz.wire import Answer

from .handlers import control_scripts, endpoint_script, for_ever, told_descriptor
from .names import SPEEDS
from .parts import VERSION_2, Part, devices_of, other_style
from .values import Value

__all__ = ["import_facedancer", "looks_facedancer"]

_LOOK = 256 << 10
_SIGNS = re.compile(rb"^[ \t]*(?:from|import)[ \t]+facedancer\b|^class \w+\(USB(?:Base)?Device\)", re.MULTILINE)
_FENCE = re.compile(rb"^[ ]{0,3}```", re.MULTILINE)  #: CommonMark §4.5
_MAX_BYTES = 1 << 20
_UNTOLD = -1
_MADE_UP = "the HID descriptor"


def looks_facedancer(content: bytes) -> bool:
    """A script that imports facedancer, or has a class of a USB device."""
    return _SIGNS.search(content[:_LOOK]) is not None


def import_facedancer(content: bytes, name: str) -> tuple[Imported, ...]:
    """The devices a script defines. Raises InputError when it is no Python, or defines none."""
    if len(content) > _MAX_BYTES:
        raise InputError(f"{name}: is larger than {_MAX_BYTES >> 20} MiB; no device script is")
    try:
        with warnings.catch_warnings(action="ignore", category=SyntaxWarning):  # nobody runs it
            tree = ast.parse(_fenced(content))
    except SyntaxError as error:
        raise InputError(f"{name}:{error.lineno or 1}: is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"{name}:1: is no Python: {error}") from error
    line, tool = other_style(tree)
    if line:
        wanted = "version 3" if tool == VERSION_2 else "Facedancer 3"
        raise InputError(f"{name}:{line}: is written for {tool}; port it to the classes of {wanted}")
    try:
        found = tuple(_Device(part).imported() for part in devices_of(tree))
    except RecursionError as error:
        raise InputError(f"{name}:1: is nested too deeply") from error
    if not found:
        raise InputError(
            f"{name}: defines no class of USBDevice; give the script that does (devices made by a library or a proxy"
            " have no descriptors in the script)"
        )
    return found


def _fenced(content: bytes) -> bytes:
    """The script in a page of Markdown, on the lines where it stands there; any other content as it is."""
    if _FENCE.search(content) is None:
        return content
    outside, lines = True, []
    for line in content.splitlines():
        is_fence = _FENCE.match(line) is not None
        outside ^= is_fence
        lines.append(b"" if outside or is_fence else line)
    return b"\n".join(lines)


@mutable
class _Strings:
    """String indices as Facedancer gives them out: in the order in which descriptors are first built."""

    found: dict[int, str] = field(factory=dict)
    raw: dict[int, bytes] = field(factory=dict)  #: given as descriptors
    problems: list[Problem] = field(factory=list)

    def index(self, value: Value) -> int:
        """The index of what a field names: nothing, an index, a text, or both."""
        index, text = value if isinstance(value, tuple) and len(value) == 2 else (None, value)
        if isinstance(text, int) or (isinstance(index, int) and not isinstance(text, str)):
            return (text if isinstance(text, int) else int(str(index))) & 0xFF
        if not isinstance(text, str):
            return 0
        known = next((number for number, known_text in self.found.items() if known_text == text), None)
        if isinstance(index, int):
            known = index & 0xFF
        if known is None:
            known = next(number for number in range(1, 0x100) if number not in self.found or number == 0xFF)
        self.found[known] = text
        return known

    def descriptors(self) -> Iterator[tuple[int, bytes]]:
        """The string descriptors."""
        for index, text in sorted(self.found.items()):
            try:
                yield index, string_descriptor(text)
            except InputError as error:
                self.problems.append(Problem(0, f"string {index}: {error}; left out"))
        yield from self.raw.items()


@mutable
class _Device:
    """Builds the descriptors of one device class."""

    part: Part
    strings: _Strings = field(factory=_Strings)
    reports: dict[int, bytes] = field(factory=dict)
    control: list[ControlScript] = field(factory=list)
    endpoints: list[EndpointScript] = field(factory=list)
    made_up: list[str] = field(factory=list)

    def imported(self) -> Imported:
        """The device, and what of it is made up or lost."""
        part = self.part
        configurations = list(part.of_role("configuration"))
        device = _told_or(part, self._device(len(configurations)))
        raws = tuple(_told_or(configuration, self._configuration(configuration)) for configuration in configurations)
        loose = {DescriptorType.BOS: b"", DescriptorType.DEVICE_QUALIFIER: b""}
        for kind, number, raw in self._requestable(part):
            if kind in loose and number == 0:
                loose[DescriptorType(kind)] = raw
            elif kind == DescriptorType.STRING:
                self.strings.raw[number] = raw
            else:
                self.control.append(_descriptor_script(DIRECTION_IN, kind, number, raw))
        self.control += control_scripts(part, Recipient.DEVICE, None)
        speed = SPEEDS.get(part.number("device_speed"))
        spec = DeviceSpec(
            name="",
            device=device,
            configurations=raws,
            speed=speed or guess_speed(device, raws),
            strings=tuple(sorted((dict(self._languages()) | dict(self.strings.descriptors())).items())),
            reports=tuple(sorted(self.reports.items())),
            bos=loose[DescriptorType.BOS],
            qualifier=loose[DescriptorType.DEVICE_QUALIFIER],
            control=tuple(self.control),
            endpoints=tuple(self.endpoints),
        )
        spec, made_up = complete(spec)
        guessed = () if speed else (f"speed {spec.speed.value}, from the packet sizes (the script names none)",)
        problems = [*part.all_problems(), *self.strings.problems]
        if not configurations:
            problems.append(Problem(part.line, f"{part.name} has no configuration; a host can do nothing with it"))
        return Imported(named(spec), part.name, (*guessed, *self.made_up, *made_up), tuple(problems))

    def _device(self, configurations: int) -> bytes:
        part = self.part
        return _pack(
            DeviceDescriptor,
            bcdUSB=part.number("usb_spec_version", 0x0200),
            bDeviceClass=part.number("device_class"),
            bDeviceSubClass=part.number("device_subclass"),
            bDeviceProtocol=part.number("protocol_revision_number"),
            bMaxPacketSize0=part.number("max_packet_size_ep0", 64),
            idVendor=part.number("vendor_id", 0x610B),
            idProduct=part.number("product_id", 0x4653),
            bcdDevice=part.number("device_revision"),
            iManufacturer=self._string(part, "manufacturer_string", "Facedancer"),
            iProduct=self._string(part, "product_string", "Generic USB Device"),
            iSerialNumber=self._string(part, "serial_number_string", "S/N 3420E"),
            bNumConfigurations=configurations,
        )

    def _string(self, part: Part, name: str, default: str | None = None) -> int:
        return self.strings.index(part.value(name, default))

    def _languages(self) -> Iterator[tuple[int, bytes]]:
        languages = self.part.value("supported_languages", (ENGLISH_US,))
        numbers = (
            [language & 0xFFFF for language in languages if isinstance(language, int)]
            if isinstance(languages, tuple)
            else []
        )
        if numbers not in ([], [ENGLISH_US]):
            yield 0, language_descriptor(*numbers[:126])

    def _configuration(self, part: Part) -> bytes:
        interfaces = list(part.of_role("interface"))
        body = b"".join(map(self._interface, interfaces))
        self.control += control_scripts(part, Recipient.DEVICE, None)
        attributes = 0x80 | bool(part.number("self_powered", 1)) << 6
        return (
            _pack(
                ConfigurationDescriptor,
                wTotalLength=9 + len(body),
                bNumInterfaces=len({interface.number("number") for interface in interfaces}),
                bConfigurationValue=part.number("number", 1),
                iConfiguration=self._string(part, "configuration_string"),
                bmAttributes=attributes | bool(part.number("supports_remote_wakeup", 1)) << 5,
                bMaxPower=part.number("max_power", 500) // 2,
            )
            + body
        )

    def _interface(self, part: Part) -> bytes:
        number, endpoints = part.number("number"), list(part.of_role("endpoint"))
        head = _pack(
            InterfaceDescriptor,
            bInterfaceNumber=number,
            bAlternateSetting=part.number("alternate"),
            bNumEndpoints=len(endpoints),
            bInterfaceClass=part.number("class_number"),
            bInterfaceSubClass=part.number("subclass_number"),
            bInterfaceProtocol=part.number("protocol_number"),
            iInterface=self._string(part, "interface_string"),
        )
        for kind, index, raw in self._requestable(part):
            if kind == DescriptorType.HID_REPORT and index == 0:
                self.reports.setdefault(number & 0xFF, raw)
            else:
                self.control.append(
                    _descriptor_script(DIRECTION_IN | Recipient.INTERFACE, kind, index, raw, number & 0xFF)
                )
        self.control += control_scripts(part, Recipient.INTERFACE, number & 0xFF)
        return head + b"".join((*self._class_descriptors(part), *map(self._endpoint, endpoints)))

    def _class_descriptors(self, part: Part) -> Iterator[bytes]:
        """The descriptors behind an interface; without a HID descriptor no driver asks for the report descriptor."""
        number = part.number("number") & 0xFF
        report = self.reports.get(number, b"")
        is_hid = part.number("class_number") == ClassCode.HID and bool(report)
        for descriptor in part.of_role("descriptor"):
            if descriptor.number("include_in_config"):
                raw = descriptor.raw(f"{_MADE_UP} is made up from its report descriptor" if is_hid else "left out")
                if not raw and is_hid:
                    codes = part.number("subclass_number"), part.number("protocol_number")
                    raw = hid_descriptor(*codes, report)
                    self.made_up.append(f"{_MADE_UP} of interface {number}, from its report descriptor")
                is_hid = is_hid and bool(raw) and raw[1] != DescriptorType.FUNCTIONAL
                yield raw

    def _endpoint(self, part: Part) -> bytes:
        extra = part.value("extra_bytes", b"")
        extra = extra if isinstance(extra, bytes) else b""
        address = part.number("number") & 0x7F | bool(part.number("direction")) << 7
        kind = part.number("transfer_type", 2) & 3
        if script := endpoint_script(part, address):
            self.endpoints.append(script)
        self.control += control_scripts(part, Recipient.ENDPOINT, address)
        head = _pack(
            EndpointDescriptor,
            bLength=7 + len(extra),
            bEndpointAddress=address,
            bmAttributes=kind | (part.number("synchronization_type") & 3) << 2 | (part.number("usage_type") & 3) << 4,
            wMaxPacketSize=part.number("max_packet_size", 64),
            bInterval=part.number("interval"),
        )
        return head + extra + b"".join(_attached(part))

    def _requestable(self, part: Part) -> Iterator[tuple[int, int, bytes]]:
        """bDescriptorType, index and bytes of the descriptors a part gives when it is asked."""
        for descriptor in part.of_role("descriptor"):
            if not descriptor.number("include_in_config") and (raw := descriptor.raw()):
                index = descriptor.number("number") & 0xFF
                kind = descriptor.number("type_number", _UNTOLD)
                if kind == _UNTOLD and index >= DescriptorType.BOS:
                    kind, index = index, 0  # before Facedancer had type_number, number was the type
                yield (raw[1] if len(raw) > 1 else 0) if kind == _UNTOLD else kind & 0xFF, index, raw


def _pack(kind: type[Descriptor], **fields: int) -> bytes:
    """The descriptor; what is too wide for its field is cut."""
    widths = {name: 0xFFFF if name[:2] in ("id", "bc", "wM", "wT") else 0xFF for name in fields}
    return kind(**{name: value & widths[name] for name, value in fields.items()}).raw


def _told_or(part: Part, built: bytes) -> bytes:
    told = told_descriptor(part)
    return built if told is None else told


def _attached(part: Part) -> Iterator[bytes]:
    for descriptor in part.of_role("descriptor"):
        if descriptor.number("include_in_config"):
            yield descriptor.raw()


def _descriptor_script(
    bmRequestType: int, kind: int, number: int, raw: bytes, wIndex: int | None = None
) -> ControlScript:
    request = StandardRequest.GET_DESCRIPTOR
    return ControlScript(for_ever(Answer(data=raw)), bmRequestType, request, kind << 8 | number, wIndex)
