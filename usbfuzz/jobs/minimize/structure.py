"""What can be removed from a case's descriptors: interfaces, settings, endpoints, descriptors, HID items, bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

from usbfuzz.case.model import Case
from usbfuzz.case.parts import parts
from usbfuzz.descriptors import Descriptor, join, report_items, split
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.standard import STANDARD, EndpointDescriptor
from usbfuzz.descriptors.tree import AlternateSetting, parse

from .cut import Cut, Totals, without
from .reduce import Choice

__all__ = ["LEVELS", "cutting"]

Element = tuple[Cut, ...]  #: bytes that are removed together
Level = Callable[[Case], Iterable[Element]]


def cutting(level: Level, totals: Totals, case: Case) -> Choice:
    """What can be cut from ``case`` at one level, each element on its own."""
    elements = tuple(level(case))
    return Choice(len(elements), lambda picks: without(case, chain(*(elements[nth] for nth in sorted(picks))), totals))


def _named(case: Case, *names: str) -> Iterator[tuple[int, str, bytes]]:
    for number, device in enumerate(case.devices):
        for part, raw in parts(device):
            if part.partition("[")[0] in names:
                yield number, part, raw


def _spans(lengths: Iterable[int]) -> Iterator[tuple[int, int]]:
    at = 0
    for length in lengths:
        yield at, at + length
        at += length


def interfaces(case: Case) -> Iterator[Element]:
    """Interfaces, with all their alternate settings."""
    for number, part, raw in _named(case, "configurations"):
        tree, spans = parse(raw), tuple(_settings(raw))
        for interface in tree.interfaces:
            yield tuple(
                Cut(number, part, *span)
                for setting, span in zip(tree.settings, spans, strict=True)
                if setting.head.bInterfaceNumber == interface
            )


def settings(case: Case) -> Iterator[Element]:
    """Alternate settings, with the descriptors that follow each up to the next."""
    for number, part, raw in _named(case, "configurations"):
        for span in _settings(raw):
            yield (Cut(number, part, *span),)


def _settings(raw: bytes) -> Iterator[tuple[int, int]]:
    tree = parse(raw)
    start = len(join(filter(None, (tree.head, *tree.extra))))
    return ((start + begin, start + end) for begin, end in _spans(len(join(setting)) for setting in tree.settings))


def endpoints(case: Case) -> Iterator[Element]:
    """Endpoints, with the descriptors that follow each up to the next."""
    for number, part, raw in _named(case, "configurations"):
        for setting, (start, _) in zip(parse(raw).settings, _settings(raw), strict=True):
            first = start + _before_endpoints(setting)
            for begin, end in _spans(len(join(endpoint)) for endpoint in setting.endpoints):
                yield (Cut(number, part, first + begin, first + end),)


def _before_endpoints(setting: AlternateSetting) -> int:
    return len(join((*setting.lead, setting.head, *setting.extra)))


def descriptors(case: Case) -> Iterator[Element]:
    """Single descriptors of configurations other than their heads; device capabilities."""
    for number, part, raw in _named(case, "configurations", "bos"):
        for start, stop in list(_spans(len(descriptor.raw) for descriptor in split(raw)))[1:]:
            yield (Cut(number, part, start, stop),)


def collections(case: Case) -> Iterator[Element]:
    """HID collections, from their Collection item to their End Collection."""
    for number, part, raw in _named(case, "reports"):
        items = report_items(raw)
        spans = list(_spans(len(item.raw) for item in items))
        opened: list[int] = []
        for item, (start, stop) in zip(items, spans, strict=True):
            if item.raw[0] & 0xFC == _COLLECTION:
                opened.append(start)
            elif item.raw[0] & 0xFC == _END_COLLECTION and opened:
                yield (Cut(number, part, opened.pop(), stop),)


_COLLECTION, _END_COLLECTION = 0xA0, 0xC0


def items(case: Case) -> Iterator[Element]:
    """Single items of HID report descriptors."""
    for number, part, raw in _named(case, "reports"):
        for start, stop in _spans(len(item.raw) for item in report_items(raw)):
            yield (Cut(number, part, start, stop),)


def octets(case: Case) -> Iterator[Element]:
    """Single bytes of descriptors that can do without them, of scripted answers; of strings, two bytes at a time."""
    for number, part, raw in _named(case, "configurations", "bos"):
        at = 0
        for descriptor in split(raw):
            yield from (
                (Cut(number, part, at + byte, at + byte + 1),)
                for byte in range(_needed(descriptor), len(descriptor.raw))
            )
            at += len(descriptor.raw)
    for number, part, raw in _named(case, "strings"):
        yield from ((Cut(number, part, at, min(at + 2, len(raw))),) for at in range(2, len(raw), 2))
    for number, part, raw in _named(case, "control", "endpoints"):
        yield from ((Cut(number, part, at, at + 1),) for at in range(len(raw)))


def _needed(descriptor: Descriptor) -> int:
    """Bytes at the start that say which descriptor it is (length, type, subtype); all fields of a standard one."""
    if isinstance(descriptor, EndpointDescriptor):
        return EndpointDescriptor.minimum
    if isinstance(descriptor, STANDARD):
        return len(descriptor.raw) - len(descriptor.trailing)
    return 3 if descriptor.bDescriptorType in _SUBTYPED else 2


_SUBTYPED = (DescriptorType.CS_INTERFACE, DescriptorType.CS_ENDPOINT, DescriptorType.DEVICE_CAPABILITY)

_TREE: Sequence[Level] = (interfaces, settings, endpoints, descriptors)
_ITEMS: Sequence[Level] = (collections, items)
_BYTES: Sequence[Level] = (octets,)

#: From coarse to fine; each is tried with every way to treat lengths and counts.
LEVELS = {
    name: tuple(
        (f"{level.__name__}, totals {totals.value}", partial(cutting, level, totals))
        for level in levels
        for totals in Totals
    )
    for name, levels in (("tree", _TREE), ("items", _ITEMS), ("bytes", _BYTES))
}
