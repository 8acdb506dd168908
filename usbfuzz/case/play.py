"""The device that a :class:`DeviceSpec` describes, ready to be plugged in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, StandardRequest
from usbfuzz.descriptors.strings import string_descriptor
from usbfuzz.device.base import Device
from usbfuzz.device.hid import HidDevice
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Setup, Status

from .model import ControlScript, DeviceSpec, EndpointScript, RequestPattern, Step

__all__ = ["ScriptedDevice", "spec_of"]


class ScriptedDevice(HidDevice):
    """The device a spec describes: its response scripts first, then its descriptors, then stall.

    Scripted answers go out as they are, over-long or not. Scripts keep their place across bus resets: a reset is part
    of every enumeration. SET_CONFIGURATION takes any value; the layout is that of the configuration the host was last
    told, which a script may have made up. A subclass can have all of it in its body, and then needs no spec.
    """

    control: tuple[ControlScript, ...] = ()
    endpoints: tuple[EndpointScript, ...] = ()

    def __init__(self, spec: DeviceSpec | None = None) -> None:
        if spec is not None:
            self._be(spec)
        super().__init__()
        self._scripts = [_Script(script) for script in self.control]
        self._tapes: dict[int, Iterator[Answer]] = {}
        waits = (script.after if script.bEndpointAddress & DIRECTION_IN else None for script in self.endpoints)
        self._gates = [_Gate(after) for after in waits]
        for address in {script.bEndpointAddress for script in self.endpoints}:
            scripts = zip(self._gates, self.endpoints, strict=True)
            mine = [(gate, script.steps) for gate, script in scripts if script.bEndpointAddress == address]
            self._tapes[address] = _gated(mine)
        self._held: set[int] = set()
        self._told: dict[int, bytes] = {}  # configurations that came from a script, by descriptor index

    def current_configuration(self) -> bytes:
        """The configuration with the value the host has set, else the first; empty when unconfigured."""
        if not self.configuration:
            return b""
        known = dict(enumerate(self.configurations)) | self._told
        value = bytes((self.configuration,))
        return next((raw for raw in known.values() if raw[5:6] == value), next(iter(known.values()), b""))

    def on_control(self, setup: Setup, payload: bytes) -> Answer:
        """The first script that matches and still has an answer, else what the descriptors say."""
        answer = self._scripted(setup)
        self._release()
        if answer is None:
            return super().on_control(setup, payload)
        told = answer.data[: setup.wLength]
        if _asks_configuration(setup) and len(told) > _HEADER:
            self._told[setup.wValue & 0xFF] = told
        return answer

    def on_set_configuration(self, bConfigurationValue: int) -> Answer:
        """Scripts for SET_CONFIGURATION apply; the state changes only when the answer is a success."""
        answer = self._scripted(Setup(0x00, StandardRequest.SET_CONFIGURATION, bConfigurationValue, 0, 0))
        if answer is None or answer.status is Status.OK:
            self.configuration = bConfigurationValue
            self.alternate = {}
            self.halted.clear()
        return answer or Answer()

    def on_set_interface(self, bInterfaceNumber: int, bAlternateSetting: int) -> Answer:
        """Scripts for SET_INTERFACE apply; the state changes only when the answer is a success."""
        request = StandardRequest.SET_INTERFACE
        answer = self._scripted(Setup(Recipient.INTERFACE, request, bAlternateSetting, bInterfaceNumber, 0))
        if answer is None or answer.status is Status.OK:
            super().on_set_interface(bInterfaceNumber, bAlternateSetting)
        return answer or Answer()

    def on_in(self, bEndpointAddress: int, length: int) -> Answer:
        """The next answer of the endpoint's script; after the last one, ``Status.NEVER``."""
        del length
        if bEndpointAddress in self.halted:
            return STALL
        answer = next(self._tapes.get(bEndpointAddress, _NO_ANSWERS), NEVER)
        if answer.status is Status.NAK:
            self._held.add(bEndpointAddress)
        return answer

    def on_out(self, bEndpointAddress: int, payload: bytes) -> Answer:
        """The next answer of the endpoint's script; accepts everything after the last."""
        del payload
        if bEndpointAddress in self.halted:
            return STALL
        self._release()
        return next(self._tapes.get(bEndpointAddress, _NO_ANSWERS), _ACCEPT)

    def _be(self, spec: DeviceSpec) -> None:
        self.speed = spec.speed
        self.device = spec.device
        self.configurations = spec.configurations
        self.strings = spec.strings
        self.reports = spec.reports
        self.bos = spec.bos
        self.qualifier = spec.qualifier
        self.control = spec.control
        self.endpoints = spec.endpoints

    def _scripted(self, setup: Setup) -> Answer | None:
        answer = None
        for script in self._scripts:
            if answer is None and script.awake and _matches(script.pattern, setup):
                answer = next(script.answers, None)
        for gate in (*self._scripts, *self._gates):
            gate.awake = gate.awake or _matches(gate.after, setup)
        return answer

    def _release(self) -> None:
        held, self._held = self._held, set()
        for bEndpointAddress in sorted(held):
            self.wake(bEndpointAddress)


