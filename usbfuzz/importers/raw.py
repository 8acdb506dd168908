"""Raw descriptors: what ``/sys/bus/usb/devices/*/descriptors`` holds and ``lsusb -D`` reads.

The device descriptor, then each configuration up to its wTotalLength; a BOS or a device qualifier may follow.
"""

from __future__ import annotations

from attrs import define, field

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.errors import InputError

from .complete import complete
from .model import Imported, Problem
from .naming import named
from .speed import guess_speed

__all__ = ["import_raw", "looks_raw", "parse_raw"]

_DEVICE = 18  #: bytes
_SIZED = (DescriptorType.CONFIGURATION, DescriptorType.BOS)  #: those with a wTotalLength
_MAX_CONFIGURATIONS = 8  #: the kernel's USB_MAXCONFIG
_MAX_BYTES = 1 << 20


def looks_raw(content: bytes) -> bool:
    """A device descriptor, in its binary form."""
    return content[:2] == bytes((_DEVICE, DescriptorType.DEVICE)) and len(content) >= _DEVICE


def import_raw(content: bytes, name: str) -> tuple[Imported, ...]:
    """The device of a descriptor blob. Raises InputError when it does not start with a device descriptor."""
    bare, problems = parse_raw(content, name)
    spec, made_up = complete(bare)
    notes = ("speed: guessed from the packet sizes", *made_up)
    return (Imported(named(spec), "the descriptors", notes, problems),)


def parse_raw(content: bytes, name: str) -> tuple[DeviceSpec, tuple[Problem, ...]]:
    """The descriptors as a device without strings or reports, and what is wrong with them. Raises InputError."""
    if not looks_raw(content):
        raise InputError(f"{name}: does not start with a device descriptor (12 01 …); give the file as sysfs has it")
    if len(content) > _MAX_BYTES:
        raise InputError(f"{name}: is larger than {_MAX_BYTES >> 20} MiB, no device's descriptors are; give one device")
    parts = _Parts(content[_DEVICE:])
    parts.cut()
    device, configurations = content[:_DEVICE], tuple(parts.configurations)
    if device[17] != len(configurations):
        what = f"bNumConfigurations is {device[17]}, the file has {len(configurations)} configurations"
        parts.problems.append(Problem(0, what))
    spec = DeviceSpec(
        name="device",
        device=device,
        configurations=configurations,
        speed=guess_speed(device, configurations, parts.qualifier),
        bos=parts.bos,
        qualifier=parts.qualifier,
    )
    return spec, tuple(parts.problems)


@define
class _Parts:
    """What follows the device descriptor."""

    rest: bytes
    configurations: list[bytes] = field(factory=list)
    bos: bytes = b""
    qualifier: bytes = b""
    problems: list[Problem] = field(factory=list)

    def cut(self) -> None:
        """Take part after part, until one is none."""
        while self.rest:
            kind = self.rest[1] if len(self.rest) > 1 else 0
            length = self.rest[0]
            if kind in _SIZED and len(self.rest) >= 4:
                length = int.from_bytes(self.rest[2:4], "little")
            if length < 2 or not self._take(kind, length):
                what = f"{len(self.rest)} bytes at the end ({self.rest[:8].hex(' ')} …) are no descriptor; left out"
                self.problems.append(Problem(0, what))
                return
            self.rest = self.rest[length:]

    def _take(self, kind: int, length: int) -> bool:
        part = self.rest[:length]
        if kind == DescriptorType.CONFIGURATION and len(self.configurations) < _MAX_CONFIGURATIONS:
            self.configurations.append(part)
        elif kind == DescriptorType.BOS and not self.bos:
            self.bos = part
        elif kind == DescriptorType.DEVICE_QUALIFIER and not self.qualifier:
            self.qualifier = part
        else:
            return False
        if len(part) < length:
            self.problems.append(Problem(0, f"the last descriptors end after {len(part)} of {length} bytes"))
        return True
