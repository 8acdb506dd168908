"""The reports of a force-feedback device: Device Class Definition for Physical Interface Devices (PID) 1.0.

The report descriptor has what Linux' driver asks for (drivers/hid/usbhid/hid-pidff.c): the eight reports that manage
effects, and those of constant and periodic forces.
"""

from __future__ import annotations

from enum import IntEnum

from usbfuzz.descriptors.hid_writer import FEATURE, INPUT, OUTPUT, UNIT, UNIT_EXPONENT, HidReport

__all__ = ["EFFECTS", "EFFECT_TYPES", "GAIN_MAXIMUM", "MAGNITUDE_MAXIMUM", "PID_REPORT", "Control", "Operation", "Pid"]

EFFECTS = 16  #: effects that fit into the device
MAGNITUDE_MAXIMUM, GAIN_MAXIMUM = 10_000, 255

_GENERIC_DESKTOP, _ORDINALS, _PID = 0x01, 0x0A, 0x0F
_LOGICAL = 2  #: kind of collection
_SELECTOR = 0  #: flags of a field that is one of its usages, counted from 1
_SECONDS = 0x1001

#: Constant force, square, sine, triangle, sawtooth up, sawtooth down.
_EFFECT_USAGES = (0x26, 0x30, 0x31, 0x32, 0x33, 0x34)
EFFECT_TYPES = ("constant", "square", "sine", "triangle", "sawtooth up", "sawtooth down")


class Pid(IntEnum):
    """HID report ids."""

    JOYSTICK = 1
    SET_EFFECT = 2
    SET_ENVELOPE = 3
    SET_PERIODIC = 4
    SET_CONSTANT_FORCE = 5
    EFFECT_OPERATION = 6
    DEVICE_GAIN = 7
    DEVICE_CONTROL = 8
    BLOCK_FREE = 9
    CREATE_NEW_EFFECT = 10
    BLOCK_LOAD = 11
    POOL = 12


class Operation(IntEnum):
    """Selectors of an effect operation. PID 1.0 §5.9."""

    START = 1
    START_SOLO = 2
    STOP = 3


class Control(IntEnum):
    """Selectors of a device control. PID 1.0 §5.7."""

    ENABLE_ACTUATORS = 1
    DISABLE_ACTUATORS = 2
    STOP_ALL = 3
    RESET = 4
    PAUSE = 5
    CONTINUE = 6


def _block_index(report: HidReport, main: int) -> None:
    report.field(main, (0x22,), 8, low=1, high=EFFECTS)


def _choice(report: HidReport, main: int, collection: int, usages: tuple[int, ...]) -> None:
    """One of ``usages``, as the number of its place."""
    with report.collection(collection, _LOGICAL):
        report.field(main, usages, 8, 1, low=1, high=len(usages), flags=_SELECTOR)


def _times(report: HidReport, main: int, usages: tuple[int, ...]) -> None:
    """A field in milliseconds."""
    report.put(UNIT, _SECONDS).put(UNIT_EXPONENT, -3).field(main, usages, 16, high=0x7FFF)
    report.put(UNIT, 0).put(UNIT_EXPONENT, 0)


def _set_effect(report: HidReport) -> None:
    with report.collection(0x21, _LOGICAL):
        report.report_id(Pid.SET_EFFECT)
        _block_index(report, OUTPUT)
        _choice(report, OUTPUT, 0x25, _EFFECT_USAGES)
        _times(report, OUTPUT, (0x50, 0x54, 0xA7))  # duration, trigger repeat interval, start delay
        report.field(OUTPUT, (0x52,), 8, high=GAIN_MAXIMUM).field(OUTPUT, (0x53,), 8, high=8)  # trigger button
        report.field(OUTPUT, (0x56,), 1).pad(OUTPUT, 7)  # direction enable
        with report.collection(0x57, _LOGICAL):
            report.page(_ORDINALS).field(OUTPUT, (1,), 8, high=255).page(_PID)


