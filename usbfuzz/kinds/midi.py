"""USB MIDI interfaces, alone or beside a sound card."""

from __future__ import annotations

from .kind import Kind, Node

__all__ = ["KIND"]

KIND = Kind(
    name="midi",
    share=1,
    builder="strategies.audio.midi:midi_function",
    modules=("snd_usb_audio",),
    models={"midi": "usbfuzz.models.audio.midi:MidiInterface"},
    descriptors=("usbfuzz.descriptors.midi",),
    lsusb="usbfuzz.report.lsusb.midi",
    nodes=(Node("sound", "midiC*", "midi"),),
)
