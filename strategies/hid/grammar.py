"""HID report descriptors by kind of device: mouse, touch screen, force feedback wheel and others.

Each is a grammar with the liberties that real devices take (ids or none, fields in any order, padding, optional parts
that are missing), because drivers look fields up by usage and some do not check that a field they need exists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from strategies.dice import Dice
from usbfuzz.descriptors.hid_writer import FEATURE, INPUT, OUTPUT, REPORT_COUNT, REPORT_SIZE, USAGE, HidReport

from .force_feedback import force_feedback

__all__ = ["GRAMMARS", "Grammar", "raw_reports"]

#: Writes one or more top-level collections.
Grammar = Callable[[Dice, HidReport], None]

DESKTOP, SIMULATION, KEYBOARD, LED, BUTTON, TELEPHONY, CONSUMER = 0x01, 0x02, 0x07, 0x08, 0x09, 0x0B, 0x0C
DIGITIZER, SENSOR, POWER, BATTERY, VENDOR = 0x0D, 0x20, 0x84, 0x85, 0xFF00


def mouse(dice: Dice, report: HidReport) -> None:
    """Buttons, axes, wheels with a resolution multiplier. HID 1.11 appendix E.10."""
    with report.page(DESKTOP).collection(0x02), report.report_id(dice.pick((0, 0, 1, 2))).collection(0x01, 0):
        buttons = dice.pick((3, 5, 8, 16, 24))
        report.page(BUTTON).span(INPUT, 1, buttons, 1, buttons).pad(INPUT, -buttons % 8)
        size = dice.pick((8, 8, 12, 16))
        report.page(DESKTOP).field(
            INPUT, (0x30, 0x31), size, low=-(1 << size - 1) + 1, high=(1 << size - 1) - 1, flags=6
        )
        if dice.chance(0.5):
            with report.collection(0x38, 2):
                report.field(FEATURE, (0x48,), 2, high=1).pad(FEATURE, 6)
                report.field(INPUT, (0x38,), dice.pick((8, 16)), low=-127, high=127, flags=6)


def keyboard(dice: Dice, report: HidReport) -> None:
    """Modifiers, an array of keys, LEDs out. HID 1.11 appendix E.6."""
    with report.page(DESKTOP).collection(0x06):
        report.report_id(dice.pick((0, 0, 1)))
        report.page(KEYBOARD).span(INPUT, 0xE0, 0xE7, 1, 8).pad(INPUT, 8)
        leds = dice.pick((3, 5, 8))
        report.page(LED).span(OUTPUT, 1, leds, 1, leds).pad(OUTPUT, -leds % 8)
        if dice.chance(0.8):
            report.page(KEYBOARD).span(INPUT, 0, dice.pick((0x65, 0xDD, 0xFF)), 8, dice.pick((6, 6, 1, 14)), flags=0)
        else:
            report.page(KEYBOARD).span(INPUT, 0, 0x77, 1, 0x78)  # n-key rollover bitmap


def consumer(dice: Dice, report: HidReport) -> None:
    """Media keys, system control, sometimes a vendor's own."""
    with report.page(CONSUMER).collection(0x01):
        report.report_id(dice.pick((2, 3, 0)))
        report.span(INPUT, 0, dice.pick((0x23C, 0x29C, 0xFFF)), 16, dice.pick((1, 2)), flags=0)
    if dice.chance(0.4):
        with report.page(DESKTOP).collection(0x80):
            report.report_id(4).span(INPUT, 0x81, 0x83, 1, 3).pad(INPUT, 5)


