"""What of a device a file does not carry: it is read again, and what comes back otherwise is a loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import zip_longest

from usbfuzz.case import ScriptedDevice
from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import language_descriptor, split
from usbfuzz.descriptors.constants import DIRECTION_IN
from usbfuzz.errors import InputError
from usbfuzz.importers import import_bytes
from usbfuzz.reading import printable

from .requests import endpoint_reads, scripted_requests

__all__ = ["losses", "read_again"]

_READ = 4096  #: bytes asked of an endpoint


def read_again(spec: DeviceSpec, content: bytes, what: str) -> tuple[str, ...]:
    """What is lost in ``content``, a phrase each. Raises InputError when ``what``, the format, gives no device back."""
    try:
        found = import_bytes(content, what)
    except InputError as error:
        raise InputError(
            f"{printable(spec.name)}: {what} cannot hold this device: {_reason(error)}; use --as python"
        ) from error
    return tuple(losses(spec, found[0].device))


def _reason(error: InputError) -> str:
    """What is wrong, without the advice on what to give instead."""
    return str(error).partition(": ")[2].partition(";")[0]


def losses(spec: DeviceSpec, other: DeviceSpec) -> Iterator[str]:
    """What ``other`` does otherwise than ``spec``."""
    if spec.speed is not other.speed:
        yield f"the speed ({spec.speed.value}, taken for {other.speed.value})"
    for name, raw, again in (
        ("the device descriptor", spec.device, other.device),
        ("the BOS", spec.bos, other.bos),
        ("the device qualifier", spec.qualifier, other.qualifier),
    ):
        if raw != again:
            yield name
    yield from _configurations(spec.configurations, other.configurations)
    yield from _numbered("string", _strings(spec), _strings(other))
    yield from _numbered("the HID report descriptor of interface", dict(spec.reports), dict(other.reports))
    yield from _answers(spec, other)


def _configurations(ours: tuple[bytes, ...], theirs: tuple[bytes, ...]) -> Iterator[str]:
    """Those that came back otherwise, and the fields if only fields did."""
    fields = [_fields(*pair) for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
    words = f" ({', '.join(sorted(set().union(*fields)))})" if all(fields) and fields else ""
    for what in _numbered("configuration", dict(enumerate(ours)), dict(enumerate(theirs))):
        yield f"{what}{words if len(ours) == len(theirs) else ''}"


def _fields(ours: bytes, theirs: bytes) -> set[str]:
    """The names of the fields that differ; none if descriptors of other kinds stand there."""
    pairs = list(zip_longest(split(ours), split(theirs)))
    if any(type(mine) is not type(other) for mine, other in pairs):
        return set()
    return {
        field.name
        for mine, other in pairs
        for field in mine.fields
        if getattr(mine, field.name) != getattr(other, field.name)
    }


def _numbered(what: str, ours: Mapping[int, bytes], theirs: Mapping[int, bytes]) -> Iterator[str]:
    lost = [number for number, raw in ours.items() if theirs.get(number) != raw]
    if lost:
        yield f"{what} {', '.join(map(str, lost))}"
    if added := [number for number in theirs if number not in ours]:
        yield f"the absence of {what.removeprefix('the ')} {', '.join(map(str, added))}"


def _strings(spec: DeviceSpec) -> dict[int, bytes]:
    """What is served: with any string there is a list of languages."""
    return {0: language_descriptor()} | dict(spec.strings) if spec.strings else {}


def _answers(spec: DeviceSpec, other: DeviceSpec) -> Iterator[str]:
    ours, theirs = ScriptedDevice(spec), ScriptedDevice(other)
    for device in (ours, theirs):
        device.on_set_configuration(spec.configurations[0][5] if any(raw[5:] for raw in spec.configurations[:1]) else 1)
    lost: dict[str, None] = {}
    for setup in scripted_requests(spec):
        if ours.on_control(setup, b"") != theirs.on_control(setup, b""):
            lost[f"{setup.bmRequestType:02x} {setup.bRequest:02x}"] = None
    if lost:
        yield f"answers to the control requests {', '.join(lost)} (bmRequestType bRequest)"
    for address, count in endpoint_reads(spec):
        if any(_moved(ours, address) != _moved(theirs, address) for _ in range(count)):
            yield f"what endpoint 0x{address:02x} answers"


def _moved(device: ScriptedDevice, address: int) -> object:
    if address & DIRECTION_IN:
        return device.on_in(address, _READ)
    return device.on_out(address, b"")
