"""Audio control and streaming, all three versions: the codec's fields, in lsusb's columns and with its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from usbfuzz.descriptors import Context, Descriptor, RawDescriptor, typed, uac1, uac2
from usbfuzz.descriptors.constants import ClassCode, DescriptorType
from usbfuzz.descriptors.structure import Structure

from .audio_words import CHANNELS, CONTROLS, ENDPOINT_ATTRIBUTES, FEATURES, FORMAT_TAGS, LOCK_DELAY_UNITS, PROCESSES
from .position import ClassWords, Position
from .sheet import Sheet

__all__ = ["WORDS", "unknown_subtype"]

_NAME_COLUMNS = 18
_VALUE_COLUMNS = 7
_ACCESS = {1: "read-only", 2: "ILLEGAL VALUE (0b10)", 3: "read/write"}
_CLOCKS_2 = ("External", "Internal fixed", "Internal variable", "Internal programmable")
_FORMAT_TYPE = 0x02
_VERSIONS = {0x20: 2, 0x30: 3}
_COMMON = ("bLength", "bDescriptorType", "bDescriptorSubtype")


def _control(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A descriptor of a control interface; False when it is cut short."""
    context = place.context
    descriptor = typed(raw, context)
    if isinstance(descriptor, RawDescriptor):
        return unknown_subtype(sheet, descriptor, context)
    if raw[1] != DescriptorType.CS_INTERFACE:
        return False
    name = descriptor.label.removeprefix("AC ").upper().replace(" ", "_")
    _head(sheet, 6, "AudioControl Interface Descriptor:", raw, name)
    used = _counted(raw, descriptor)
    _Listing(sheet, _version(context), typed(raw[:used], context), 8, raw[used:]).show()
    return True


def _counted(raw: bytes, descriptor: Descriptor) -> int:
    """The bytes lsusb takes for fields: of a mixer it counts a bit for each pin and output channel.

    There is one for each input channel and output channel (UAC1 §4.3.2.3, UAC2 §4.7.2.6), but how many channels a pin
    has other descriptors say. Of UAC3 it takes what is left, as is right.
    """
    if not isinstance(descriptor, uac1.MixerUnit | uac2.MixerUnit):
        return len(raw)
    bits = descriptor.bmControls if isinstance(descriptor, uac1.MixerUnit) else descriptor.bmMixerControls
    counted = (descriptor.bNrInPins * descriptor.bNrChannels + 7) // 8
    return len(raw) - len(descriptor.trailing) - max(len(bits) - counted, 0)