def gamepad(dice: Dice, report: HidReport) -> None:
    """Axes, hats, buttons; an output report of a few values, which force feedback drivers count on."""
    with report.page(DESKTOP).collection(dice.pick((0x04, 0x05, 0x08))):
        report.report_id(dice.pick((0, 0, 1)))
        axes = tuple(dice.sample((0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37), dice.between(1, 8)))
        report.field(INPUT, axes, dice.pick((8, 8, 10, 16)))
        for _ in range(dice.below(3)):
            report.page(DESKTOP).field(INPUT, (0x39,), 4, high=7, flags=0x42).pad(INPUT, dice.pick((0, 4)))
        buttons = dice.between(1, 32)
        report.page(BUTTON).span(INPUT, 1, buttons, 1, buttons).pad(INPUT, -buttons % 8)
        if dice.chance(0.3):
            report.page(SIMULATION).field(INPUT, (0xC8, 0xC4, 0xC5), 8)
        for _ in range(dice.pick((0, 1, 1, 1, 2, 4))):
            count = dice.pick((1, 2, 3, 4, 7, 8, 16))
            report.page(dice.pick((VENDOR, LED, BUTTON))).field(OUTPUT, (dice.between(1, 8),), 8, count)
        if dice.chance(0.3):
            report.page(VENDOR).field(FEATURE, (1, 2), 8, dice.pick((2, 7, 8)))


def joystick_with_force_feedback(dice: Dice, report: HidReport) -> None:
    """A joystick with the reports of the Physical Interface Device class."""
    with report.page(DESKTOP).collection(0x04):
        report.report_id(1).field(INPUT, (0x30, 0x31), 8, low=-127, high=127)
        report.page(BUTTON).span(INPUT, 1, 8, 1, 8)
        force_feedback(dice, report)


def _finger(dice: Dice, report: HidReport, parts: tuple[int, ...]) -> None:
    with report.page(DIGITIZER).collection(0x22, 2):
        for usage in parts:
            match usage:
                case 0x30 | 0x31:
                    report.page(DESKTOP).field(INPUT, (usage,), 16, high=dice.pick((4095, 0x7FFF, 1)))
                case 0x42 | 0x32 | 0x47:
                    report.page(DIGITIZER).field(INPUT, (usage,), 1).pad(INPUT, dice.pick((0, 7)))
                case _:
                    report.page(DIGITIZER).field(INPUT, (usage,), 8, high=dice.pick((255, 127, 10)))


def _touch_features(dice: Dice, report: HidReport) -> None:
    """Contact count maximum, input mode, certification blob, latency; where in the report each is, is free."""
    usages = dice.sample((0x52, 0x53, 0x55, 0x55, 0x56, 0x57, 0x58, 0x59, 0x60), dice.between(0, 5))
    for usage in usages:
        if dice.chance(0.6):
            report.report_id(dice.between(2, 8))
        if dice.chance(0.3):  # a usage list with the wanted one at its end, or fewer values than usages
            report.page(DIGITIZER).field(
                FEATURE, (0x56,) * dice.between(1, 16) + (usage,), 8, dice.pick((1, 4, 16)), high=10
            )
        else:
            report.page(DIGITIZER).field(
                FEATURE, (usage,), dice.pick((4, 8, 8, 16)), dice.pick((1, 1, 1, 2, 0)), high=10
            )
    if dice.chance(0.4):
        report.report_id(dice.between(8, 12)).page(VENDOR).field(FEATURE, (0xC5,), 8, dice.pick((256, 256, 8, 1)))


def touch(dice: Dice, report: HidReport) -> None:
    """Multitouch screen or pad, Windows 7/8/10 style. Microsoft's Windows Precision Touchpad collection layout."""
    with report.page(DIGITIZER).collection(dice.pick((0x04, 0x04, 0x05, 0x0F))):
        report.report_id(dice.pick((1, 1, 1, 0)))
        parts = (0x42, *dice.sample((0x51, 0x32, 0x47, 0x30, 0x31, 0x48, 0x49, 0x3F, 0x30), dice.between(3, 9)))
        for _ in range(dice.pick((1, 2, 2, 5, 10))):
            _finger(dice, report, parts)
        if dice.chance(0.8):
            report.page(DIGITIZER).field(INPUT, (0x54,), 8, high=dice.pick((10, 127, 255)))
        if dice.chance(0.4):
            report.field(INPUT, (0x56,), 16)
        if dice.chance(0.4):
            report.page(BUTTON).span(INPUT, 1, 3, 1, 3).pad(INPUT, 5)
        _touch_features(dice, report)
    if dice.chance(0.4):
        with report.page(DIGITIZER).collection(0x0E):
            report.report_id(dice.between(3, 14))
            _touch_features(dice, report)
    if dice.chance(0.3):
        mouse(dice, report)


