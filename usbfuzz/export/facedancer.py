"""Facedancer 3 scripts: the device as nested classes, from which Facedancer builds the descriptors again.

What it would not build byte for byte is told it: a ``get_descriptor`` that returns the bytes. Its own order has no
place for a descriptor before the first interface, and it counts wTotalLength, bNumInterfaces and bNumEndpoints itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import define, field

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript
from usbfuzz.descriptors import Descriptor, describe, language_descriptor, language_ids, string_text
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, RequestKind
from usbfuzz.descriptors.standard import DeviceDescriptor
from usbfuzz.descriptors.tree import AlternateSetting, Endpoint, parse
from usbfuzz.wire import Answer, Status, TransferType

from .facedancer_order import USAGES, built_by_facedancer, numbers, placed
from .source import (
    Call,
    Item,
    class_name,
    commented_rows,
    hex_of,
    import_lines,
    laid_out,
    number_of,
    printable,
    text_of,
)

__all__ = ["render_facedancer"]

_KIND, _RECIPIENT = 0x60, 0x1F  #: bits of bmRequestType
_TO: dict[int, str] = {
    Recipient.DEVICE: "to_device",
    Recipient.INTERFACE: "to_any_interface",
    Recipient.ENDPOINT: "to_any_endpoint",
    Recipient.OTHER: "to_other",
}
_DECORATORS: dict[int, str] = {RequestKind.CLASS: "class_request_handler", RequestKind.VENDOR: "vendor_request_handler"}
_SYNCHRONIZATIONS = ("NONE", "ASYNC", "ADAPTIVE", "SYNCHRONOUS")
#: By itself, Facedancer takes the index it is asked for, and one, for a configuration's number.
_BY_PLACE = (
    "",
    "def get_configuration_descriptor(self, index):",
    "    return [*self.configurations.values()][index].get_descriptor()",
)
_POWER = 2  #: mA of a unit of bMaxPower, as Facedancer counts


def render_facedancer(spec: DeviceSpec) -> str:
    """The text of a script that ``usbfuzz facedancer`` runs, and a Facedancer board."""
    writer = _Writer(spec)
    body = list(writer.device())
    title = printable(spec.name) or "A device"
    name = class_name(spec.name, frozenset(writer.names))
    names = sorted(writer.names, key=lambda one: (one[:1].islower(), one))
    lines = [f'"""{title}, as a Facedancer 3 script: usbfuzz facedancer FILE."""', ""]
    lines += [*import_lines("facedancer", names), "", ""]
    lines += ["@use_inner_classes_automatically", f"class {name}(USBDevice):", *body, "", ""]
    return "\n".join([*lines, 'if __name__ == "__main__":', f"    main({name})"]) + "\n"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]


@define
class _Writer:
    """Writes one device; ``names`` are Facedancer's that it needs."""

    spec: DeviceSpec
    names: set[str] = field(factory=lambda: {"USBDevice", "main", "use_inner_classes_automatically"})
    _has_languages: bool = False  #: string 0 is given as such

    def device(self) -> Iterator[str]:
        """The lines of the device's class."""
        spec = self.spec
        head = DeviceDescriptor.view(spec.device)
        values = {"device_speed": self._member("DeviceSpeed", spec.speed.name)}
        if head:
            values |= self._head(head)
        values["supported_languages"] = self._languages()
        yield from _indented(_assigned(values))
        if head is None or head.replace(bNumConfigurations=len(spec.configurations)).raw != spec.device:
            yield from _indented(_told(spec.device))
        known_by = numbers(spec.configurations)
        if known_by != tuple(range(1, len(known_by) + 1)):
            yield from _indented(_BY_PLACE)
        for index, raw in enumerate(spec.configurations):
            yield from ("", *_indented(self._configuration(index, raw, known_by[index])))
        for kind, raw in ((DescriptorType.BOS, spec.bos), (DescriptorType.DEVICE_QUALIFIER, spec.qualifier)):
            if raw:
                yield from ("", *_indented(self._requestable(kind, 0, raw, kind.name.title().replace("_", ""))))
        for index, raw in spec.strings:
            # Facedancer keeps no string of a field that has its index.
            if index or not self._has_languages:
                yield from ("", *_indented(self._requestable(DescriptorType.STRING, index, raw, f"String{index}")))
        for nth, script in enumerate(spec.control):
            # Of handlers that fit the same request, Facedancer calls each.
            if not any(_meet(script, earlier) for earlier in spec.control[:nth]):
                yield from _indented(self._handler(nth, script))

    def _head(self, head: DeviceDescriptor) -> dict[str, str]:
        return {
            "usb_spec_version": number_of(head.bcdUSB, 4),
            "device_class": str(head.bDeviceClass),
            "device_subclass": str(head.bDeviceSubClass),
            "protocol_revision_number": str(head.bDeviceProtocol),
            "max_packet_size_ep0": str(head.bMaxPacketSize0),
            "vendor_id": number_of(head.idVendor, 4),
            "product_id": number_of(head.idProduct, 4),
            "device_revision": number_of(head.bcdDevice, 4),
            "manufacturer_string": self._string(head.iManufacturer),
            "product_string": self._string(head.iProduct),
            "serial_number_string": self._string(head.iSerialNumber),
        }

    def _member(self, enumeration: str, name: str) -> str:
        self.names.add(enumeration)
        return f"{enumeration}.{name}"

    def _string(self, index: int) -> str:
        """A string's index, so that Facedancer gives it no other, with its text for the reader."""
        if not index:
            return "None"
        text = string_text(dict(self.spec.strings).get(index, b""))
        if text is None:
            return str(index)
        return f"({index}, {text_of(text)})"

    def _languages(self) -> str:
        raw = dict(self.spec.strings).get(0, language_descriptor())
        ids = language_ids(raw)
        if ids is None or language_descriptor(*ids) != raw:
            return "()"
        self._has_languages = True
        return f"({', '.join(number_of(number, 4) for number in ids)}{',' * (len(ids) == 1)})"

    def _configuration(self, index: int, raw: bytes, number: int) -> Iterator[str]:
        tree = placed(parse(raw))
        self.names.add("USBConfiguration")
        yield f"class Configuration{index}(USBConfiguration):"
        head = tree.head
        values = {"number": str(number)}
        if head:
            values |= {
                "configuration_string": self._string(head.iConfiguration),
                "max_power": str(head.bMaxPower * _POWER),
                "self_powered": str(bool(head.bmAttributes & 0x40)),
                "supports_remote_wakeup": str(bool(head.bmAttributes & 0x20)),
            }
        yield from _indented(_assigned(values))
        if built_by_facedancer(tree) != raw or raw[5] != number:
            yield from _indented(_told(raw))
        known: set[tuple[int, int]] = set()
        for setting in tree.settings:
            place = (setting.head.bInterfaceNumber, setting.head.bAlternateSetting)
            if place not in known:  # Facedancer refuses a second one
                known.add(place)
                yield from ("", *_indented(self._interface(setting)))

    def _interface(self, setting: AlternateSetting) -> Iterator[str]:
        head = setting.head
        self.names.add("USBInterface")
        suffix = f"_{head.bAlternateSetting}" if head.bAlternateSetting else ""
        yield f"class Interface{head.bInterfaceNumber}{suffix}(USBInterface):"
        values = {
            "number": str(head.bInterfaceNumber),
            "alternate": str(head.bAlternateSetting),
            "class_number": str(head.bInterfaceClass),
            "subclass_number": str(head.bInterfaceSubClass),
            "protocol_number": str(head.bInterfaceProtocol),
            "interface_string": self._string(head.iInterface),
        }
        yield from _indented(_assigned(values))
        for nth, descriptor in enumerate(setting.extra):
            yield from ("", *_indented(self._attached(nth, descriptor)))
        report = dict(self.spec.reports).get(head.bInterfaceNumber)
        if report is not None and not head.bAlternateSetting:
            yield from ("", *_indented(self._requestable(DescriptorType.HID_REPORT, 0, report, "Report")))
        known: set[int] = set()
        for endpoint in setting.endpoints:
            address = endpoint.head.bEndpointAddress
            if address not in known:
                known.add(address)
                yield from ("", *_indented(self._endpoint(endpoint)))

    def _endpoint(self, endpoint: Endpoint) -> Iterator[str]:
        head = endpoint.head
        self.names.add("USBEndpoint")
        yield f"class Endpoint{head.bEndpointAddress:02X}(USBEndpoint):"
        attributes = head.bmAttributes
        values = {
            "number": str(head.bEndpointAddress & 0x7F),
            "direction": self._member("USBDirection", "IN" if head.is_in else "OUT"),
            "transfer_type": self._member("USBTransferType", TransferType(attributes & 3).name),
        }
        if kind := attributes >> 2 & 3:
            values["synchronization_type"] = self._member("USBSynchronizationType", _SYNCHRONIZATIONS[kind])
        if usage := USAGES.get(attributes >> 4 & 3):
            values["usage_type"] = self._member("USBUsageType", usage)
        values |= {"max_packet_size": str(head.wMaxPacketSize), "interval": str(head.bInterval)}
        yield from _indented(_assigned(values))
        if head.raw[7:]:
            yield from laid_out(hex_of(head.raw[7:]), 1, "extra_bytes = ")
        for nth, descriptor in enumerate(endpoint.extra):
            yield from ("", *_indented(self._attached(nth, descriptor)))
        for script in self.spec.endpoints:
            if script.bEndpointAddress == head.bEndpointAddress and (raw := _sent(script)):
                yield from ("", "    def handle_data_requested(self):")
                yield from laid_out(Call("self.send", (Item(hex_of(raw)),)), 2)

    def _attached(self, nth: int, descriptor: Descriptor) -> Iterator[str]:
        self.names |= {"USBDescriptor", "include_in_config"}
        yield from ("@include_in_config", f"class Descriptor{nth}(USBDescriptor):")
        yield f"    # {describe(descriptor)}"
        yield from laid_out(hex_of(descriptor.raw), 1, "raw = ")

    def _requestable(self, kind: DescriptorType, number: int, raw: bytes, name: str) -> Iterator[str]:
        self.names |= {"USBDescriptor", "requestable"}
        yield f"@requestable(type_number={number_of(kind, 2)}, number={number})"
        yield f"class {name}(USBDescriptor):"
        shown = hex_of(raw) if kind is DescriptorType.STRING else commented_rows(raw, kind)
        yield from laid_out(shown, 1, "raw = ")

    def _handler(self, nth: int, script: ControlScript) -> Iterator[str]:
        """A method for a script that always says the same; none for others, nor for standard requests."""
        kind, answer = script.bmRequestType, _for_ever(script)
        if kind is None or script.bRequest is None or script.wLength is not None or script.after or answer is None:
            return
        decorator, to = _DECORATORS.get(kind & _KIND), _TO.get(kind & _RECIPIENT)
        if decorator is None or to is None:
            return
        self.names |= {decorator, to}
        values = {"value": script.wValue, "index": script.wIndex}
        direction = self._member("USBDirection", "IN" if kind & DIRECTION_IN else "OUT")
        items = [Item(number_of(script.bRequest, 2), "number"), Item(direction, "direction")]
        items += [Item(number_of(value, 4), name) for name, value in values.items() if value is not None]
        yield from ("", *laid_out(Call(decorator, tuple(items)), 0, "@"), f"@{to}")
        yield f"def request_{kind:02x}_{script.bRequest:02x}_{nth}(self, request):"
        if answer.status is Status.STALL:
            yield "    request.stall()"
        elif kind & DIRECTION_IN:
            yield from laid_out(Call("request.reply", (Item(hex_of(answer.data)),)), 1)
        else:
            yield "    request.acknowledge()"


def _assigned(values: Mapping[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in values.items()]


def _told(raw: bytes) -> Iterator[str]:
    """A method that returns the bytes Facedancer would not build."""
    yield from ("", "def get_descriptor(self):")
    yield from laid_out(commented_rows(raw), 1, "return ")


def _meet(script: ControlScript, other: ControlScript) -> bool:
    """Whether a request fits both."""
    names = ("bmRequestType", "bRequest", "wValue", "wIndex")
    pairs = ((getattr(script, name), getattr(other, name)) for name in names)
    return all(ours is None or theirs is None or ours == theirs for ours, theirs in pairs)


def _for_ever(script: ControlScript) -> Answer | None:
    """The answer a script always gives, if a handler can give it."""
    answer = script.steps[0].answer if script.steps and not script.steps[0].times else None
    if answer is None or answer.delay_ms or answer.status not in (Status.OK, Status.STALL):
        return None
    return answer


def _sent(script: EndpointScript) -> bytes:
    """What an IN endpoint sends each time it is asked; empty where that differs."""
    step = script.steps[0] if script.steps else None
    if step is None or step.times or step.answer.status is not Status.OK or step.answer.delay_ms:
        return b""
    return step.answer.data if script.bEndpointAddress & DIRECTION_IN else b""
