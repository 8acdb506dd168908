"""The HID models under usbhid: events come out of the guest's input devices, forces and lights go in."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from harness.workbench import Workbench
from usbfuzz.models.hid.keyboard import Keyboard, Led
from usbfuzz.models.hid.pointers import Mouse, Tablet
from usbfuzz.models.hid.wheel import Wheel

pytestmark = pytest.mark.guest

#: include/uapi/linux/input-event-codes.h
EV_KEY, EV_REL, EV_ABS = 1, 2, 3
KEY_1, KEY_A, KEY_B, KEY_LEFTSHIFT, LED_CAPSL = 2, 30, 48, 42, 1
REL_X, REL_Y, REL_WHEEL, REL_WHEEL_HI_RES, BTN_LEFT = 0, 1, 8, 11, 0x110
ABS_X, ABS_Y, ABS_PRESSURE, BTN_TOOL_PEN, BTN_TOUCH = 0, 1, 0x18, 0x140, 0x14A
#: Guest milliseconds from opening an input device to usbhid passing on what arrives: it drops 50 ms worth of events
#: (usbhid_open in drivers/hid/usbhid/hid-core.c), and the program has to be started.
OPENING_MS = 300
#: The same from closing a wheel to its effects being erased: usbhid sends its reports one by one.
CLOSING_MS = 200


def _watch(workbench: Workbench, name: str, count: int, act: Callable[[], None]) -> list[tuple[int, int, int]]:
    """The next ``count`` events of an input device while ``act`` happens to it."""
    watching = workbench.start(("evdev", "watch", name, str(count)), 5)
    workbench.wait(workbench.lane.agent.sleep(OPENING_MS))
    workbench.call(act)
    ran = watching.result()
    assert ran.status == 0, ran
    lines = re.findall(r"(\d+) (\d+) (-?\d+)\n", ran.output.decode())
    return [(int(kind), int(code), int(value)) for kind, code, value in lines]


def test_what_is_typed_arrives_as_key_events(workbench: Workbench) -> None:
    keyboard = Keyboard()
    workbench.plug(0, keyboard)
    events = _watch(workbench, "usbfuzz Boot keyboard", 8, lambda: keyboard.type("aB!"))
    assert events == [
        (EV_KEY, KEY_A, 1),
        (EV_KEY, KEY_A, 0),
        (EV_KEY, KEY_LEFTSHIFT, 1),
        (EV_KEY, KEY_B, 1),
        (EV_KEY, KEY_LEFTSHIFT, 0),
        (EV_KEY, KEY_B, 0),
        (EV_KEY, KEY_LEFTSHIFT, 1),
        (EV_KEY, KEY_1, 1),
    ]
    workbench.unplug(0)


def test_a_light_switched_in_the_guest_goes_on(workbench: Workbench) -> None:
    keyboard = Keyboard()
    workbench.plug(0, keyboard)
    assert workbench.run(("evdev", "led", "usbfuzz Boot keyboard", str(LED_CAPSL), "1")).status == 0
    assert keyboard.leds == Led.CAPS_LOCK
    assert workbench.run(("evdev", "led", "usbfuzz Boot keyboard", str(LED_CAPSL), "0")).status == 0
    assert keyboard.leds == Led(0)
    workbench.unplug(0)


def test_a_mouse_moves_and_clicks(workbench: Workbench) -> None:
    mouse = Mouse()
    workbench.plug(0, mouse)

    def act() -> None:
        mouse.move(x=5, y=-3)
        mouse.move(wheel=1)
        mouse.move(buttons=1)

    events = _watch(workbench, "usbfuzz Mouse", 5, act)
    assert events == [
        (EV_REL, REL_X, 5),
        (EV_REL, REL_Y, -3),
        (EV_REL, REL_WHEEL, 1),
        (EV_REL, REL_WHEEL_HI_RES, 120),
        (EV_KEY, BTN_LEFT, 1),
    ]
    workbench.unplug(0)


def test_a_pen_is_where_it_is_put(workbench: Workbench) -> None:
    tablet = Tablet()
    workbench.plug(0, tablet)

    def act() -> None:
        tablet.hover(1000, 20000)
        tablet.draw(1001, 20002, 300)

    events = _watch(workbench, "usbfuzz Tablet", 7, act)
    assert events[:3] == [(EV_KEY, BTN_TOOL_PEN, 1), (EV_ABS, ABS_X, 1000), (EV_ABS, ABS_Y, 20000)]
    assert set(events[3:]) == {
        (EV_KEY, BTN_TOUCH, 1),
        (EV_ABS, ABS_X, 1001),
        (EV_ABS, ABS_Y, 20002),
        (EV_ABS, ABS_PRESSURE, 300),
    }
    workbench.unplug(0)


def test_a_force_played_in_the_guest_is_felt_at_the_wheel(workbench: Workbench) -> None:
    wheel = Wheel()
    workbench.plug(0, wheel)
    assert "Force feedback for USB HID PID devices" in workbench.kernel_log()
    assert not wheel.effects
    words = ("evdev", "force", "usbfuzz Force feedback wheel", "16384", "49152", "250")
    ran = workbench.run(words)
    assert (ran.status, ran.output) == (0, b"")
    workbench.wait(workbench.lane.agent.sleep(CLOSING_MS))
    assert wheel.actuators
    (effect,) = wheel.history
    assert (effect.kind, effect.duration, effect.loops) == ("constant", 250, 1)
    assert effect.magnitude == 5000
    assert effect.direction == 191
    assert not wheel.effects  # erased when the program closed the device
    workbench.unplug(0)
    assert not workbench.reports()


def test_a_turned_wheel_moves_the_axis(workbench: Workbench) -> None:
    wheel = Wheel()
    workbench.plug(0, wheel)
    events = _watch(workbench, "usbfuzz Force feedback wheel", 1, lambda: wheel.steer(-12345))
    assert events == [(EV_ABS, ABS_X, -12345)]
    workbench.unplug(0)