def pen(dice: Dice, report: HidReport) -> None:
    """Pen tablet: tip, barrel, pressure, tilt, serial; and the vendor collections of Wacom."""
    with report.page(DIGITIZER).collection(dice.pick((0x01, 0x02, 0x02, 0x03))):
        report.report_id(dice.pick((1, 2, 8, 16, 0)))
        with report.collection(dice.pick((0x20, 0x21)), dice.pick((0, 2))):
            report.field(INPUT, tuple(dice.sample((0x42, 0x44, 0x45, 0x3C, 0x32, 0x5A), dice.between(1, 6))), 1, high=1)
            report.pad(INPUT, dice.pick((0, 2, 3)))
            report.page(DESKTOP).field(INPUT, (0x30, 0x31), 16, high=dice.pick((32767, 21648, 0)))
            report.page(DIGITIZER).field(INPUT, (0x30,), dice.pick((8, 16)), high=dice.pick((255, 2047, 8191)))
            if dice.chance(0.5):
                report.field(INPUT, (0x3D, 0x3E), 8, low=-60, high=60)
            if dice.chance(0.4):
                report.field(INPUT, (0x5B,), 32).field(INPUT, (0x77,), dice.pick((16, 32)))
        if dice.chance(0.6):
            _touch_features(dice, report)
    if dice.chance(0.5):
        with report.page(0xFF0D).collection(dice.pick((0x01, 0x39, 0x03))):
            usages = dice.sample(
                (0x130, 0x131, 0x132, 0x32, 0x36, 0x3B, 0x100, 0x10D, 0x13B, 0x454, 0x910, 0x950, 0x990), 5
            )
            report.report_id(dice.between(2, 32)).field(dice.pick((INPUT, FEATURE)), tuple(usages), dice.pick((8, 16)))


def sensor(dice: Dice, report: HidReport) -> None:
    """A sensor hub: accelerometer, gyroscope, light, … with states, events and properties. HUT sensors page 0x20."""
    with report.page(SENSOR).collection(0x01):
        for number in range(1, dice.between(2, 5)):
            kind = dice.pick((0x73, 0x76, 0x41, 0x83, 0x8A, 0x11, 0x31, 0x32, 0x33, 0xA0, 0xE1, 0x86))
            report.report_id(number)
            with report.page(SENSOR).collection(kind, dice.pick((0, 0, 1))):
                for usage in dice.sample((0x0309, 0x0319, 0x030E, 0x0316, 0x020E), dice.between(1, 5)):
                    report.page(SENSOR).field(FEATURE, (usage,), dice.pick((8, 16, 32)), dice.pick((1, 1, 2, 6)))
                report.page(SENSOR).span(INPUT, 0x0800, 0x0806, 8, 1, flags=0)
                base = {0x73: 0x0453, 0x76: 0x0457, 0x41: 0x04D1, 0x83: 0x0485, 0x31: 0x0431}.get(kind, 0x0500)
                values = tuple(base + n for n in range(dice.between(1, 4)))
                size = dice.pick((16, 16, 32, 8, 64))
                report.field(INPUT, values, size, low=-32767, high=32767)


