"""Descriptors of a device of which a listing keeps the numbers, and neither class descriptors nor companions.

What such a listing lacks is made up where drivers cannot do without, and listed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen, mutable

from usbfuzz.descriptors.constants import ClassCode
from usbfuzz.descriptors.standard import InterfaceAssociationDescriptor, SuperSpeedEndpointCompanion
from usbfuzz.device import build
from usbfuzz.wire import TransferType

from .model import Problem
from .synthesise import companion_interval, hid_descriptor

__all__ = ["Association", "Configuration", "Endpoint", "Interface", "Outline"]

_MAX_BYTES = 0xFFFF  #: of a configuration
_WITH_DESCRIPTORS = {ClassCode.AUDIO, ClassCode.COMMUNICATIONS, ClassCode.SMART_CARD, ClassCode.VIDEO}
_STREAMING = 2  #: bInterfaceSubClass of audio and of video streaming


@frozen
class Endpoint:
    """An endpoint; its attributes are None where the listing does not tell them."""

    bEndpointAddress: int
    bmAttributes: int | None
    wMaxPacketSize: int
    bInterval: int


@frozen
class Interface:
    """An interface or an alternate setting of one."""

    bInterfaceNumber: int
    bAlternateSetting: int
    bInterfaceClass: int
    bInterfaceSubClass: int
    bInterfaceProtocol: int
    iInterface: int = 0
    endpoints: tuple[Endpoint, ...] = ()
    extra: bytes = b""  #: class descriptors, if the listing has them

    @property
    def name(self) -> str:
        """As notes call it."""
        alternate = f", alternate setting {self.bAlternateSetting}" if self.bAlternateSetting else ""
        return f"interface {self.bInterfaceNumber}{alternate}"


@frozen
class Association:
    """Interfaces that are one function; it stands before the first of them."""

    bFirstInterface: int
    bInterfaceCount: int
    bFunctionClass: int
    bFunctionSubClass: int
    bFunctionProtocol: int


@frozen
class Configuration:
    """A configuration; attributes and power are None where the listing does not tell them."""

    interfaces: tuple[Interface, ...]
    bConfigurationValue: int = 1
    iConfiguration: int = 0
    bmAttributes: int | None = None
    bMaxPower: int | None = None
    associations: tuple[Association, ...] = ()


@mutable
class Outline:
    """Turns outlines into descriptors; collects what it makes up and what is missing."""

    is_super: bool
    reports: Mapping[int, bytes] = field(factory=dict)  #: report descriptors by bInterfaceNumber
    made_up: dict[str, None] = field(factory=dict)
    problems: dict[str, None] = field(factory=dict)

    @property
    def told(self) -> list[Problem]:
        """The problems."""
        return [Problem(0, what) for what in self.problems]

    def configuration(self, outline: Configuration) -> bytes:
        """The configuration descriptor and all that follows it."""
        known = {"bmAttributes": outline.bmAttributes, "bMaxPower": outline.bMaxPower}
        given = {name: value for name, value in known.items() if value is not None}
        if missing := [name for name in known if name not in given]:
            self.made_up[f"{' and '.join(missing)} of the configuration"] = None
        parts = [*self._parts(outline)]
        while sum(map(len, parts)) > _MAX_BYTES - 9:
            parts.pop()
        return build.configuration(
            *parts,
            bConfigurationValue=outline.bConfigurationValue,
            iConfiguration=outline.iConfiguration,
            **given,
        )

    def _parts(self, outline: Configuration) -> Iterator[bytes]:
        waiting = {association.bFirstInterface: association for association in outline.associations}
        for interface in outline.interfaces:
            if association := waiting.pop(interface.bInterfaceNumber, None):
                yield _association(association)
            yield from self._interface(interface)

    def _interface(self, interface: Interface) -> Iterator[bytes]:
        code = interface.bInterfaceClass
        yield build.interface(
            interface.bInterfaceNumber,
            bAlternateSetting=interface.bAlternateSetting,
            bNumEndpoints=len(interface.endpoints),
            bInterfaceClass=code,
            bInterfaceSubClass=interface.bInterfaceSubClass,
            bInterfaceProtocol=interface.bInterfaceProtocol,
            iInterface=interface.iInterface,
        )
        if interface.extra:
            yield interface.extra
        elif code == ClassCode.HID and not interface.bAlternateSetting:
            report = self.reports.get(interface.bInterfaceNumber, b"")
            yield hid_descriptor(interface.bInterfaceSubClass, interface.bInterfaceProtocol, report)
            self.made_up[f"the HID descriptor of {interface.name}"] = None
        elif code in _WITH_DESCRIPTORS:
            self.problems[f"class descriptors of interface {interface.bInterfaceNumber} are not told; it has none"] = (
                None
            )
        for endpoint in interface.endpoints:
            yield from self._endpoint(endpoint, interface)

    def _endpoint(self, endpoint: Endpoint, interface: Interface) -> Iterator[bytes]:
        bmAttributes, name = endpoint.bmAttributes, f"endpoint {endpoint.bEndpointAddress:#04x}"
        if bmAttributes is None:
            kind = _likely(interface, endpoint)
            self.made_up[f"type {kind.name.lower()} of {name}"] = None
            bmAttributes = int(kind)
        yield build.endpoint(
            endpoint.bEndpointAddress,
            bmAttributes,
            wMaxPacketSize=endpoint.wMaxPacketSize,
            bInterval=endpoint.bInterval,
        )
        if self.is_super:
            is_periodic = bool(bmAttributes & 1)  # isochronous and interrupt
            bytes_ = companion_interval(endpoint.wMaxPacketSize, 0, 0) if is_periodic else 0
            yield SuperSpeedEndpointCompanion(bMaxBurst=0, bmAttributes=0, wBytesPerInterval=bytes_).raw
            self.made_up[f"the companion of {name}"] = None


def _association(association: Association) -> bytes:
    return InterfaceAssociationDescriptor(
        bFirstInterface=association.bFirstInterface,
        bInterfaceCount=association.bInterfaceCount,
        bFunctionClass=association.bFunctionClass,
        bFunctionSubClass=association.bFunctionSubClass,
        bFunctionProtocol=association.bFunctionProtocol,
        iFunction=0,
    ).raw


def _likely(interface: Interface, endpoint: Endpoint) -> TransferType:
    """The type an endpoint of such an interface has as a rule."""
    streams = interface.bInterfaceClass, interface.bInterfaceSubClass
    if streams in ((ClassCode.AUDIO, _STREAMING), (ClassCode.VIDEO, _STREAMING)):
        return TransferType.ISOCHRONOUS
    if interface.bInterfaceClass == ClassCode.HID or endpoint.bInterval > 1:
        return TransferType.INTERRUPT
    return TransferType.BULK
