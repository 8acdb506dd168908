"""The device: its scripts first, then its descriptors, then stall."""

from __future__ import annotations

from typing import Callable, Iterator

from .spec import Configuration, DeviceSpec, Pattern, Setting, Setup, Status, Step

__all__ = ["Device"]

_OK = Step()
_STALL = Step(status=Status.STALL)
_NEVER = Step(status=Status.NEVER)
_GET_STATUS, _CLEAR_FEATURE, _SET_FEATURE, _GET_DESCRIPTOR = 0, 1, 3, 6
_GET_CONFIGURATION, _SET_CONFIGURATION, _GET_INTERFACE, _SET_INTERFACE, _SYNCH_FRAME = range(8, 13)
_CONFIGURATION_TYPE = 2
_ACCEPTED = (_CLEAR_FEATURE, _SET_FEATURE, 48, 49)  #: SET_SEL and SET_ISOCH_DELAY, USB 3.2 §9.4
_HID_GET_REPORT, _HID_GET_IDLE, _HID_GET_PROTOCOL = 1, 2, 3
_HID_SET_REPORT, _HID_SET_IDLE, _HID_SET_PROTOCOL = 9, 10, 11


class _PlayedScript:
    def __init__(self, pattern: Pattern, steps: tuple[Step, ...], after: Pattern | None) -> None:
        self.pattern = pattern
        self.after = after
        self.awake = after is None
        self.answers = _play(steps)