def _set_forces(report: HidReport) -> None:
    with report.collection(0x5A, _LOGICAL):
        report.report_id(Pid.SET_ENVELOPE)
        _block_index(report, OUTPUT)
        report.field(OUTPUT, (0x5B, 0x5D), 16, high=MAGNITUDE_MAXIMUM)  # attack and fade level
        _times(report, OUTPUT, (0x5C, 0x5E))
    with report.collection(0x6E, _LOGICAL):
        report.report_id(Pid.SET_PERIODIC)
        _block_index(report, OUTPUT)
        report.field(OUTPUT, (0x70,), 16, high=MAGNITUDE_MAXIMUM)
        report.field(OUTPUT, (0x6F,), 16, low=-MAGNITUDE_MAXIMUM, high=MAGNITUDE_MAXIMUM)  # offset
        report.field(OUTPUT, (0x71,), 8, high=255)  # phase
        _times(report, OUTPUT, (0x72,))  # period
    with report.collection(0x73, _LOGICAL):
        report.report_id(Pid.SET_CONSTANT_FORCE)
        _block_index(report, OUTPUT)
        report.field(OUTPUT, (0x70,), 16, low=-MAGNITUDE_MAXIMUM, high=MAGNITUDE_MAXIMUM)


def _manage(report: HidReport) -> None:
    with report.collection(0x77, _LOGICAL):
        report.report_id(Pid.EFFECT_OPERATION)
        _block_index(report, OUTPUT)
        _choice(report, OUTPUT, 0x78, (0x79, 0x7A, 0x7B))
        report.field(OUTPUT, (0x7C,), 8, high=255)  # loop count
    with report.collection(0x7D, _LOGICAL):
        report.report_id(Pid.DEVICE_GAIN).field(OUTPUT, (0x7E,), 8, high=GAIN_MAXIMUM)
    with report.collection(0x96, _LOGICAL):
        usages = (0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C)
        report.report_id(Pid.DEVICE_CONTROL).field(OUTPUT, usages, 8, 1, low=1, high=len(usages), flags=_SELECTOR)
    with report.collection(0x90, _LOGICAL):
        report.report_id(Pid.BLOCK_FREE)
        _block_index(report, OUTPUT)


def _allocate(report: HidReport) -> None:
    with report.collection(0xAB, _LOGICAL):
        report.report_id(Pid.CREATE_NEW_EFFECT)
        _choice(report, FEATURE, 0x25, _EFFECT_USAGES)
        report.page(_GENERIC_DESKTOP).field(FEATURE, (0x3B,), 16, high=511).page(_PID)  # byte count
    with report.collection(0x89, _LOGICAL):
        report.report_id(Pid.BLOCK_LOAD)
        _block_index(report, FEATURE)
        _choice(report, FEATURE, 0x8B, (0x8C, 0x8D, 0x8E))  # success, full, error
        report.field(FEATURE, (0xAC,), 16, high=0x7FFF)  # RAM pool available
    with report.collection(0x7F, _LOGICAL):
        report.report_id(Pid.POOL).field(FEATURE, (0x80,), 16, high=0x7FFF)  # RAM pool size
        report.field(FEATURE, (0x83,), 8, high=255)  # simultaneous effects
        report.field(FEATURE, (0xA9, 0xAA), 1).pad(FEATURE, 6)  # device managed pool, shared parameter blocks


def _describe() -> bytes:
    report = HidReport().page(_GENERIC_DESKTOP)
    with report.collection(0x04):  # joystick
        report.report_id(Pid.JOYSTICK).field(INPUT, (0x30,), 16, low=-0x7FFF, high=0x7FFF)  # X
        report.page(0x09).span(INPUT, 1, 8, 1, 8)
        report.page(_PID)
        for section in (_set_effect, _set_forces, _manage, _allocate):
            section(report)
    return bytes(report.raw)


PID_REPORT = _describe()
