"""The device a syzkaller program emulates, from what its calls say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, field, frozen, mutable

from usbfuzz.case.model import ControlScript, DeviceSpec, EndpointScript, RequestPattern, Step
from usbfuzz.descriptors import split, string_descriptor
from usbfuzz.descriptors.constants import (
    DIRECTION_IN,
    ClassCode,
    DescriptorType,
    Recipient,
    RequestKind,
    StandardRequest,
)
from usbfuzz.descriptors.standard import EndpointDescriptor, InterfaceDescriptor
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.wire import Answer, Speed

__all__ = ["Exchange", "Program", "Reply", "device_of"]

_DEVICE = 18  #: bytes
_MAX_CONFIGURATIONS = 8
_MAX_BYTES = 64 << 10  #: of all answers of a program
_OVERHEAD = 32  #: bytes of an answer besides its data
_SPEEDS = {1: Speed.LOW, 2: Speed.FULL, 5: Speed.SUPER, 6: Speed.SUPER}  #: enum usb_device_speed
_WIRELESS = 4
_DEFAULT_STRING = string_descriptor("abc")  #: what the executor says for strings a program does not have
_CONFIGURED = RequestPattern(0x00, StandardRequest.SET_CONFIGURATION)
_RECIPIENTS = (Recipient.DEVICE, Recipient.INTERFACE, Recipient.ENDPOINT)


@frozen
class Reply:
    """One reply a syz_usb_control_io has ready.

    ``kind`` is bmRequestType bits 6:5. ``request`` is bDescriptorType if it is a descriptor, else bRequest; None
    replies to anything.
    """

    kind: int
    request: int | None
    data: bytes
    is_descriptor: bool


@frozen
class Exchange:
    """One syz_usb_control_io: it answers one request, with the first reply that fits."""

    replies: tuple[Reply, ...]


@mutable
class Program:
    """One syz_usb_connect and what follows on its file descriptor."""

    name: str
    line: int
    speed: int
    raw: bytes  #: device and configuration descriptor
    strings: dict[int, bytes] = field(factory=dict)
    bos: bytes = b""
    qualifier: bytes = b""
    exchanges: list[Exchange] = field(factory=list)
    writes: list[tuple[int, bytes]] = field(factory=list)  #: endpoint and data of each syz_usb_ep_write
    problems: list[Problem] = field(factory=list)
    _room: int = _MAX_BYTES

    def exchange(self, line: int, replies: Iterable[Reply]) -> None:
        """A syz_usb_control_io."""
        kept = tuple(replies)
        if self._fits(line, sum(len(reply.data) + _OVERHEAD for reply in kept)):
            self.exchanges.append(Exchange(kept))

    def write(self, line: int, endpoint: int, data: bytes) -> None:
        """A syz_usb_ep_write."""
        if self._fits(line, len(data) + _OVERHEAD):
            self.writes.append((endpoint, data))

    def _fits(self, line: int, size: int) -> bool:
        """Whether there is room; said once when there is none."""
        if 0 <= self._room < size:
            self.problems.append(Problem(line, f"more than {_MAX_BYTES >> 10} KiB of answers; the rest is left out"))
            self._room = -1
        elif self._room >= size:
            self._room -= size
            return True
        return False


def device_of(program: Program) -> Imported:
    """The device, as :class:`usbfuzz.case.ScriptedDevice` can play it; what the program does not answer is stalled."""
    device, configuration = program.raw[:_DEVICE], program.raw[_DEVICE:]
    count = min(max(device[17] if len(device) == _DEVICE else 1, 1), _MAX_CONFIGURATIONS)
    if program.speed == _WIRELESS:
        program.problems.append(Problem(program.line, "wireless USB, which no kernel has any more; high speed is used"))
    spec = DeviceSpec(
        name="",
        device=device,
        configurations=(configuration,) * count if configuration else (),  # the executor gives it for any index
        speed=_SPEEDS.get(program.speed, Speed.HIGH),
        bos=program.bos,
        qualifier=program.qualifier,
    )
    strings = dict.fromkeys(_string_indices(spec), _DEFAULT_STRING) | program.strings
    reports = dict(_reports(spec, program))
    spec = evolve(
        named(evolve(spec, strings=tuple(program.strings.items()))),
        strings=tuple(sorted(strings.items())),
        reports=tuple(sorted(reports.items())),
        control=tuple(_control(program, sorted(strings))),
        endpoints=tuple(_endpoints(spec, program)),
    )
    origin = f"line {program.line}: {program.name}"
    return Imported(spec, origin, (), tuple(program.problems))


def _string_indices(spec: DeviceSpec) -> set[int]:
    found: set[int] = set()
    for descriptor in split(spec.device + b"".join(spec.configurations[:1])):
        found |= {
            getattr(descriptor, member.name)
            for member in descriptor.fields
            if member.name[:1] == "i" and member.name[1:2].isupper()
        }
    return {index for index in found if isinstance(index, int) and 0 < index <= 0xFF}


def _reports(spec: DeviceSpec, program: Program) -> Iterator[tuple[int, bytes]]:
    """The HID report descriptors of a program, in the order in which its HID interfaces are probed.

    Of each the driver asks twice, SET_IDLE and the report descriptor (usbhid_parse), which takes two calls. An
    interface whose second call has none gets the last before that.
    """
    wanted = (RequestKind.STANDARD, DescriptorType.HID_REPORT)
    given = [
        (call, reply.data)
        for call, exchange in enumerate(program.exchanges)
        for reply in exchange.replies
        if reply.is_descriptor and (reply.kind, reply.request) == wanted
    ]
    parts = split(b"".join(spec.configurations[:1]))
    interfaces = [descriptor for descriptor in parts if isinstance(descriptor, InterfaceDescriptor)]
    hid = [interface for interface in interfaces if interface.bInterfaceClass == ClassCode.HID] or interfaces
    for nth, number in enumerate(dict.fromkeys(interface.bInterfaceNumber for interface in hid)):
        before = [raw for call, raw in given if call <= 2 * nth + 1] or [raw for _, raw in given[:1]]
        if before:
            yield number, before[-1]


def _control(program: Program, strings: list[int]) -> Iterator[ControlScript]:
    """Each reply in the order of the calls, the last one for ever; writes are accepted once there is any call."""
    replies: dict[Reply, list[bytes]] = {}
    for exchange in program.exchanges:
        for reply in exchange.replies:
            replies.setdefault(evolve(reply, data=b""), []).append(reply.data)
    for kind, said in sorted(replies.items(), key=lambda item: item[0].request is None):
        steps = [Step(Answer(data=data)) for data in said]
        steps[-1] = evolve(steps[-1], times=0)
        for pattern in _patterns(kind, strings):
            yield ControlScript(tuple(steps), *pattern, after=_CONFIGURED)
    if program.exchanges or "ath9k" in program.name:
        for kind_ in (RequestKind.CLASS, RequestKind.VENDOR):
            for recipient in _RECIPIENTS:
                yield ControlScript((Step(Answer(), times=0),), kind_ | recipient, after=_CONFIGURED)


Pattern = tuple[int, int | None, int | None]  # bmRequestType, bRequest, wValue


def _patterns(reply: Reply, strings: list[int]) -> Iterator[Pattern]:
    """The requests a reply fits; the executor looks at bits 6:5 of bmRequestType alone."""
    request = StandardRequest.GET_DESCRIPTOR
    if reply.is_descriptor and reply.request is None:
        yield from ((DIRECTION_IN | recipient, request, None) for recipient in _RECIPIENTS)
    elif reply.is_descriptor and reply.request == DescriptorType.STRING:
        yield from ((DIRECTION_IN | reply.kind, request, DescriptorType.STRING << 8 | index) for index in strings)
    elif reply.is_descriptor and reply.request is not None:
        if (reply.kind, reply.request) != (RequestKind.STANDARD, DescriptorType.HID_REPORT):
            for recipient in _RECIPIENTS:
                yield DIRECTION_IN | reply.kind | recipient, request, reply.request << 8
    else:
        kinds = (RequestKind.CLASS, RequestKind.VENDOR) if reply.request is None else (reply.kind,)
        for kind in kinds:
            for recipient in _RECIPIENTS:
                yield DIRECTION_IN | kind | recipient, reply.request, None


def _endpoints(spec: DeviceSpec, program: Program) -> Iterator[EndpointScript]:
    """What each IN endpoint sends; older programs number endpoints by their place, from 0."""
    parts = split(b"".join(spec.configurations[:1]))
    addresses = [descriptor.bEndpointAddress for descriptor in parts if isinstance(descriptor, EndpointDescriptor)]
    steps: dict[int, list[Step]] = {}
    for endpoint, data in program.writes:
        address = endpoint if endpoint & DIRECTION_IN else next(iter(addresses[endpoint : endpoint + 1]), 0)
        if address & DIRECTION_IN:
            steps.setdefault(address & 0xFF, []).append(Step(Answer(data=data)))
        else:
            program.problems.append(
                Problem(program.line, f"a write to endpoint {endpoint:#x}, which is none; left out")
            )
    for address, said in steps.items():
        yield EndpointScript(address, tuple(said))
