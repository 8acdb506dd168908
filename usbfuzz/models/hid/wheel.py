"""A steering wheel with force feedback."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping

from attrs import define, evolve

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.device import Reply, build, endpoint_out
from usbfuzz.wire import STALL, Setup, Speed, TransferType

from .pid import EFFECT_TYPES, EFFECTS, GAIN_MAXIMUM, PID_REPORT, Control, Operation, Pid
from .reports import Reporting

__all__ = ["Effect", "Wheel"]

_FEATURE = 0x03  #: high byte of wValue of GET_REPORT and SET_REPORT
_SUCCESS, _FULL = 1, 2  #: block load status
_HISTORY = 1000
#: What the wheel reads of the reports about one effect; report id and block index come first.
_LAYOUTS: Mapping[int, struct.Struct] = {
    Pid.SET_EFFECT: struct.Struct("<3xH4xB2xB"),  # duration, gain, direction
    Pid.SET_PERIODIC: struct.Struct("<2xH3xH"),  # magnitude, period
    Pid.SET_CONSTANT_FORCE: struct.Struct("<2xh"),  # magnitude
    Pid.EFFECT_OPERATION: struct.Struct("<2xBB"),  # operation, loop count
}
_POOL = struct.pack("<BHBB", Pid.POOL, EFFECTS, EFFECTS, 1)  #: device managed


@define
class Effect:
    """One effect in the wheel's memory, in the units of the report descriptor."""

    kind: str  #: one of :data:`~usbfuzz.models.hid.pid.EFFECT_TYPES`
    duration: int = 0  #: ms
    gain: int = GAIN_MAXIMUM
    direction: int = 0  #: 0 to 255 is once around, clockwise from north
    magnitude: int = 0  #: of at most MAGNITUDE_MAXIMUM
    period: int = 0  #: ms
    loops: int = 0  #: how often it is being played; 0 when it is not


class Wheel(Reporting):
    """One axis, eight buttons, room for sixteen effects.

    ``effects`` is what the host has uploaded, by effect block index; ``history`` has a copy of
    each at the time it was started, of the last thousand.
    """

    speed = Speed.FULL
    device = build.device(idVendor=0x0627, idProduct=0x0304, iManufacturer=1, iProduct=2)
    strings = ((1, "usbfuzz"), (2, "Force feedback wheel"))
    reports = ((0, PID_REPORT),)
    configurations = (
        build.counted(
            build.interface(bInterfaceClass=ClassCode.HID),
            build.hid(PID_REPORT),
            build.endpoint(0x81, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=4),
            build.endpoint(0x01, TransferType.INTERRUPT, wMaxPacketSize=16, bInterval=4),
        ),
    )

    def __init__(self) -> None:
        super().__init__()
        self.effects: dict[int, Effect] = {}
        self.history: deque[Effect] = deque(maxlen=_HISTORY)
        self.gain = GAIN_MAXIMUM
        self.actuators = False
        self._loaded = (0, _FULL)

    def steer(self, position: int, buttons: int = 0) -> None:
        """Turn the wheel to -32767 (left) … 32767, with a mask of buttons held down."""
        self.send(struct.pack("<BhB", Pid.JOYSTICK, position, buttons))

    def set_report(self, setup: Setup, payload: bytes) -> Reply:
        """Output reports may come this way, too; the only feature report to write makes room for an effect."""
        if not payload:
            return STALL
        if setup.wValue >> 8 != _FEATURE:
            return self.command(payload)
        if payload[0] != Pid.CREATE_NEW_EFFECT or len(payload) < 2 or not 1 <= payload[1] <= len(EFFECT_TYPES):
            return STALL
        free = next((index for index in range(1, EFFECTS + 1) if index not in self.effects), 0)
        if free:
            self.effects[free] = Effect(EFFECT_TYPES[payload[1] - 1])
        self._loaded = (free, _SUCCESS if free else _FULL)
        return None

    def get_report(self, setup: Setup) -> Reply:
        """Block load tells where the new effect went, pool how much memory there is."""
        match setup.wValue:
            case value if value == _FEATURE << 8 | Pid.BLOCK_LOAD:
                return struct.pack("<BBBH", Pid.BLOCK_LOAD, *self._loaded, EFFECTS - len(self.effects))
            case value if value == _FEATURE << 8 | Pid.POOL:
                return _POOL
        return super().get_report(setup)

    @endpoint_out(0x01)
    def command(self, report: bytes) -> Reply:
        """An output report; one that is too short or names no effect is ignored."""
        if len(report) < 2:
            return None
        kind, value = report[:2]
        match kind:
            case Pid.DEVICE_GAIN:
                self.gain = value
            case Pid.DEVICE_CONTROL:
                self._control(value)
            case Pid.BLOCK_FREE:
                self.effects.pop(value, None)
            case _ if value in self.effects:
                self._change(kind, self.effects[value], report)
        return None

    def _control(self, control: int) -> None:
        match control:
            case Control.ENABLE_ACTUATORS | Control.DISABLE_ACTUATORS:
                self.actuators = control == Control.ENABLE_ACTUATORS
            case Control.RESET:
                self.effects.clear()
            case Control.STOP_ALL:
                for effect in self.effects.values():
                    effect.loops = 0

    def _change(self, kind: int, effect: Effect, report: bytes) -> None:
        """Take a report whose second byte is the block index of ``effect``."""
        layout = _LAYOUTS.get(kind)
        if layout is None or len(report) < layout.size:
            return
        values = layout.unpack_from(report)
        match kind:
            case Pid.SET_EFFECT:
                effect.duration, effect.gain, effect.direction = values
            case Pid.SET_PERIODIC:
                effect.magnitude, effect.period = values
            case Pid.SET_CONSTANT_FORCE:
                (effect.magnitude,) = values
            case Pid.EFFECT_OPERATION:
                operation, loops = values
                effect.loops = 0 if operation == Operation.STOP else max(loops, 1)
                if effect.loops:
                    self.history.append(evolve(effect))
