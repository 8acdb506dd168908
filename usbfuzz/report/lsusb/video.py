"""Video control and streaming, UVC 1.0 to 1.5: the codec's fields, in lsusb's columns and with its words."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from usbfuzz.descriptors import Context, Descriptor, RawDescriptor, typed
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.fields import Field
from usbfuzz.descriptors.uvc import (
    CameraTerminal,
    EncodingUnit,
    InputTerminal,
    OutputTerminal,
    ProcessingUnit,
    ProcessingUnit11,
)
from usbfuzz.descriptors.uvc_streaming import ImageSize, InputHeader, OutputHeader, OutputHeader11, StreamBasedFormat

from .position import ClassWords, Position
from .sheet import Sheet, guid
from .video_words import (
    CAMERA_CONTROLS,
    COLORS,
    CONTROL_DESCRIPTORS,
    ENCODING_CONTROLS,
    FIELD_PATTERNS,
    FRAME_INTERVALS,
    PROCESSING_CONTROLS,
    STREAMING_DESCRIPTORS,
    VIDEO_STANDARDS,
)

__all__ = ["WORDS"]

_VIDEO_1_5 = 1  #: bInterfaceProtocol
_CAMERA = 0x0201
_DWORD = 4
_WITHIN_COLUMNS = 999_999_999  #: a longer number reaches a column further
_BEYOND = b"\0"  #: what lsusb mostly finds in memory behind the last class descriptor
_CLOCK_FRACTION = len(".000000MHz")
_HEX = {"wTotalLength", "wTerminalType", "bEndpointAddress", "bmInterlaceFlags", "bmCapabilities", "bmVideoStandards"}

_OF_UVC_1_0 = (ProcessingUnit, OutputHeader)  #: which have grown since
#: Descriptors that lsusb reads as another class, whose fields continue in the descriptor that follows.
_READ_ON: dict[type[Descriptor], type[Descriptor]] = {
    ProcessingUnit: ProcessingUnit11,
    InputHeader: InputHeader,
    OutputHeader: OutputHeader11,
    OutputHeader11: OutputHeader11,
}
_ENDS_EXTRA = {
    *(DescriptorType.DEVICE, DescriptorType.CONFIGURATION, DescriptorType.INTERFACE, DescriptorType.ENDPOINT),
}

#: Where values end, if not where those of its interface do.
_COLUMNS: dict[tuple[str, str], int] = {
    **{("VC camera terminal", name): 31 for name in ("wObjectiveFocalLengthMin", "wObjectiveFocalLengthMax")},
    **{("VC camera terminal", name): 31 for name in ("wOcularFocalLength", "bControlSize", "bmControls")},
    **{("VC encoding unit", name): 34 for name in ("bmControls", "bmControlsRuntime")},
    **{("VS output header", name): 33 for name in ("bNumFormats", "wTotalLength", "bEndpointAddress")},
    **{("VS output header", name): 33 for name in ("bTerminalLink", "bControlSize", "bmaControls")},
    ("VS frame-based format", "bVariableSize"): 35,
}

#: Fields that lsusb calls otherwise than the specification.
_NAMES: dict[tuple[str, str], str] = {
    ("VC selector unit", "baSourceID"): "baSource",
    ("VS still image frame", "bNumCompressionPattern"): "bNumCompressionPatterns",
    ("VS MJPEG format", "bmFlags"): "bFlags",
}

#: Names of bmControls, and how many of them there were before UVC 1.5.
_CONTROLS: dict[str, tuple[tuple[str, ...], int]] = {
    "VC camera terminal": (CAMERA_CONTROLS, 19),
    "VC processing unit": (PROCESSING_CONTROLS, 18),
    "VC encoding unit": (ENCODING_CONTROLS, len(ENCODING_CONTROLS)),
}

#: By bInterfaceSubClass: what its descriptors are called, what those it knows are, and where their values end.
_INTERFACES: dict[int, tuple[str, dict[int, str], int]] = {
    1: ("VideoControl", CONTROL_DESCRIPTORS, 25),
    2: ("VideoStreaming", STREAMING_DESCRIPTORS, 37),
}


def _interface(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A class descriptor of an interface; False when it is cut short, or of neither kind of interface."""
    context = place.context
    if raw[1] != DescriptorType.CS_INTERFACE or context.bInterfaceSubClass not in _INTERFACES:
        return False
    heading, names, end = _INTERFACES[context.bInterfaceSubClass]
    name, descriptor = names.get(raw[2]), _seen(raw, place.rest, context)
    if name and isinstance(descriptor, RawDescriptor):
        return False
    sheet.line(6, f"{heading} Interface Descriptor:")
    sheet.row(8, "bLength", raw[0], end=end)
    sheet.row(8, "bDescriptorType", raw[1], end=end)
    if name:
        sheet.row(8, "bDescriptorSubtype", raw[2], f"({name})", end=end)
        if warning := _warning(raw, descriptor):
            sheet.line(6, f"Warning: {warning}")
        _Listing(sheet, descriptor, end, context.bInterfaceProtocol).show()
        sheet.junk(8, raw, descriptor.spans[-1][1])
    else:
        _unknown(sheet, raw, context, end)
    return True