_HEADER = 9  #: bytes the kernel reads first, to learn wTotalLength


def _asks_configuration(setup: Setup) -> bool:
    is_standard = setup.bmRequestType == DIRECTION_IN and setup.bRequest == StandardRequest.GET_DESCRIPTOR
    return is_standard and setup.wValue >> 8 == DescriptorType.CONFIGURATION


Pattern = tuple[int | None, ...]


class _Gate:
    """Whether a script plays yet: ``after`` a request, if it waits for one."""

    def __init__(self, after: RequestPattern | None) -> None:
        self.after = _pattern(after) if after else ()
        self.awake = after is None


class _Script(_Gate):
    """A control script and how far it has been played."""

    def __init__(self, script: ControlScript) -> None:
        super().__init__(script.after)
        self.pattern = _pattern(script)
        self.answers = _tape(script.steps)


def _pattern(of: ControlScript | RequestPattern) -> Pattern:
    return (of.bmRequestType, of.bRequest, of.wValue, of.wIndex, of.wLength)


def _matches(pattern: Pattern, setup: Setup) -> bool:
    actual = (setup.bmRequestType, setup.bRequest, setup.wValue, setup.wIndex, setup.wLength)
    return all(wanted is None or wanted == value for wanted, value in zip(pattern, actual, strict=True))


def _tape(steps: Iterable[Step]) -> Iterator[Answer]:
    for step in steps:
        if step.times == 0:
            # A NAK that is repeated for ever: the channel need not ask again.
            answer = NEVER if step.answer.status is Status.NAK else step.answer
            while True:
                yield answer
        for _ in range(step.times):
            yield step.answer


def _gated(scripts: Iterable[tuple[_Gate, tuple[Step, ...]]]) -> Iterator[Answer]:
    """The scripts of an endpoint one after the other, each held until it is awake."""
    for gate, steps in scripts:
        while not gate.awake:
            yield NAK
        yield from _tape(steps)


_NO_ANSWERS: Iterator[Answer] = iter(())
_ACCEPT = Answer()


def spec_of(device: Device, name: str = "") -> DeviceSpec:
    """A Python device as a spec: its descriptors, and its scripts if it has any; not its handlers, which are code."""
    strings = ((i, string_descriptor(s) if isinstance(s, str) else s) for i, s in device.strings)
    return DeviceSpec(
        name=name or type(device).__name__.lower(),
        device=device.device,
        configurations=device.configurations,
        speed=device.speed,
        strings=tuple(strings),
        reports=device.reports if isinstance(device, HidDevice) else (),
        bos=device.bos,
        qualifier=device.qualifier,
        control=device.control if isinstance(device, ScriptedDevice) else (),
        endpoints=device.endpoints if isinstance(device, ScriptedDevice) else (),
    )
