"""A configuration as a tree: interfaces, their alternate settings, their endpoints, and what stands under each.

::

    Configuration
    ├── head                    the configuration descriptor
    ├── extra                   descriptors before the first interface
    ├── settings                alternate settings, in wire order
    │   ├── lead                interface associations before it
    │   ├── head                the interface descriptor
    │   ├── extra               class descriptors
    │   └── endpoints
    │       ├── head            the endpoint descriptor
    │       └── extra           companions, class endpoint descriptors
    └── tail                    what follows an association or a broken interface descriptor at the end

The tree holds descriptors, and joining them in order gives the same bytes, whatever these are. Where a descriptor
hangs follows the kernel: what comes after an endpoint descriptor is that endpoint's extra, up to the next endpoint or
interface descriptor; what comes after a broken interface descriptor belongs to no interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import evolve, frozen

from .base import CsInterface, Descriptor
from .codec import join, split
from .constants import ClassCode, DescriptorType
from .standard import ConfigurationDescriptor, EndpointDescriptor, InterfaceAssociationDescriptor, InterfaceDescriptor

__all__ = ["AlternateSetting", "Configuration", "Endpoint", "hid_interfaces", "parse"]

Change = Callable[[Descriptor], Descriptor | None]


@frozen
class Endpoint:
    """An endpoint descriptor and the descriptors under it."""

    head: EndpointDescriptor
    extra: tuple[Descriptor, ...] = ()

    def __iter__(self) -> Iterator[Descriptor]:
        yield self.head
        yield from self.extra


@frozen
class AlternateSetting:
    """One alternate setting of an interface and everything under it."""

    head: InterfaceDescriptor
    extra: tuple[Descriptor, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    lead: tuple[Descriptor, ...] = ()

    def __iter__(self) -> Iterator[Descriptor]:
        yield from self.lead
        yield self.head
        yield from self.extra
        for endpoint in self.endpoints:
            yield from endpoint

    def with_totals(self) -> AlternateSetting:
        """The same with bNumEndpoints, and the wTotalLength of a class-specific header, as they should be.

        A class-specific wTotalLength (of an AC, MS, VC or VS header) covers all CS_INTERFACE descriptors from there on.
        """
        extra = list(self.extra)
        for index, descriptor in enumerate(extra):
            if isinstance(descriptor, CsInterface) and any(field.name == "wTotalLength" for field in descriptor.fields):
                rest = [later for later in extra[index:] if later.bDescriptorType == DescriptorType.CS_INTERFACE]
                extra[index] = descriptor.replace(wTotalLength=len(join(rest)) & 0xFFFF)
        head = self.head.replace(bNumEndpoints=len(self.endpoints) & 0xFF)
        return evolve(self, head=head, extra=tuple(extra))


@frozen
class Configuration:
    """Everything GET_DESCRIPTOR(CONFIGURATION) returns; ``head`` is None when it does not start as one."""

    head: ConfigurationDescriptor | None = None
    extra: tuple[Descriptor, ...] = ()
    settings: tuple[AlternateSetting, ...] = ()
    tail: tuple[Descriptor, ...] = ()

    def __iter__(self) -> Iterator[Descriptor]:
        if self.head is not None:
            yield self.head
        yield from self.extra
        for setting in self.settings:
            yield from setting
        yield from self.tail

    @property
    def raw(self) -> bytes:
        """The bytes of the whole configuration."""
        return join(self)

    @property
    def interfaces(self) -> dict[int, tuple[AlternateSetting, ...]]:
        """The alternate settings of each bInterfaceNumber, both in wire order."""
        found: dict[int, tuple[AlternateSetting, ...]] = {}
        for setting in self.settings:
            number = setting.head.bInterfaceNumber
            found[number] = (*found.get(number, ()), setting)
        return found

    @property
    def associations(self) -> tuple[InterfaceAssociationDescriptor, ...]:
        """The interface association descriptors."""
        return tuple(descriptor for descriptor in self if isinstance(descriptor, InterfaceAssociationDescriptor))

    def map(self, change: Change) -> Configuration:
        """The tree of the configuration in which each descriptor is what ``change`` made of it; None drops it."""
        return parse(join(descriptor for descriptor in map(change, self) if descriptor is not None))

    def with_setting(self, index: int, setting: AlternateSetting) -> Configuration:
        """The same with ``settings[index]`` exchanged."""
        settings = list(self.settings)
        settings[index] = setting
        return evolve(self, settings=tuple(settings))

    def without_interface(self, number: int) -> Configuration:
        """The same without any setting of interface ``number``; associations before it stay."""
        lead: tuple[Descriptor, ...] = ()
        kept: list[AlternateSetting] = []
        for setting in self.settings:
            if setting.head.bInterfaceNumber == number:
                lead += setting.lead
            else:
                kept.append(evolve(setting, lead=lead + setting.lead))
                lead = ()
        return evolve(self, settings=tuple(kept), tail=lead + self.tail)

    def with_totals(self) -> Configuration:
        """The same with every total as it should be: wTotalLength, bNumInterfaces, and each setting's.

        Never done implicitly: wrong totals are what many cases are about.
        """
        fixed = evolve(self, settings=tuple(setting.with_totals() for setting in self.settings))
        if self.head is None:
            return fixed
        count = len(self.interfaces) & 0xFF
        head = self.head.replace(wTotalLength=len(self.raw) & 0xFFFF, bNumInterfaces=count)
        return evolve(fixed, head=head)


def parse(raw: bytes) -> Configuration:
    """The tree of any bytes; ``parse(raw).raw == raw``."""
    descriptors = split(raw)
    first = descriptors[0] if descriptors else None
    head = first if isinstance(first, ConfigurationDescriptor) else None
    tree = _Builder()
    for descriptor in descriptors[1 if head else 0 :]:
        tree.add(descriptor)
    return Configuration(head, tuple(tree.extra), tuple(tree.settings), tuple(tree.lead))


class _Builder:
    """Appends each descriptor to the endpoint, interface or configuration it belongs to."""

    def __init__(self) -> None:
        self.extra: list[Descriptor] = []
        self.settings: list[AlternateSetting] = []
        self.lead: list[Descriptor] = []  # interface associations before the next interface

    def add(self, descriptor: Descriptor) -> None:
        broken_interface = descriptor.bDescriptorType == DescriptorType.INTERFACE
        if isinstance(descriptor, InterfaceDescriptor):
            self.settings.append(AlternateSetting(descriptor, lead=tuple(self.lead)))
            self.lead = []
        elif self.lead or isinstance(descriptor, InterfaceAssociationDescriptor) or broken_interface:
            self.lead.append(descriptor)
        elif not self.settings:
            self.extra.append(descriptor)
        else:
            self.settings[-1] = _under(self.settings[-1], descriptor)


def _under(setting: AlternateSetting, descriptor: Descriptor) -> AlternateSetting:
    if isinstance(descriptor, EndpointDescriptor):
        return evolve(setting, endpoints=(*setting.endpoints, Endpoint(descriptor)))
    if not setting.endpoints:
        return evolve(setting, extra=(*setting.extra, descriptor))
    *others, last = setting.endpoints
    return evolve(setting, endpoints=(*others, evolve(last, extra=(*last.extra, descriptor))))


def hid_interfaces(parts: Iterable[bytes]) -> tuple[int, ...]:
    """bInterfaceNumber of the HID interfaces in some configurations, each once, in their order."""
    interfaces = (part for raw in parts for part in split(raw) if isinstance(part, InterfaceDescriptor))
    return tuple(dict.fromkeys(part.bInterfaceNumber for part in interfaces if part.bInterfaceClass == ClassCode.HID))