def _endpoint(_sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A class descriptor of an endpoint: lsusb passes over it without a word. False when it is cut short."""
    if raw[1] != DescriptorType.CS_ENDPOINT:
        return False
    known = typed(raw, place.context)
    return not (isinstance(known, RawDescriptor) and known.meant)


def _seen(raw: bytes, rest: bytes, context: Context) -> Descriptor:
    """The descriptor as lsusb reads it.

    Of the terminals it knows only a camera's own fields. What UVC 1.0 had not yet, and masks that have no bytes, it
    reads nevertheless, from the descriptor that follows.
    """
    descriptor = typed(raw, context)
    if isinstance(descriptor, InputTerminal) and not isinstance(descriptor, CameraTerminal):
        return InputTerminal.view(raw) or descriptor
    if isinstance(descriptor, OutputTerminal):
        return OutputTerminal.view(raw) or descriptor
    taken_for = _READ_ON.get(type(descriptor))
    return descriptor if taken_for is None else taken_for.view(raw + _extra(rest) + _BEYOND) or descriptor


def _extra(rest: bytes) -> bytes:
    """The class descriptors up to the next standard one: libusb keeps them together."""
    at = 0
    while len(rest) > at + 1 and 2 <= rest[at] <= len(rest) - at and rest[at + 1] not in _ENDS_EXTRA:
        at += rest[at]
    return rest[:at]


def _unknown(sheet: Sheet, raw: bytes, context: Context, end: int) -> None:
    """A subtype lsusb does not know, be it one of the specification's."""
    invalid = f"Invalid desc subtype:{''.join(f' {byte:02x}' for byte in raw[3:])}"
    if context.bInterfaceSubClass == 1:
        sheet.row(8, "bDescriptorSubtype", raw[2], "(unknown)", end=end)
        sheet.line(8, invalid)
    else:  # lsusb forgets to end the line
        sheet.row(8, "bDescriptorSubtype", raw[2], f"        {invalid}", end=end)


@frozen
class _Listing:
    """The fields of one descriptor."""

    sheet: Sheet
    descriptor: Descriptor
    end: int  #: column
    protocol: int

    def show(self) -> None:
        """A line for each value, and lines for the bits that are set in it."""
        for field in self.descriptor.fields[3:]:
            value = getattr(self.descriptor, field.name)
            match field.kind:
                case "bytes":
                    self._bytes(field, value)
                case "groups":
                    self._sizes(value)
                case "ints":
                    self._several(field, value)
                case _:
                    self._number(field.name, value, field.width or 1)

    def _number(self, name: str, value: int, width: int, index: str = "") -> None:
        shown = f"{_NAMES.get((self.descriptor.label, name), name)}{index}"
        text, further = _value(name, value, width)
        self.sheet.row(8, shown, text, self._words(name, value), end=self._end(name) + further)
        for words in self._meaning(name, value):
            self.sheet.line(10, words)

    def _end(self, name: str) -> int:
        return _COLUMNS.get((self.descriptor.label, name), self.end)

    def _several(self, field: Field, values: tuple[int, ...]) -> None:
        if field.name == "dwFrameInterval" and not getattr(self.descriptor, "bFrameIntervalType", 1):
            for name, value in zip(FRAME_INTERVALS, values, strict=True):
                self._number(name, value, _DWORD)
            return
        if isinstance(self.descriptor, InputHeader | OutputHeader11) and not self.descriptor.bControlSize:
            values = tuple(self.descriptor.trailing[:1]) * self.descriptor.bNumFormats
        for nth, value in enumerate(values):  # of a header's masks lsusb shows the first byte
            shown = value & 0xFF if field.name == "bmaControls" else value
            self._number(field.name, shown, field.width or 1, f"({nth:2})")

    def _sizes(self, sizes: tuple[ImageSize, ...]) -> None:
        for nth, size in enumerate(sizes):
            self._number("wWidth", size.wWidth, 2, f"({nth:2})")
            self._number("wHeight", size.wHeight, 2, f"({nth:2})")

    def _bytes(self, field: Field, value: bytes) -> None:
        if field.name.startswith("guid"):
            self.sheet.line(8, f"{field.name:<{self.end + 1}}{guid(value)}")
        elif self.descriptor.label == "VC extension unit":
            for nth, byte in enumerate(value):
                self.sheet.row(8, f"{field.name}({nth:2})", f"0x{byte:02x}")
        else:
            self._mask(field.name, value)

    def _mask(self, name: str, value: bytes) -> None:
        """The controls of a unit, of which lsusb takes the last three bytes."""
        names, before_1_5 = _CONTROLS[self.descriptor.label]
        shown = mask = int.from_bytes(value[-3:], "little")
        if isinstance(self.descriptor, EncodingUnit) and name == "bmControlsRuntime":
            shown |= (
                int.from_bytes(self.descriptor.bmControls[:1]) << 24
            )  # lsusb does not clear what it shifts them into
        self.sheet.row(8, name, f"0x{shown:08x}", end=self._end(name))
        known = names if self.protocol == _VIDEO_1_5 else names[:before_1_5]
        self.sheet.flags(10, mask, ((1 << bit, words) for bit, words in enumerate(known)))

    def _words(self, name: str, value: int) -> str | None:
        """What stands behind the value on its line."""
        if name.startswith("i"):
            return self.sheet.text(value)
        if name == "wTerminalType":
            return self.sheet.names.get("VT", value)
        if name == "bEndpointAddress":
            return f" EP {value & 0x0F} {'IN' if value & 0x80 else 'OUT'}"
        if words := COLORS.get(name):
            return f"({words[value] if value < len(words) else 'Unknown'})"
        return None

    def _meaning(self, name: str, value: int) -> Iterator[str]:
        """Lines below the value."""
        match name:
            case "bmVideoStandards":
                yield from (words for bit, words in enumerate(VIDEO_STANDARDS) if value >> bit & 1)
            case "bmCapabilities":
                yield f"Still image {'' if value & 1 else 'un'}supported"
                if value & 2:
                    yield "Fixed frame-rate"
            case "bmFlags":
                yield f"Fixed-size samples: {_yes(value & 1)}"
            case "bmInterlaceFlags":
                yield f"Interlaced stream or variable: {_yes(value & 1)}"
                # Set means one field; of MJPEG lsusb says the opposite.
                one_field = bool(value & 2) != (self.descriptor.label == "VS MJPEG format")
                yield f"Fields per frame: {1 if one_field else 2} fields"
                yield f"Field 1 first: {_yes(value & 4)}"
                yield f"Field pattern: {FIELD_PATTERNS[value >> 4 & 3]}"


def _value(name: str, value: int, width: int) -> tuple[str, int]:
    """As lsusb prints it, and how many columns further than others that reaches."""
    if name == "dwClockFrequency":
        return f"{value // 10**6:5}.{value % 10**6:06}MHz", _CLOCK_FRACTION
    if name == "bcdUVC":
        return f"{value >> 8:2x}.{value & 0xFF:02x}", 0
    if name == "dwPacketLength":
        return str(value & 0xFF), 0  # lsusb takes the first byte
    if name in _HEX:
        return f"0x{value:0{2 * width}x}", 0
    return str(value), 1 if width == _DWORD and value > _WITHIN_COLUMNS else 0


def _yes(bit: int) -> str:
    return "Yes" if bit else "No"


def _warning(raw: bytes, descriptor: Descriptor) -> str:
    """What lsusb finds wrong with the length."""
    if isinstance(descriptor, StreamBasedFormat) and len(raw) != StreamBasedFormat.minimum:
        return "Incorrect descriptor length"
    is_cut = (
        isinstance(descriptor, InputTerminal)
        and descriptor.wTerminalType == _CAMERA
        and not isinstance(descriptor, CameraTerminal)
    )
    return (
        "Descriptor too short"
        if is_cut or type(descriptor) in _OF_UVC_1_0 or len(raw) < descriptor.spans[-1][1]
        else ""
    )


WORDS = ClassWords(interface={(ClassCode.VIDEO, None): _interface}, endpoint={(ClassCode.VIDEO, None): _endpoint})
