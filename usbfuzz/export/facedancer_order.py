"""The order in which Facedancer builds a configuration from its classes, and what of one fits into that order."""

from __future__ import annotations

from collections.abc import Sequence

from usbfuzz.descriptors import Descriptor, join
from usbfuzz.descriptors.standard import ConfigurationDescriptor
from usbfuzz.descriptors.tree import AlternateSetting, Configuration, Endpoint

__all__ = ["USAGES", "built_by_facedancer", "numbers", "placed"]

#: USBUsageType by bmAttributes bits 5:4; it has no word for 3, which is reserved.
USAGES = {1: "FEEDBACK", 2: "IMPLICIT_FEEDBACK"}


def numbers(configurations: Sequence[bytes]) -> tuple[int, ...]:
    """What Facedancer is to know each configuration by: its bConfigurationValue, or where two share one, its place."""
    values = tuple(raw[5] if raw[5:] else place for place, raw in enumerate(configurations, 1))
    return values if len(set(values)) == len(values) else tuple(range(1, len(values) + 1))


def placed(tree: Configuration) -> Configuration:
    """The tree with what leads an interface (an association) behind the interface before, where bytes stay in order."""
    settings: list[AlternateSetting] = []
    for setting in tree.settings:
        if settings and setting.lead:
            settings[-1] = _behind(settings[-1], setting.lead)
            settings.append(AlternateSetting(setting.head, setting.extra, setting.endpoints))
        else:
            settings.append(setting)
    if settings and tree.tail:
        settings[-1] = _behind(settings[-1], tree.tail)
        return Configuration(tree.head, tree.extra, tuple(settings))
    return Configuration(tree.head, tree.extra, tuple(settings), tree.tail)


def _behind(setting: AlternateSetting, more: tuple[Descriptor, ...]) -> AlternateSetting:
    if not setting.endpoints:
        return AlternateSetting(setting.head, (*setting.extra, *more), (), setting.lead)
    *others, last = setting.endpoints
    return AlternateSetting(
        setting.head, setting.extra, (*others, Endpoint(last.head, (*last.extra, *more))), setting.lead
    )


def built_by_facedancer(tree: Configuration) -> bytes:
    """What Facedancer builds of the classes: USBConfiguration.get_descriptor and what that calls."""
    if tree.head is None or tree.extra or tree.tail:
        return b""
    parts: dict[tuple[int, int], bytes] = {}
    for setting in tree.settings:
        endpoints: dict[int, bytes] = {}
        for endpoint in setting.endpoints:
            head = endpoint.head.replace(bLength=len(endpoint.head.raw), bmAttributes=_attributes(endpoint))
            endpoints.setdefault(endpoint.head.bEndpointAddress, head.raw + join(endpoint.extra))
        interface = setting.head.raw[:9]
        interface = bytes((9, interface[1], *interface[2:4], len(endpoints) & 0xFF, *interface[5:]))
        place = (setting.head.bInterfaceNumber, setting.head.bAlternateSetting)
        parts.setdefault(place, interface + join(setting.extra) + b"".join(endpoints.values()))
    body = b"".join(parts.values())
    attributes = 0x80 | tree.head.bmAttributes & 0x60
    built = ConfigurationDescriptor(
        wTotalLength=9 + len(body) & 0xFFFF,
        bNumInterfaces=len({number for number, _ in parts}) & 0xFF,
        bConfigurationValue=tree.head.bConfigurationValue,
        iConfiguration=tree.head.iConfiguration,
        bmAttributes=attributes,
        bMaxPower=tree.head.bMaxPower,
    )
    return built.raw + body


def _attributes(endpoint: Endpoint) -> int:
    """bmAttributes without what Facedancer has no word for."""
    usage = endpoint.head.bmAttributes >> 4 & 3
    return endpoint.head.bmAttributes & 0x0F | (usage if usage in USAGES else 0) << 4
