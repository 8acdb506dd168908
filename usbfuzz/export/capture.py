"""Captures of a device as Linux's usbmon would have seen it, played without a guest.

A host enumerates the device, sets its first configuration, and then asks all that its scripts have an answer to.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import Factory, define, field

from harness.channel.conversation import Conversation, Utterance
from harness.channel.events import Completed, Connected, Event, Submitted
from usbfuzz.case import ScriptedDevice
from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import Descriptor, language_ids, split
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, StandardRequest
from usbfuzz.descriptors.standard import DeviceDescriptor, EndpointDescriptor
from usbfuzz.descriptors.strings import ENGLISH_US
from usbfuzz.descriptors.tree import hid_interfaces
from usbfuzz.report.capture import render_capture
from usbfuzz.report.requests import endpoint_reads, scripted_requests
from usbfuzz.wire import Answer, Setup, Status, TransferType

__all__ = ["render_pcapng"]

_START = 1_000_000_000.0  #: seconds since the epoch; captures of the same device are the same bytes
_STEP = 0.000_125  #: seconds from one event to the next: a microframe
_HEADER = 9  #: bytes of a configuration that a host reads first
_LONG = 0xFFFF  #: the largest wLength
_READ = 4096  #: bytes asked of an endpoint
_PATIENCE = 5  #: seconds until a host gives a request up, USB_CTRL_GET_TIMEOUT
_GET_STATUS = Setup(DIRECTION_IN, StandardRequest.GET_STATUS, 0, 0, 2)


def render_pcapng(spec: DeviceSpec) -> bytes:
    """The bytes of a ``.pcapng`` file."""
    host = _Host(spec)
    host.play()
    return render_capture(Conversation(tuple(host.said)), f"{spec.name}: played by usbfuzz export, without a kernel")


def _played_by(host: _Host) -> ScriptedDevice:
    return ScriptedDevice(host.spec)


@define
class _Host:
    """Asks the device, and writes down both sides."""

    spec: DeviceSpec
    said: list[Utterance] = field(factory=list)
    _device: ScriptedDevice = field(init=False, default=Factory(_played_by, takes_self=True))
    _now: float = _START
    _urbs: int = 0

    def play(self) -> None:
        """Enumeration, then the scripts."""
        head = DeviceDescriptor.view(self.spec.device)
        self._say(Connected(head.idVendor if head else 0, head.idProduct if head else 0))
        for setup in (*_enumeration(self.spec), *scripted_requests(self.spec)):
            self._ask(setup)
        kinds = _transfer_types(self.spec)
        for address, count in endpoint_reads(self.spec):
            for _ in range(count):
                self._move(address, kinds.get(address) or TransferType.BULK)

    def _say(self, event: Event, after: float = _STEP) -> None:
        self._now += max(after, _STEP)
        self.said.append(Utterance(self._now, 0, event))

    def _ask(self, setup: Setup) -> None:
        """A control transfer; what is never answered is given up after five seconds, as the kernel does."""
        self._urbs += 1
        number, direction = self._urbs, setup.bmRequestType & DIRECTION_IN
        sent = b"" if direction else bytes(setup.wLength)
        self._say(Submitted(number, TransferType.CONTROL, direction, setup.wLength, setup, sent))
        if (setup.bmRequestType, setup.bRequest) == (0, StandardRequest.SET_CONFIGURATION):
            answer = self._device.on_set_configuration(setup.wValue & 0xFF)
        else:
            answer = self._device.on_control(setup, sent)
        self._answer(number, answer, setup.wLength if direction else 0, len(sent))

    def _move(self, address: int, kind: TransferType) -> None:
        """A transfer of another endpoint; one that is held until the host asks something ends after a request."""
        self._urbs += 1
        number = self._urbs
        if not address & DIRECTION_IN:
            self._say(Submitted(number, kind, address, 0))
            self._answer(number, self._device.on_out(address, b""), 0, 0)
            return
        self._say(Submitted(number, kind, address, _READ))
        answer = self._device.on_in(address, _READ)
        if answer.status is Status.NAK:
            self._ask(_GET_STATUS)
            answer = self._device.on_in(address, _READ)
        self._answer(number, answer, _READ, 0)

    def _answer(self, number: int, answer: Answer, room: int, sent: int) -> None:
        if answer.status in (Status.NEVER, Status.NAK):
            self._say(Completed(number, Status.CANCELLED, 0), _PATIENCE)
            return
        data = answer.data[:room]
        status = Status.BABBLE if len(answer.data) > room > 0 and answer.status is Status.OK else answer.status
        length = len(data) or (sent if answer.status is Status.OK else 0)
        self._say(Completed(number, status, length, data), answer.delay_ms / 1000)


def _enumeration(spec: DeviceSpec) -> Iterator[Setup]:
    """All descriptors the device has or promises, and the first configuration set, about as Linux does."""

    def get(kind: int, index: int = 0, wIndex: int = 0, wLength: int = 255, of: int = Recipient.DEVICE) -> Setup:
        return Setup(DIRECTION_IN | of, StandardRequest.GET_DESCRIPTOR, kind << 8 | index, wIndex, wLength)

    yield get(DescriptorType.DEVICE, wLength=64)
    yield get(DescriptorType.DEVICE, wLength=18)
    yield get(DescriptorType.BOS, wLength=max(len(spec.bos), 5))
    yield get(DescriptorType.DEVICE_QUALIFIER, wLength=max(len(spec.qualifier), 10))
    for index, raw in enumerate(spec.configurations):
        yield get(DescriptorType.CONFIGURATION, index, wLength=_HEADER)
        whole = max(len(raw), int.from_bytes(raw[2:4], "little"))
        yield get(DescriptorType.CONFIGURATION, index, wLength=min(whole, _LONG))
    strings = dict(spec.strings)
    language = (language_ids(strings.get(0, b"")) or (ENGLISH_US,))[0]
    for index in sorted({0, *strings, *_promised(spec)}):
        yield get(DescriptorType.STRING, index, language if index else 0)
    value = spec.configurations[0][5:6] if spec.configurations else b""
    yield Setup(0, StandardRequest.SET_CONFIGURATION, value[0] if value else 0, 0, 0)
    reports = dict(spec.reports)
    for number in sorted({*reports, *hid_interfaces((spec.device, *spec.configurations, spec.bos))}):
        length = len(reports.get(number, b"")) or _READ
        yield get(DescriptorType.HID_REPORT, 0, number, length, Recipient.INTERFACE)


def _descriptors(spec: DeviceSpec) -> Iterator[Descriptor]:
    for raw in (spec.device, *spec.configurations, spec.bos):
        yield from split(raw)


def _promised(spec: DeviceSpec) -> Iterator[int]:
    """The strings that descriptors name."""
    for descriptor in _descriptors(spec):
        for member in descriptor.fields:
            if member.kind == "int" and member.name[0] == "i" and member.name[1:2].isupper():
                yield getattr(descriptor, member.name)


def _transfer_types(spec: DeviceSpec) -> dict[int, TransferType]:
    endpoints = (descriptor for descriptor in _descriptors(spec) if isinstance(descriptor, EndpointDescriptor))
    return {endpoint.bEndpointAddress: endpoint.transfer_type for endpoint in endpoints}
