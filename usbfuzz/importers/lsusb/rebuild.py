"""One block of `lsusb -v` text to the bytes of its descriptor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve, frozen

from usbfuzz.descriptors import Context, Descriptor, typed
from usbfuzz.descriptors.cdc import CDC
from usbfuzz.descriptors.context import candidates
from usbfuzz.descriptors.standard import EndpointDescriptor, SuperSpeedEndpointCompanion
from usbfuzz.descriptors.uas import PipeUsageDescriptor
from usbfuzz.descriptors.uvc import CameraTerminal, ProcessingUnit
from usbfuzz.descriptors.uvc_streaming import InputHeader, OutputHeader11
from usbfuzz.importers.model import Problem
from usbfuzz.importers.synthesise import companion_interval
from usbfuzz.wire import TransferType

from .blocks import Block, BlockKind, Token
from .layout import LaidOut, lay_out, lay_out_as_printed
from .names import CDC_HEADINGS, HEADINGS
from .values import is_value, number

__all__ = ["Rebuilt", "rebuild", "rebuild_companion"]

_HIGHEST = 0xFF
_SHOWN_OF_A_MASK = 3  #: bytes
_IPP = "ipp printer descriptor"


@frozen
class Rebuilt:
    """The bytes of a descriptor, and what the text does not tell about it."""

    raw: bytes
    problems: tuple[Problem, ...] = ()
    synthesised: tuple[str, ...] = ()


def rebuild(block: Block, context: Context) -> Rebuilt | None:
    """The descriptor of a block under an interface of that class; None when the block shows none."""
    if block.kind is BlockKind.BYTES:
        return _bytes(block)
    if block.kind is BlockKind.PIPE:
        return Rebuilt(PipeUsageDescriptor(bPipeID=block.raw[0]).raw)
    if block.heading in CDC_HEADINGS:
        return _communications(block)
    values = {token.name: token for token in reversed(block.tokens)}
    length, kind = (_small(values.get(name)) for name in ("bLength", "bDescriptorType"))
    problems: list[Problem] = []
    if not block.tokens and not block.raw and block.heading in HEADINGS:
        return Rebuilt(b"", (Problem(block.line, f"{block.heading}: nothing of it is shown; left out"),))
    if kind is None and (known := HEADINGS.get(block.heading)) is not None:
        kind = int(known)
        problems.append(Problem(block.line, f"{block.heading}: bDescriptorType is not shown; taken as 0x{kind:02x}"))
    elif kind is None:
        return None
    subtype = _small(values.get("bDescriptorSubtype")) or _small(values.get("bDevCapabilityType"))
    classes = candidates(bytes((length or _HIGHEST, kind, subtype or 0)), context)
    tokens = _ipp_order(block.tokens) if block.heading == _IPP else block.tokens
    name, layout = _best(classes, tokens, length, bytes(block.raw))
    lost = _lost_masks(layout.raw, context)
    return Rebuilt(layout.raw, (*problems, *_problems(block, name, layout)), lost) if layout.raw else None


def rebuild_companion(block: Block, endpoint: bytes) -> Rebuilt | None:
    """The SuperSpeed companion of which lsusb shows bMaxBurst, and streams or multiplier when there are any."""
    head = EndpointDescriptor.view(endpoint)
    if head is None:
        return None
    values = {token.name: number(token.name, token.value) or 0 for token in block.tokens}
    burst, mult = min(values.get("bMaxBurst", 0), _HIGHEST), values.get("Mult", 0) & 3
    streams = values.get("MaxStreams", 0).bit_length() - 1
    attributes = mult or (max(streams, 0) & 0x1F)
    periodic = head.transfer_type in (TransferType.INTERRUPT, TransferType.ISOCHRONOUS)
    guess = companion_interval(head.wMaxPacketSize, burst, mult) if periodic else 0
    interval = values.get("wBytesPerInterval", guess) & 0xFFFF
    made = SuperSpeedEndpointCompanion(bMaxBurst=burst, bmAttributes=attributes, wBytesPerInterval=interval)
    guessed = periodic and "wBytesPerInterval" not in values
    return Rebuilt(made.raw, (), (f"wBytesPerInterval of endpoint 0x{head.bEndpointAddress:02x}",) * guessed)


def _bytes(block: Block) -> Rebuilt | None:
    raw = bytes(block.raw)
    if not raw:
        return Rebuilt(b"", (Problem(block.line, "bytes were announced, but none follow; left out"),))
    length = raw[0] or len(raw)
    short = Problem(block.line, f"{length} bytes were announced, {len(raw)} are shown; the rest is zeros")
    return Rebuilt(raw[:length].ljust(length, b"\0"), (short,) * (len(raw) < length))


def _communications(block: Block) -> Rebuilt | None:
    """A communications descriptor, which is printed without length, type and subtype."""
    subtype = CDC_HEADINGS[block.heading]
    classes = tuple(cls for cls in CDC if cls.fixed_byte(2) == subtype)
    name, layout = _best(classes, block.tokens, None, bytes(block.raw))
    return Rebuilt(layout.raw, tuple(_problems(block, name, layout)))


def _best(
    classes: tuple[type[Descriptor], ...], tokens: Iterable[Token], length: int | None, tail: bytes
) -> tuple[str, LaidOut]:
    """The layout that accounts for most of what is printed, and the name of its class."""
    tokens = list(tokens)
    made = [(cls.label, layout) for cls in classes if (layout := lay_out(cls, tokens, length, tail))]
    printed = lay_out_as_printed(tokens, length, tail)
    best = min(made, key=lambda pair: pair[1].doubts, default=None)
    if best is None or (length is not None and best[1].doubts and not printed.doubts):
        return "descriptor", printed
    return best


def _problems(block: Block, name: str, layout: LaidOut) -> Iterator[Problem]:
    if layout.missing:
        yield Problem(block.line, f"{name}: {', '.join(layout.missing)} not shown; zeros were taken")
    for token in layout.wrong:
        yield Problem(token.line, f"{name}: {token.name} {token.value[:40].strip()!r} is no such number; 0 was taken")
    for token in layout.unused:
        if is_value(token.name, token.value):
            yield Problem(token.line, f"{name}: {token.name} is no field of it; left out")


def _lost_masks(raw: bytes, context: Context) -> tuple[str, ...]:
    """Masks of video interfaces lsusb prints a part of: the first byte of a header's, the last three of a unit's."""
    descriptor = typed(raw, context)
    if isinstance(descriptor, InputHeader | OutputHeader11) and descriptor.bControlSize > 1 and descriptor.bNumFormats:
        return ("all but the first byte of each bmaControls of a video header",)
    if isinstance(descriptor, CameraTerminal | ProcessingUnit) and descriptor.bControlSize > _SHOWN_OF_A_MASK:
        return ("all but the last three bytes of bmControls of a video unit",)
    return ()


def _small(token: Token | None) -> int | None:
    value = None if token is None else number(token.name, token.value)
    return value if value is not None and value <= _HIGHEST else None


def _ipp_order(tokens: Iterable[Token]) -> list[Token]:
    """The capabilities of an IPP printer in wire order: lsusb prints the basic ones from behind.

    Each is a type, the length of the rest, and the rest. IPP Protocol over USB 1.0 §4.2.
    """
    head, found = [], []
    for token in tokens:
        if token.name in _BASIC:
            found.append(evolve(token, name="capabilities"))
        else:
            head.append(token)
    if len(found) != len(_BASIC):
        return [*head, *found]
    versions, uuid, basic = found
    start = [Token(basic.line, "capabilities", place, value) for place, value in enumerate(("0", "4"))]
    value = number("wBasicCapabilities", basic.value) or 0
    words = [Token(basic.line, "capabilities", 2 + place, str(value >> 8 * place & 0xFF)) for place in (0, 1)]
    rest = [evolve(token, index=4 + place) for place, token in enumerate((versions, uuid))]
    return [*head, *start, *words, *rest]


_BASIC = ("iIPPVersionsSupported", "iIPPPrinterUUID", "wBasicCapabilities")
