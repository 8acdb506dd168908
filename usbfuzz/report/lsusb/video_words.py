"""lsusb's words for bits and values of video descriptors. UVC 1.5 §3.7.2 and §3.9.2."""

from __future__ import annotations

__all__ = [
    "CAMERA_CONTROLS",
    "COLORS",
    "CONTROL_DESCRIPTORS",
    "ENCODING_CONTROLS",
    "FIELD_PATTERNS",
    "FRAME_INTERVALS",
    "PROCESSING_CONTROLS",
    "STREAMING_DESCRIPTORS",
    "VIDEO_STANDARDS",
]

#: bDescriptorSubtype of those it knows; of the others it shows the bytes.
CONTROL_DESCRIPTORS: dict[int, str] = dict(
    enumerate(
        (
            *("HEADER", "INPUT_TERMINAL", "OUTPUT_TERMINAL", "SELECTOR_UNIT", "PROCESSING_UNIT"),
            *("EXTENSION_UNIT", "ENCODING UNIT"),
        ),
        1,
    )
)
STREAMING_DESCRIPTORS: dict[int, str] = {
    0x01: "INPUT_HEADER",
    0x02: "OUTPUT_HEADER",
    0x03: "STILL_IMAGE_FRAME",
    0x04: "FORMAT_UNCOMPRESSED",
    0x05: "FRAME_UNCOMPRESSED",
    0x06: "FORMAT_MJPEG",
    0x07: "FRAME_MJPEG",
    0x0A: "FORMAT_MPEG2TS",
    0x0D: "COLORFORMAT",
    0x10: "FORMAT_FRAME_BASED",
    0x11: "FRAME_FRAME_BASED",
    0x12: "FORMAT_STREAM_BASED",
}

#: bmControls bit by bit; those of a camera from "Focus, Simple" on, and a unit's last, are of UVC 1.5.
CAMERA_CONTROLS = (
    *("Scanning Mode", "Auto-Exposure Mode", "Auto-Exposure Priority", "Exposure Time (Absolute)"),
    *("Exposure Time (Relative)", "Focus (Absolute)", "Focus (Relative)", "Iris (Absolute)", "Iris (Relative)"),
    *("Zoom (Absolute)", "Zoom (Relative)", "PanTilt (Absolute)", "PanTilt (Relative)", "Roll (Absolute)"),
    *("Roll (Relative)", "Reserved", "Reserved", "Focus, Auto", "Privacy", "Focus, Simple", "Window"),
    "Region of Interest",
)
PROCESSING_CONTROLS = (
    *("Brightness", "Contrast", "Hue", "Saturation", "Sharpness", "Gamma", "White Balance Temperature"),
    *("White Balance Component", "Backlight Compensation", "Gain", "Power Line Frequency", "Hue, Auto"),
    *("White Balance Temperature, Auto", "White Balance Component, Auto", "Digital Multiplier"),
    *("Digital Multiplier Limit", "Analog Video Standard", "Analog Video Lock Status", "Contrast, Auto"),
)
ENCODING_CONTROLS = (
    *("Select Layer", "Profile and Toolset", "Video Resolution", "Minimum Frame Interval", "Slice Mode"),
    *("Rate Control Mode", "Average Bit Rate", "CPB Size", "Peak Bit Rate", "Quantization Parameter"),
    *("Synchronization and Long-Term Reference Frame", "Long-Term Buffer", "Picture Long-Term Reference"),
    *("LTR Validation", "Level IDC", "SEI Message", "QP Range", "Priority ID", "Start or Stop Layer/View"),
    "Error Resiliency",
)

#: Bits of bmVideoStandards.
VIDEO_STANDARDS = ("None", "NTSC - 525/60", "PAL - 625/50", "SECAM - 625/50", "NTSC - 625/50", "PAL - 525/60")

#: Bits 5:4 of bmInterlaceFlags.
FIELD_PATTERNS = (
    *("Field 1 only", "Field 2 only"),
    *("Regular pattern of fields 1 and 2", "Random pattern of fields 1 and 2"),
)

#: What the values of bFrameIntervalType 0 are.
FRAME_INTERVALS = ("dwMinFrameInterval", "dwMaxFrameInterval", "dwFrameIntervalStep")

#: Values of the fields of a color matching descriptor.
COLORS: dict[str, tuple[str, ...]] = {
    "bColorPrimaries": ("Unspecified", "BT.709,sRGB", "BT.470-2 (M)", "BT.470-2 (B,G)", "SMPTE 170M", "SMPTE 240M"),
    "bTransferCharacteristics": (
        *("Unspecified", "BT.709", "BT.470-2 (M)", "BT.470-2 (B,G)", "SMPTE 170M", "SMPTE 240M"),
        *("Linear", "sRGB"),
    ),
    "bMatrixCoefficients": ("Unspecified", "BT.709", "FCC", "BT.470-2 (B,G)", "SMPTE 170M (BT.601)", "SMPTE 240M"),
}
