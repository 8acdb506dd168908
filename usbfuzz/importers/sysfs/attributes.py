"""A device from the attributes that sysfs has of it, wherever these were kept.

``descriptors`` and ``speed`` are the kernel's; newer kernels have ``bos_descriptors``. Strings are there for the
indices the kernel reads. A HID interface has its report descriptor in ``1-2:1.0/0003:….000N/report_descriptor``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import evolve, field, frozen

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import ConfigurationDescriptor, DeviceDescriptor, InterfaceDescriptor
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.raw import looks_raw, parse_raw
from usbfuzz.importers.speed import told_speed
from usbfuzz.importers.synthesise import cut_string

__all__ = ["WANTED", "Directories", "Shown", "devices_in", "imported"]

#: the attributes that say something of a device
WANTED = frozenset(
    (
        "bConfigurationValue",
        "bos_descriptors",
        "busnum",
        "configuration",
        "descriptors",
        "devnum",
        "interface",
        "manufacturer",
        "product",
        "report_descriptor",
        "serial",
        "speed",
    )
)
_INTERFACE = re.compile(r"/[^/:]+:(\d{1,3})\.(\d{1,3})(?=/|$)")

#: directories by their path with slashes, each with its attributes
Directories = Mapping[str, Mapping[str, bytes]]


@frozen
class Shown:
    """The attributes of a device and of its interfaces."""

    attributes: Mapping[str, bytes]
    interfaces: Mapping[tuple[int, int], Mapping[str, bytes]] = field(factory=dict)  #: configuration and interface

    def line(self, name: str) -> str:
        """The text of an attribute, without its newline."""
        return _line(self.attributes, name)


def devices_in(directories: Directories) -> list[tuple[str, Shown]]:
    """The devices with the paths of their directories, in the order of these; hubs and root hubs are among them."""
    below: dict[str, dict[tuple[int, int], dict[str, bytes]]] = {}
    for path, attributes in directories.items():
        if place := _INTERFACE.search(path):
            key = (int(place[1]), int(place[2]))
            below.setdefault(path[: place.start()], {}).setdefault(key, {}).update(attributes)
    return [
        (path, Shown(attributes, below.get(path, {})))
        for path, attributes in directories.items()
        if looks_raw(attributes.get("descriptors", b""))
    ]


def imported(shown: Shown, origin: str, name: str, problems: tuple[Problem, ...] = ()) -> Imported:
    """The device; ``name`` is what messages call its descriptors. Raises InputError when these are none."""
    spec, found = parse_raw(shown.attributes.get("descriptors", b""), name)
    speed = told_speed(shown.line("speed"))
    notes = () if speed else ("speed: guessed from the packet sizes",)
    spec = evolve(
        spec,
        speed=speed or spec.speed,
        bos=shown.attributes.get("bos_descriptors") or spec.bos,
        strings=tuple(sorted(dict(_strings(spec, shown)).items())),
        reports=tuple(sorted(dict(_reports(shown)).items())),
    )
    whole, made_up = complete(spec)
    return Imported(named(whole), origin, (*notes, *made_up), (*found, *problems))


def _strings(spec: DeviceSpec, shown: Shown) -> Iterator[tuple[int, bytes]]:
    """The strings of the device, of its active configuration and of that one's interfaces."""
    active = shown.line("bConfigurationValue").strip()
    value = 0
    for descriptor in split(spec.device + b"".join(spec.configurations)):
        found: list[tuple[int, str]] = []
        if isinstance(descriptor, DeviceDescriptor):
            found = [
                (descriptor.iManufacturer, shown.line("manufacturer")),
                (descriptor.iProduct, shown.line("product")),
                (descriptor.iSerialNumber, shown.line("serial")),
            ]
        elif isinstance(descriptor, ConfigurationDescriptor):
            value = descriptor.bConfigurationValue
            found = [(descriptor.iConfiguration, shown.line("configuration") if active in ("", str(value)) else "")]
        elif isinstance(descriptor, InterfaceDescriptor) and not descriptor.bAlternateSetting:
            attributes = shown.interfaces.get((value, descriptor.bInterfaceNumber), {})
            found = [(descriptor.iInterface, _line(attributes, "interface"))]
        for index, text in found:
            if index and text:
                yield index, cut_string(text)


def _reports(shown: Shown) -> Iterator[tuple[int, bytes]]:
    for (_, number), attributes in shown.interfaces.items():
        if raw := attributes.get("report_descriptor"):
            yield number & 0xFF, raw


def _line(attributes: Mapping[str, bytes], name: str) -> str:
    return attributes.get(name, b"").decode("utf-8", "replace").rstrip("\n").replace("\0", "")