class Device:
    """One plugged device. Methods answer with a Step; ``wake`` is called with endpoints that may be asked again."""

    def __init__(self, spec: DeviceSpec) -> None:
        self.spec = spec
        self.wake: Callable[[int], None] = lambda address: None
        self.configuration = 0
        self.alternate: dict[int, int] = {}
        self._halted: set[int] = set()
        self._held: set[int] = set()
        self._told = dict(spec.configurations)
        self._remote_wakeup = 0
        self._reports: dict[tuple[int, int], bytes] = {}
        self._idle: dict[tuple[int, int], int] = {}
        self._protocol: dict[int, int] = {}
        self._scripts = [_PlayedScript(s.pattern, s.steps, s.after) for s in spec.control]
        self._tapes = {address: _play(steps) for address, steps in spec.endpoints.items()}

    def settings(self) -> dict[int, Setting]:
        """The chosen setting of each interface; empty when unconfigured."""
        current = self._current()
        if current is None:
            return {}
        chosen = {}
        for number, settings in current.interfaces.items():
            default = next(iter(settings.values()))
            chosen[number] = settings.get(self.alternate.get(number, -1), default)
        return chosen

    def _current(self) -> Configuration | None:
        """The configuration with the value the host has set, else the first."""
        known = list(self._told.values()) if self.configuration else []
        return next(
            (configuration for configuration in known if configuration.value == self.configuration),
            known[0] if known else None,
        )

    def on_reset(self) -> None:
        """Bus reset: unconfigured. Scripts keep their place."""
        self.configuration = 0
        self.alternate = {}
        self._halted.clear()
        self._remote_wakeup = 0

    def on_control(self, setup: Setup, payload: bytes) -> Step:
        """A control request."""
        answer = self._scripted(setup)
        self._release()
        if answer is None:
            return self._standard(setup, payload)
        if setup[:2] == (0x80, _GET_DESCRIPTOR) and setup[2] >> 8 == _CONFIGURATION_TYPE and answer.configuration:
            self._told[setup[2] & 0xFF] = answer.configuration
        return answer

    def on_set_configuration(self, value: int) -> Step:
        """SET_CONFIGURATION, which QEMU sends as a message of its own."""
        answer = self._scripted((0x00, _SET_CONFIGURATION, value, 0, 0)) or _OK
        if answer.status == Status.SUCCESS:
            self.on_reset()
            self.configuration = value
        return answer

    def on_set_interface(self, interface: int, alternate: int) -> Step:
        """SET_INTERFACE, likewise."""
        answer = self._scripted((0x01, _SET_INTERFACE, alternate, interface, 0)) or _OK
        if answer.status == Status.SUCCESS:
            self.alternate[interface] = alternate
        return answer

    def on_in(self, address: int) -> Step:
        """A read of an endpoint; silence after the last scripted answer."""
        if address in self._halted:
            return _STALL
        answer = next(self._tapes.get(address, iter(())), _NEVER)
        if answer.status == Status.NAK:
            self._held.add(address)
        return answer

    def on_out(self, address: int) -> Step:
        """A write to an endpoint; accepted after the last scripted answer."""
        if address in self._halted:
            return _STALL
        self._release()
        return next(self._tapes.get(address, iter(())), _OK)

    def _scripted(self, setup: Setup) -> Step | None:
        answer = None
        for script in self._scripts:
            if answer is None and script.awake and _matches(script.pattern, setup):
                answer = next(script.answers, None)
        for script in self._scripts:
            script.awake = script.awake or (script.after is not None and _matches(script.after, setup))
        return answer

    def _release(self) -> None:
        held, self._held = self._held, set()
        for address in sorted(held):
            self.wake(address)

    def _standard(self, setup: Setup, payload: bytes) -> Step:
        """What the descriptors say; USB 2.0 §9.4, HID 1.11 §7."""
        kind, request, value, index, length = setup
        if kind & 0x60 == 0x20:
            return self._hid(setup, payload)
        if kind & 0x80:
            data = self._standard_in(kind, request, value, index)
            return _STALL if data is None else Step(data[:length])
        if kind == 0x02 and request in (_CLEAR_FEATURE, _SET_FEATURE):
            if value == 0:
                (self._halted.add if request == _SET_FEATURE else self._halted.discard)(index & 0xFF)
            return _OK
        if kind == 0x00 and request in (_CLEAR_FEATURE, _SET_FEATURE) and value == 1:
            self._remote_wakeup = int(request == _SET_FEATURE)
        accepted = kind == 0x00 and request in _ACCEPTED
        return _OK if accepted or (kind == 0x01 and request in (_CLEAR_FEATURE, _SET_FEATURE)) else _STALL

    def _standard_in(self, kind: int, request: int, value: int, index: int) -> bytes | None:
        if request == _GET_DESCRIPTOR and kind == 0x80:
            return self.spec.descriptors.get(value)
        if request == _GET_DESCRIPTOR and kind == 0x81:
            return self.spec.interface_descriptors.get((value >> 8, index & 0xFF))
        answers = {
            (0x80, _GET_STATUS): bytes((self._remote_wakeup << 1 | self._self_powered(), 0)),
            (0x81, _GET_STATUS): bytes(2),
            (0x82, _GET_STATUS): bytes((index & 0xFF in self._halted, 0)),
            (0x80, _GET_CONFIGURATION): bytes((self.configuration & 0xFF,)),
            (0x81, _GET_INTERFACE): bytes((self.alternate.get(index & 0xFF, 0),)),
            (0x82, _SYNCH_FRAME): bytes(2),
        }
        return answers.get((kind, request))

    def _self_powered(self) -> int:
        """Bit 6 of bmAttributes of the configuration in use."""
        current = self._current()
        return 0 if current is None else current.attributes >> 6 & 1

    def _hid(self, setup: Setup, payload: bytes) -> Step:
        kind, request, value, index, length = setup
        if kind & 0x1F != 1 or index & 0xFF not in self.spec.hid:
            return _STALL
        if kind & 0x80:
            data = self._hid_in(request, value, index, length)
            return _STALL if data is None else Step(data[:length])
        if request == _HID_SET_REPORT:
            self._reports[index, value] = payload
        elif request == _HID_SET_IDLE:
            self._idle[index, value & 0xFF] = value >> 8
        elif request == _HID_SET_PROTOCOL and value in (0, 1):
            self._protocol[index] = value
        else:
            return _STALL
        return _OK

    def _hid_in(self, request: int, value: int, index: int, length: int) -> bytes | None:
        if request == _HID_GET_REPORT:
            return self._reports.get((index, value), bytes((value & 0xFF,)) + bytes(max(length - 1, 0)))
        if request == _HID_GET_IDLE:
            return bytes((self._idle.get((index, value & 0xFF), 0),))
        if request == _HID_GET_PROTOCOL:
            return bytes((self._protocol.get(index, 1),))
        return None


def _play(steps: tuple[Step, ...]) -> Iterator[Step]:
    for step in steps:
        if step.times == 0:
            # A NAK that is repeated for ever: the channel need not ask again.
            answer = _NEVER if step.status == Status.NAK else step
            while True:
                yield answer
        for _ in range(step.times):
            yield step


def _matches(pattern: Pattern, setup: Setup) -> bool:
    return all(wanted is None or wanted == value for wanted, value in zip(pattern, setup))
