"""The formats, by the name a user gives."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import frozen

from usbfuzz.case.model import Case, DeviceSpec
from usbfuzz.export.python import render_python
from usbfuzz.report.gadget import render_gadget
from usbfuzz.report.losses import read_again
from usbfuzz.report.lsusb import render_lsusb
from usbfuzz.report.syzkaller import render_syz
from usbfuzz.wire import Status

from .capture import render_pcapng
from .facedancer import render_facedancer
from .facedancer_order import numbers
from .umockdev import render_umockdev

__all__ = ["FORMATS", "Exported", "Format", "export"]


@frozen
class Exported:
    """A device in a format, and what of it the format does not carry, a phrase each."""

    content: bytes
    lost: tuple[str, ...]


@frozen
class Format:
    """How files are named, how a device is written, and how what is lost is found."""

    suffix: str
    write: Callable[[DeviceSpec], str | bytes]
    lost: Callable[[DeviceSpec, bytes], tuple[str, ...]]


def export(spec: DeviceSpec, name: str) -> Exported:
    """A device in one of the :data:`FORMATS`. Raises InputError when the format cannot express it."""
    format_ = FORMATS[name]
    written = format_.write(spec)
    content = written.encode("utf-8", "replace") if isinstance(written, str) else written
    return Exported(content, format_.lost(spec, content))


def _gadget(spec: DeviceSpec) -> str:
    return render_gadget(Case((spec,), ()), title=spec.name)


def _nothing(_spec: DeviceSpec, _content: bytes) -> tuple[str, ...]:
    return ()


def _unfound(spec: DeviceSpec, content: bytes) -> tuple[str, ...]:
    """SET_CONFIGURATION takes the value for a configuration's number (USBDevice.handle_set_configuration_request)."""
    values = [raw[5] if raw[5:] else place for place, raw in enumerate(spec.configurations, 1)]
    known_by = numbers(spec.configurations)
    is_found = all(known_by[values.index(value)] == value for value in values)
    lost = read_again(spec, content, "a Facedancer script")
    return lost if is_found else (*lost, "which of two configurations with the same bConfigurationValue is chosen")


#: What a gadget can do to a transfer; anything else it stalls.
_POSSIBLE = {Status.OK, Status.STALL, Status.NAK, Status.NEVER, Status.TIMEOUT}


def _impossible(spec: DeviceSpec, _content: bytes) -> tuple[str, ...]:
    steps = [step for script in spec.control for step in script.steps]
    steps += [step for script in spec.endpoints for step in script.steps]
    words = {step.answer.status.value for step in steps if step.answer.status not in _POSSIBLE}
    return (f"answers that end with {', '.join(sorted(words))} (stalled instead)",) if words else ()


FORMATS = {
    "python": Format(".py", render_python, _nothing),
    "facedancer": Format(".py", render_facedancer, _unfound),
    "syz": Format(".syz", render_syz, partial(read_again, what="a syzkaller program")),
    "c": Format(".c", _gadget, _impossible),
    "pcapng": Format(".pcapng", render_pcapng, partial(read_again, what="a capture")),
    "lsusb": Format(".txt", render_lsusb, partial(read_again, what="lsusb -v text")),
    "umockdev": Format(".umockdev", render_umockdev, partial(read_again, what="a umockdev recording")),
}
