"""lsusb's words for bits and values of audio descriptors. UAC1, UAC2 and UAC3, appendix A of each."""

from __future__ import annotations

__all__ = ["CHANNELS", "CONTROLS", "ENDPOINT_ATTRIBUTES", "FEATURES", "FORMAT_TAGS", "LOCK_DELAY_UNITS", "PROCESSES"]

#: Spatial locations, bit by bit, by audio version.
CHANNELS: dict[int, tuple[str, ...]] = {
    1: (
        *("Left Front (L)", "Right Front (R)", "Center Front (C)", "Low Frequency Enhancement (LFE)"),
        *("Left Surround (LS)", "Right Surround (RS)", "Left of Center (LC)", "Right of Center (RC)"),
        *("Surround (S)", "Side Left (SL)", "Side Right (SR)", "Top (T)"),
    ),
    2: (
        *("Front Left (FL)", "Front Right (FR)", "Front Center (FC)", "Low Frequency Effects (LFE)"),
        *("Back Left (BL)", "Back Right (BR)", "Front Left of Center (FLC)", "Front Right of Center (FRC)"),
        *("Back Center (BC)", "Side Left (SL)", "Side Right (SR)", "Top Center (TC)", "Top Front Left (TFL)"),
        *("Top Front Center (TFC)", "Top Front Right (TFR)", "Top Back Left (TBL)", "Top Back Center (TBC)"),
        *("Top Back Right (TBR)", "Top Front Left of Center (TFLC)", "Top Front Right of Center (TFRC)"),
        *("Left Low Frequency Effects (LLFE)", "Right Low Frequency Effects (RLFE)", "Top Side Left (TSL)"),
        *("Top Side Right (TSR)", "Bottom Center (BC)", "Back Left of Center (BLC)"),
    ),
}

#: Controls of a feature unit: one bit each in UAC1, two in the later ones.
FEATURES = (
    *("Mute", "Volume", "Bass", "Mid", "Treble", "Graphic Equalizer", "Automatic Gain", "Delay", "Bass Boost"),
    *("Loudness", "Input gain", "Input gain pad", "Phase inverter"),
)

_EXTENSION_3 = ("Underflow", "Overflow")
_CLOCK_SOURCE = ("Clock Frequency", "Clock Validity")
_CLOCK_MULTIPLIER = ("Clock Numerator", "Clock Denominator")
_ALTERNATE = ("Active Alternate Setting", "Valid Alternate Setting")

#: Pairs of bits in bmControls, by audio version and what the codec calls the descriptor.
CONTROLS: dict[tuple[int, str], tuple[str, ...]] = {
    (2, "AC header"): ("Latency control",),
    (3, "AC header"): ("Latency control",),
    (2, "AC input terminal"): ("Copy Protect", "Connector", "Overload", "Cluster", "Underflow", "Overflow"),
    (3, "AC input terminal"): ("Insertion", "Overload", "Underflow", "Overflow", "Underflow"),
    (2, "AC output terminal"): ("Copy Protect", "Connector", "Overload", "Underflow", "Overflow"),
    (3, "AC output terminal"): ("Insertion", "Overload", "Underflow", "Overflow"),
    (2, "AC mixer unit"): ("Cluster", "Underflow", "Overflow"),
    (3, "AC mixer unit"): ("Underflow", "Overflow"),
    (2, "AC selector unit"): ("Selector",),
    (3, "AC selector unit"): ("Selector",),
    (2, "AC extension unit"): ("Enable", "Cluster", "Underflow", "Overflow"),
    (3, "AC extension unit"): _EXTENSION_3,
    (2, "AC clock source"): _CLOCK_SOURCE,
    (3, "AC clock source"): _CLOCK_SOURCE,
    (2, "AC clock selector"): ("Clock Selector",),
    (3, "AC clock selector"): ("Clock Selector",),
    (2, "AC clock multiplier"): _CLOCK_MULTIPLIER,
    (3, "AC clock multiplier"): _CLOCK_MULTIPLIER,
    (2, "AS general"): _ALTERNATE,
    (3, "AS general"): (*_ALTERNATE, "Audio Data Format Control"),
    (2, "AS isochronous endpoint"): ("Pitch", "Data Overrun", "Data Underrun"),
    (3, "AS isochronous endpoint"): ("Pitch", "Data Overrun", "Data Underrun"),
}

PROCESSES: dict[int, tuple[str, ...]] = {
    1: (
        *("Undefined", "Up/Down-mix", "Dolby Prologic", "3D Stereo Extender"),
        *("Reverberation", "Chorus", "Dyn Range Comp"),
    ),
    2: ("Undefined", "Up/Down-mix", "Dolby Prologic", "Stereo Extender"),
    3: ("Undefined", "Up/Down-mix", "Stereo Extender", "Multi-Function"),
}

FORMAT_TAGS: dict[int, str] = {
    **dict(enumerate(("TYPE_I_UNDEFINED", "PCM", "PCM8", "IEEE_FLOAT", "ALAW", "MULAW"))),
    **dict(enumerate(("TYPE_II_UNDEFINED", "MPEG", "AC-3"), 0x1000)),
    **dict(
        enumerate(
            (
                *("TYPE_III_UNDEFINED", "IEC1937_AC-3", "IEC1937_MPEG-1_Layer1", "IEC1937_MPEG-Layer2/3/NOEXT"),
                *("IEC1937_MPEG-2_EXT", "IEC1937_MPEG-2_Layer1_LS", "IEC1937_MPEG-2_Layer2/3_LS"),
            ),
            0x2000,
        )
    ),
}

#: Bits of an isochronous endpoint's bmAttributes, by audio version.
ENDPOINT_ATTRIBUTES: dict[int, dict[int, str]] = {
    1: {0x01: "Sampling Frequency", 0x02: "Pitch", 0x04: "Audio Data Format Control", 0x80: "MaxPacketsOnly"},
    2: {0x80: "MaxPacketsOnly"},
}

LOCK_DELAY_UNITS = ("Undefined", "Milliseconds", "Decoded PCM samples")
