"""Human interface devices: keyboards, mice, tablets, joysticks, sensors, power supplies."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="hid",
    share=20,
    builder="strategies.hid.function:hid_function",
    modules=("usbhid",),
    hid_bus=True,
    models={
        "boot-keyboard": "usbfuzz.models.hid.keyboard:Keyboard",
        "boot-mouse": "usbfuzz.models.hid.pointers:BootMouse",
        "keyboard": "usbfuzz.models.hid.keyboard:Keyboard",
        "mouse": "usbfuzz.models.hid.pointers:Mouse",
        "tablet": "usbfuzz.models.hid.pointers:Tablet",
        "wheel": "usbfuzz.models.hid.wheel:Wheel",
    },
    descriptors=("usbfuzz.descriptors.hid",),
    lsusb="usbfuzz.report.lsusb.hid",
    nodes=(
        Node("hidraw", exercise="hidraw"),
        Node("input", "event*", "event"),
        Node("input", "mouse*"),  # event* has opened the same device already
        Node("input", "js*"),
        Node("leds", "input*"),  # of a keyboard, opened by way of event* too
        Node("usbmisc", "hiddev*", "hiddev"),
    ),
)
