"""Programs for syz-execprog: a syz_usb_connect with the descriptors, then what the device answers once configured.

The calls and structs are those of sys/linux/vusb.txt of syzkaller; what the executor does with them is in
executor/common_usb_linux.h. It serves one configuration, whatever index it is asked for, and each syz_usb_control_io
answers one request: a reply fits by the type (standard, class, vendor) and bRequest alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from attrs import define

from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, Event
from usbfuzz.crashes.layout import USE_FILE
from usbfuzz.descriptors import language_descriptor, split
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, StandardRequest
from usbfuzz.descriptors.standard import InterfaceDescriptor
from usbfuzz.errors import InputError
from usbfuzz.reading import printable
from usbfuzz.wire import Answer, Speed, Status

from .losses import read_again
from .programs import used

__all__ = ["render_syz", "render_syz_case"]

FORMAT = "a syzkaller program"  #: for messages

_SPEEDS = {Speed.LOW: 1, Speed.FULL: 2, Speed.HIGH: 3, Speed.SUPER: 5}  #: enum usb_device_speed
_DATA, _ALIGNED = 0x7F0000000000, 0x40  #: where a program's memory begins, and what it is handed out in
_LEAST = 18 + 9  #: bytes the executor wants: a device descriptor and a configuration descriptor
_MOST = 4096  #: bytes of one reply, USB_MAX_PACKET_SIZE of the executor
_DESCRIPTORS, _RESPONSES = 4, 21  #: replies of a vusb_descriptors and a vusb_responses, besides the generic one
_SLOT, _COUNT = 8, 4  #: bytes of a pointer, and of the length before the pointers
_MORE = 8  #: calls after the last answer that differs, so that a driver that asks again is answered
_WRITES = 64  #: of one endpoint
#: By its calls, or said to be left out.
_PLAYED = {Action.PLUG.value, Action.UNPLUG.value, Action.RESET.value, Action.USE.value}
_KIND = 0x60  #: bmRequestType bits 6:5

Reply = tuple[int, int, bytes]  # bmRequestType bits 6:5, bRequest or bDescriptorType, data


def render_syz(spec: DeviceSpec) -> str:
    """The program that plugs a device in. Raises InputError for a device that the executor would not connect."""
    return "\n".join(_program(spec, "r0", _Memory())) + "\n"


def render_syz_case(case: Case, *, title: str, kernel: str) -> str:
    """The program for a case: what it is, and what of the case it does not carry, in comments at its top.

    Only these are there when a device of the case is none that the executor would connect.
    """
    head = [
        title,
        f"Seen on {kernel}." if kernel else "",
        "For syz-execprog, on a kernel with raw-gadget and dummy_hcd.",
    ]
    try:
        lost = [f"{device.name}: {phrase}" for device in case.devices for phrase in _lost(device)]
        lines = list(_schedule(case))
    except InputError as error:
        return _comments([*head, f"There is no program: {error}"])
    params = " ".join(case.guest.kernel_params)
    if params:
        head.append(f"The kernel was booted with {params}")
    lost += _lost_events(case)
    return _comments([*head, *(f"Not in this program: {phrase}" for phrase in lost)]) + "\n".join(lines) + "\n"


def _comments(lines: Iterable[str]) -> str:
    return "".join(f"# {printable(line)}\n" for line in lines if line)


def _lost(spec: DeviceSpec) -> tuple[str, ...]:
    return read_again(spec, render_syz(spec).encode(), FORMAT)


def _lost_events(case: Case) -> Iterator[str]:
    if used(case):
        yield f"what user space does with the device; {USE_FILE}, begun first, plays it"
    if case.firmware:
        yield "firmware that drivers ask for"
    if any(event.action is Action.RESET for event in case.events):
        yield "resets of the port"
    if others := sorted({event.action.value for event in case.events} - _PLAYED):
        yield f"what else happens to the device ({', '.join(others)})"
    if any(_waits(event) for event in case.events):
        yield "when devices are plugged in and pulled: it waits until they were asked all"
    if case.guest.exercise:
        yield "that the device's nodes are opened"


def _waits(event: Event) -> bool:
    return any(wait is not None for wait in (event.after_ms, event.after_requests, event.after_packets))


def _schedule(case: Case) -> Iterator[str]:
    """The calls of all plugs and unplugs, in their order."""
    memory = _Memory()
    plugged: dict[int, str] = {}
    for number, event in enumerate(case.events):
        match event.action:
            case Action.PLUG:
                plugged[event.port] = f"r{number}"
                yield from _program(case.devices[event.device or 0], plugged[event.port], memory)
            case Action.UNPLUG if event.port in plugged:
                yield f"syz_usb_disconnect({plugged.pop(event.port)})"


def _program(spec: DeviceSpec, name: str, memory: _Memory) -> Iterator[str]:
    """The calls for one device, which the others know by ``name``. Raises InputError, see :func:`render_syz`."""
    raw = spec.device + b"".join(spec.configurations[:1])
    if len(spec.device) != _LEAST - 9 or len(raw) < _LEAST:
        what = "syz_usb_connect needs a device descriptor of 18 bytes and a configuration of at least 9"
        raise InputError(f"{printable(spec.name)}: {what}; use --as python or --as c")
    speed, more = f"{_SPEEDS[spec.speed]:#x}", _more(spec, memory)
    yield f"{name} = syz_usb_connect({speed}, {len(raw):#x}, {memory.blob(raw)}, {more})"
    yield from _exchanges(spec, name, memory)
    for script in spec.endpoints:
        answers = [(step.answer, step.times or 1) for step in script.steps]
        yield from _writes(name, script.bEndpointAddress, answers, memory)


@define
class _Memory:
    """Hands out addresses."""

    _next: int = _DATA

    def at(self, size: int) -> str:
        """The address of ``size`` bytes, as programs write it."""
        address, self._next = self._next, self._next + -(-max(size, 1) // _ALIGNED) * _ALIGNED
        return f"&(0x{address:x})"

    def blob(self, raw: bytes) -> str:
        """A pointer to bytes."""
        return f'{self.at(len(raw))}=ANY=[@ANYBLOB="{raw.hex()}"]' if raw else "0x0"


def _more(spec: DeviceSpec, memory: _Memory) -> str:
    """The vusb_connect_descriptors: qualifier, BOS, and all strings from 0 to the last."""
    strings = {0: language_descriptor()} | dict(spec.strings) if spec.strings else {}
    at = memory.at(28 + 12 * len(strings))
    count = max(strings, default=-1) + 1
    given = [strings.get(index, b"") for index in range(count)]
    pairs = ", ".join(f"{{{len(raw):#x}, {memory.blob(raw)}}}" for raw in given)
    loose = ", ".join(f"{len(raw):#x}, {memory.blob(raw)}" for raw in (spec.qualifier, spec.bos))
    return f"{at}={{{loose}, {count:#x}, [{pairs}]}}"


def _exchanges(spec: DeviceSpec, name: str, memory: _Memory) -> Iterator[str]:
    """A call for each answer that differs from the one before, and some more.

    A HID driver asks twice of an interface: SET_IDLE, then for the report descriptor (usbhid_parse).
    """
    interfaces = {head.bInterfaceNumber for raw in spec.configurations[:1] for head in _interfaces(raw)}
    reports = [raw for number, raw in spec.reports if number in interfaces for _ in range(2)]
    scripts = [(script, answers) for script in spec.control if (answers := list(_answers(script)))]
    if not (reports or scripts):
        return
    for nth in range(max([len(reports), *(len(answers) for _, answers in scripts)]) + _MORE):
        report = reports[min(nth, len(reports) - 1)] if reports else b""
        said = [(script, answers[min(nth, len(answers) - 1)]) for script, answers in scripts]
        descriptors = [(0, int(DescriptorType.HID_REPORT), report)] if report else []
        descriptors += [_descriptor(script, raw) for script, raw in said if _asks_descriptor(script)]
        responses = [_response(script, raw) for script, raw in said if not _asks_descriptor(script)]
        given = (_table(descriptors, _DESCRIPTORS, memory), _table(responses, _RESPONSES, memory))
        yield f"syz_usb_control_io({name}, {', '.join(given)})"


def _interfaces(raw: bytes) -> Iterator[InterfaceDescriptor]:
    yield from (descriptor for descriptor in split(raw) if isinstance(descriptor, InterfaceDescriptor))


def _answers(script: ControlScript) -> Iterator[bytes]:
    """The data of the answers to reads; what writes answer the executor does not take from a program."""
    if script.bRequest is None or not (script.bmRequestType or 0) & DIRECTION_IN:
        return
    for step in script.steps:
        if step.answer.status is Status.OK:
            yield from [step.answer.data[:_MOST]] * min(step.times or 1, _MORE)


def _asks_descriptor(script: ControlScript) -> bool:
    return script.bRequest == StandardRequest.GET_DESCRIPTOR and script.wValue is not None


def _descriptor(script: ControlScript, raw: bytes) -> Reply:
    return (script.bmRequestType or 0) & _KIND, (script.wValue or 0) >> 8, raw


def _response(script: ControlScript, raw: bytes) -> Reply:
    return (script.bmRequestType or 0) & _KIND, script.bRequest or 0, raw


def _table(replies: Sequence[Reply], slots: int, memory: _Memory) -> str:
    """A length and pointers, the first of which, the generic reply, is null."""
    if not replies:
        return "0x0"
    at = memory.at(_COUNT + _SLOT * (slots + 1))
    found = [
        memory.blob(bytes((kind, request)) + len(raw).to_bytes(4, "little") + raw) for kind, request, raw in replies
    ]
    pointers = ["0x0", *found] + ["0x0"] * (slots - len(found))
    return f"{at}={{{_COUNT + _SLOT * len(pointers):#x}, {', '.join(pointers)}}}"


def _writes(name: str, address: int, answers: Sequence[tuple[Answer, int]], memory: _Memory) -> Iterator[str]:
    """What an IN endpoint sends, a call each."""
    said = [answer.data for answer, times in answers for _ in range(min(times, _WRITES)) if answer.data]
    for raw in said[:_WRITES] if address & DIRECTION_IN else ():
        yield f'syz_usb_ep_write({name}, 0x{address:x}, {len(raw):#x}, {memory.at(len(raw))}="{raw.hex()}")'
