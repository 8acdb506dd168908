"""Sound cards: USB Audio 1.0, 2.0 and 3.0."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="audio",
    share=11,
    builder="strategies.audio.function:audio_function",
    modules=("snd_usb_audio",),
    models={
        "headset": "usbfuzz.models.audio.uac1:Headset",
        "headset-uac2": "usbfuzz.models.audio.uac2:HighSpeedHeadset",
    },
    descriptors=("usbfuzz.descriptors.uac1", "usbfuzz.descriptors.uac2", "usbfuzz.descriptors.uac3"),
    lsusb="usbfuzz.report.lsusb.audio",
    nodes=(Node("sound", "controlC*", "control"), Node("sound", "pcmC*", "pcm")),
)