def _streaming(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A descriptor of a streaming interface; False when it is cut short."""
    if raw[1] == DescriptorType.CS_ENDPOINT:  # lsusb takes it for one of an endpoint wherever it stands
        return _endpoint(sheet, raw, place)
    context = place.context
    descriptor, version = typed(raw, context), _version(context)
    if isinstance(descriptor, RawDescriptor):
        return unknown_subtype(sheet, descriptor, context)
    if raw[1] != DescriptorType.CS_INTERFACE:
        return False
    names = {0x01: "AS_GENERAL", _FORMAT_TYPE: "FORMAT_TYPE", 0x03: "FORMAT_SPECIFIC"}
    _head(
        sheet,
        6,
        "AudioStreaming Interface Descriptor:",
        raw,
        names.get(raw[2], descriptor.label.upper().replace(" ", "_")),
    )
    if raw[2] == _FORMAT_TYPE and version < 3 and len(raw) > 3 and 1 <= raw[3] <= 3:
        _format_type(sheet, raw, descriptor)
    else:
        _Listing(sheet, version, descriptor, 8).show()
    return True


def _endpoint(sheet: Sheet, raw: bytes, place: Position) -> bool:
    """A descriptor of a streaming endpoint; False when it is cut short."""
    context = place.context
    descriptor = typed(raw, context)
    if raw[1] != DescriptorType.CS_ENDPOINT or isinstance(descriptor, RawDescriptor):
        return False
    _head(sheet, 8, "AudioStreaming Endpoint Descriptor:", raw, "EP_GENERAL" if raw[2] == 1 else "invalid")
    _Listing(sheet, _version(context), descriptor, 10).show()
    return True


def unknown_subtype(sheet: Sheet, descriptor: RawDescriptor, context: Context) -> bool:
    """A subtype no version has; False for what is only cut short, or of no such interface."""
    headings = {1: "AudioControl", 2: "AudioStreaming", 3: "MIDIStreaming"}
    subclass, raw = context.bInterfaceSubClass, descriptor.raw
    if descriptor.meant is not None or subclass not in headings or raw[1] != DescriptorType.CS_INTERFACE:
        return False
    sheet.line(6, f"{headings[subclass]} Interface Descriptor:")
    sheet.rows(8, ("bLength", "bDescriptorType"), raw)
    invalid = f"Invalid desc subtype:{''.join(f' {byte:02x}' for byte in raw[3:])}"
    match subclass:
        case 1:
            sheet.row(8, "bDescriptorSubtype", raw[2], "(unknown)")
            sheet.line(8, invalid)
        case 2:  # lsusb forgets to end the line
            sheet.row(8, "bDescriptorSubtype", raw[2], f"        {invalid}")
        case _:
            sheet.row(8, "bDescriptorSubtype", raw[2], "")
            sheet.line(8, invalid.replace(":", ": ", 1))
    return True


def _version(context: Context) -> int:
    return _VERSIONS.get(context.bInterfaceProtocol, 1)


def _head(sheet: Sheet, indent: int, heading: str, raw: bytes, name: str) -> None:
    sheet.line(indent, heading)
    sheet.rows(indent + 2, ("bLength", "bDescriptorType"), raw)
    sheet.row(indent + 2, "bDescriptorSubtype", raw[2], f"({name})")


def _format_type(sheet: Sheet, raw: bytes, descriptor: Descriptor) -> None:
    """Format types, which lsusb prints in decimal."""
    sheet.row(8, "bFormatType", raw[3], f"(FORMAT_TYPE_{'I' * raw[3]})")
    for field in descriptor.fields[4:]:
        value = getattr(descriptor, field.name)
        if field.name == "bSamFreqType":
            sheet.row(8, field.name, value, "Discrete" if value else "Continuous")
        elif field.name != "tSamFreq":
            sheet.row(8, field.name, value)
        elif raw[8 if raw[3] == 2 else 7]:
            for nth, frequency in enumerate(value):
                sheet.line(8, f"{f'tSamFreq[{nth:2}]':<18}{frequency:7}")
        else:
            for name, frequency in zip(("tLowerSamFreq", "tUpperSamFreq"), value, strict=False):
                sheet.line(8, f"{name:<18}{frequency:7}")
    sheet.junk(8, raw, len(raw) - len(descriptor.trailing))


@frozen
class _Item:
    """One value to print: its name with the index if it is one of several."""

    name: str
    value: int
    width: int  #: bytes
    index: str = ""
    columns: int = 0  #: columns that lsusb reserves for the index


@frozen
class _Listing:
    """The fields of one descriptor."""

    sheet: Sheet
    version: int
    descriptor: Descriptor
    indent: int
    junk: bytes = b""  #: behind the last field

    def show(self) -> None:
        """A line for each value, and lines for the bits that are set in it."""
        items = [
            item for field in self.descriptor.fields if field.name not in _COMMON for item in self._items(field.name)
        ]
        names = max((len(item.name) + item.columns for item in items), default=0)
        columns = max(_NAME_COLUMNS, names)
        for item in items:
            pad = " " * max(columns - item.columns - len(item.name), 0)
            label = f"{item.name}{item.index}{pad}" if item.index else f"{item.name:<{columns}}"
            self.sheet.line(self.indent, f"{label}{self._value(item):>{_VALUE_COLUMNS}}{self._words(item)}")
            for words in self._meaning(item):
                self.sheet.line(self.indent + 2, words)
        if junk := self.descriptor.trailing + self.junk:
            self.sheet.line(self.indent - 2, f"Warning: Junk at end of descriptor ({len(junk)} bytes):")
            self.sheet.line(self.indent, "".join(f"{byte:02x} " for byte in junk))

    def _items(self, name: str) -> Iterator[_Item]:
        at = next(nth for nth, field in enumerate(self.descriptor.fields) if field.name == name)
        start, stop, width = self.descriptor.spans[at][:3]
        value = getattr(self.descriptor, name)
        if isinstance(value, int):
            yield _Item(name, value, stop - start)
            return
        values = list(value)
        columns = 5 if len(values) > 100 else 4 if len(values) > 10 else 3
        for nth, each in enumerate(values):
            if isinstance(each, Structure):
                yield _Item(name, int.from_bytes(each.raw, "little"), len(each.raw), f"({nth})", columns)
            else:
                yield _Item(name, each, max(width, 1), f"({nth})", columns)

    def _value(self, item: _Item) -> str:
        if item.name.startswith("bcd"):
            return f"{item.value >> 8:2x}.{item.value & 0xFF:02x}"
        if item.width == 1 and not (item.name.startswith("bm") and not self._is_enumeration(item)):
            return str(item.value)
        return f" 0x{item.value:0{2 * item.width}x}"

    def _is_enumeration(self, item: _Item) -> bool:
        """A clock source's bmAttributes lsusb prints as the number it is, with words behind it."""
        return item.name == "bmAttributes" and self.descriptor.label == "AC clock source"

    def _words(self, item: _Item) -> str:
        """What stands behind the value on its line."""
        name, value = item.name, item.value
        if name.startswith("i") and name[1].isupper():
            return f" {self.sheet.text(value)}"
        if name == "wTerminalType":
            return f" {self.sheet.names.get('AT', value) or '(null)'}"
        if name == "wProcessType":
            return _nth(PROCESSES[self.version], value)
        if name == "bLockDelayUnits":
            return _nth(LOCK_DELAY_UNITS, value)
        if name == "wFormatTag":
            return f" {FORMAT_TAGS.get(value, 'undefined')}"
        if name == "bDelay":
            return " frames"
        return self._clock(value) if self._is_enumeration(item) else ""

    def _clock(self, value: int) -> str:
        if self.version == 2:
            return f" {_CLOCKS_2[value & 3]} clock {'(synchronized to SOF)' if value & 4 else ''}"
        synchronised = "(synchronized to SOF)" if value & 2 else "(asynchronous)"
        return f" {('External', 'Internal')[value & 1]} clock {synchronised}"

    def _meaning(self, item: _Item) -> Iterator[str]:
        """Lines below the value, one for each bit (or pair of bits) that is set."""
        name, value, label = item.name, item.value, self.descriptor.label
        if name in ("wChannelConfig", "bmChannelConfig"):
            channels = CHANNELS.get(self.version, ())
            yield from (words for bit, words in enumerate(channels) if value >> bit & 1)
        elif name == "bmFormats" and self.version == 2:
            yield from (FORMAT_TAGS[bit + 1] for bit in range(5) if value >> bit & 1)
        elif name == "bmaControls" and label == "AC feature unit":
            yield from self._controls(value, FEATURES)
        elif name == "bmControls":
            yield from self._controls(value, CONTROLS.get((self.version, label), ()))
        elif name == "bmAttributes" and label == "AS isochronous endpoint":
            attributes = ENDPOINT_ATTRIBUTES.get(self.version, {})
            yield from (words for bit, words in attributes.items() if value & bit)

    def _controls(self, value: int, names: Sequence[str]) -> Iterator[str]:
        for nth, name in enumerate(names):
            if self.version == 1:
                if value >> nth & 1:
                    yield f"{name} Control"
            elif access := value >> 2 * nth & 3:
                yield f"{name} Control ({_ACCESS[access]})"


def _nth(words: Sequence[str], value: int) -> str:
    return f" {words[value]}" if value < len(words) else ""


WORDS = ClassWords(
    interface={(ClassCode.AUDIO, 1): _control, (ClassCode.AUDIO, 2): _streaming},
    endpoint={(ClassCode.AUDIO, 2): _endpoint},
)