def vendor(dice: Dice, report: HidReport) -> None:
    """Vendor page reports of fixed sizes, with the ids some drivers ask for by number."""
    page = dice.pick((VENDOR, VENDOR, 0xFF01, 0xFF43, 0xFFA0, 0xFF42, 0xFF11, 0xF1D0))
    with report.page(page).collection(dice.between(1, 8)):
        ids = dice.sample(
            (0x01, 0x02, 0x03, 0x05, 0x08, 0x10, 0x11, 0x12, 0x20, 0x21, 0x30, 0x80, 0x81), dice.between(1, 5)
        )
        for number in ids:
            for main in dice.sample((INPUT, OUTPUT, FEATURE), dice.between(1, 3)):
                report.report_id(number).field(
                    main, (dice.between(1, 4),), 8, dice.pick((1, 6, 7, 14, 19, 31, 63)), flags=2
                )


def power(dice: Dice, report: HidReport) -> None:
    """An uninterruptible power supply with battery strength. HID power device class."""
    with report.page(POWER).collection(0x04), report.collection(0x24, 0):
        for number, usage in enumerate(dice.sample((0x66, 0x83, 0x68, 0x67, 0x8B, 0x2C, 0x8C), dice.between(1, 6)), 1):
            report.report_id(number).page(BATTERY).field(dice.pick((FEATURE, INPUT)), (usage,), dice.pick((8, 16)))
    if dice.chance(0.5):
        with report.page(DESKTOP).collection(0x02):
            report.report_id(20).page(0x06).field(dice.pick((INPUT, FEATURE)), (0x20,), 8, high=100)
            report.page(DESKTOP).field(INPUT, (0x30, 0x31), 8)


_PAGES = (
    0x01,
    0x02,
    0x05,
    0x06,
    0x07,
    0x08,
    0x09,
    0x0A,
    0x0B,
    0x0C,
    0x0D,
    0x0F,
    0x14,
    0x20,
    0x40,
    0x84,
    0x85,
    0xFF00,
    0xFF0D,
    0xFFBC,
    0xF1D0,
)


def anything(dice: Dice, report: HidReport) -> None:
    """Collections and fields of any usages, sizes and counts: parseable, but not a device."""
    report.page(dice.pick(_PAGES))
    with report.collection(dice.below(256)):
        for _ in range(dice.between(1, 10)):
            if dice.chance(0.3):
                report.report_id(dice.between(1, 255))
            if dice.chance(0.5):
                report.page(dice.pick(_PAGES))
            main = dice.pick((INPUT, INPUT, OUTPUT, FEATURE))
            size = dice.pick((1, 1, 4, 8, 8, 16, 24, 32))
            if dice.chance(0.3):
                low = dice.below(300)
                report.span(
                    main, low, low + dice.below(300), size, dice.pick((1, 2, 8, 32)), flags=dice.pick((0, 2, 6))
                )
            else:
                usages = tuple(dice.below(0x100) for _ in range(dice.below(6)))
                report.field(
                    main,
                    usages,
                    size,
                    dice.pick((1, 2, 4, 8, 60)),
                    high=dice.pick((1, 255)),
                    flags=dice.pick((0, 2, 3)),
                )


#: Grammars by kind of HID device.
GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {
        "mouse": mouse,
        "keyboard": keyboard,
        "consumer": consumer,
        "gamepad": gamepad,
        "pid": joystick_with_force_feedback,
        "touch": touch,
        "pen": pen,
        "sensor": sensor,
        "vendor": vendor,
        "power": power,
        "anything": anything,
    }
)


def raw_reports(report: HidReport, wish: str) -> None:
    """Byte reports by id as a driver asks for them: ``i30:63 o10:9`` is input 0x30 of 63 bytes and output 0x10 of 9."""
    mains = {"i": INPUT, "o": OUTPUT, "f": FEATURE}
    with report.page(VENDOR).collection(0x01):
        for token in wish.split():
            number, _, length = token[1:].partition(":")
            report.report_id(int(number, 16)).put(USAGE, 1)
            report.put(REPORT_SIZE, 8).put(REPORT_COUNT, int(length)).put(mains[token[0]], 2)
