"""``repro.py``: one file that reproduces a crash with Python 3.8, QEMU, a kernel and its initrd."""

from __future__ import annotations

import contextlib
import re
import textwrap
from collections.abc import Iterable, Mapping
from functools import partial

from harness.guest.command_line import kernel_command_line
from harness.guest.kernels import arch_of
from harness.guest.qemu import Timing
from harness.usbredir.constants import WIRE_STATUS
from usbfuzz.arch import DEFAULT, Arch
from usbfuzz.case.hexadecimal import commented
from usbfuzz.case.model import Case, ControlScript, DeviceSpec, EndpointScript, Event, RequestPattern, Step
from usbfuzz.descriptors import describe, report_items, split
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, StandardRequest
from usbfuzz.descriptors.kernel import parse_configuration
from usbfuzz.descriptors.layout import EndpointLayout, layout
from usbfuzz.errors import KernelError
from usbfuzz.triage import extract
from usbfuzz.wire import Speed, Status

from .bundle import bundled
from .events import outside_events
from .programs import programs_beside
from .served import served

__all__ = ["key_line", "render_repro"]

_COLUMNS = 120  #: of repro.py
_SPEEDS = (Speed.LOW, Speed.FULL, Speed.HIGH, Speed.SUPER)
_STATUS = {**{status: f"Status.{wire.name}" for status, wire in WIRE_STATUS.items()}}
_STATUS |= {Status.NAK: "Status.NAK", Status.NEVER: "Status.NEVER"}
_HASHBANG = "#!/usr/bin/env python3\n"
_TAIL = """
if __name__ == "__main__":
    sys.exit(main(CASE))
"""


def render_repro(case: Case, *, title: str, kernel: str, report: str, licence: str = "GPL-2.0-only") -> str:
    """The text of repro.py; ``report`` is the crash report the kernel printed."""
    beside = "".join(f"# {line}\n" for line in programs_beside(case))
    head = f"""\
{_HASHBANG}# SPDX-License-Identifier: {licence}
\"\"\"{_docstring(title)}

Seen on {_docstring(kernel)}. Needs QEMU with usb-redir, a kernel, and an initrd that loads the xHCI driver and the
driver that crashes; nothing else:

    python3 repro.py --kernel VMLINUZ --initrd INITRD

It plays the USB device at the end of this file to the guest, prints the guest's console, and says at the end whether
the kernel crashed in the same way. The virtual machine has no network and no disk. repro.py --help says more.
\"\"\"
{beside}"""
    data = f"\n\nCASE = {_reproducer(case, title, kernel, report)}\n"
    return f"{head}\n{bundled()}{data}{_TAIL}"


def key_line(report: str, title: str) -> str:
    """A regular expression of the line that opens a crash report; numbers in it may differ."""
    for line in report.splitlines():
        if line.strip() and extract(line + "\n"):
            return _loosely(line)
    return "|".join(map(re.escape, title.rpartition(" in ")[2].split("/")))


def _loosely(line: str) -> str:
    """``line`` as a pattern in which hexadecimal addresses, numbers and process names may differ."""
    parts = re.split(r"((?:0x)?\b(?=\w*\d)[0-9a-fA-F]{1,}\b|\+0x\w+/0x\w+|CPU#?:? ?\d+|\[[^\]]*\])", line.strip())
    return "".join(".*" if nth % 2 else re.escape(part).replace(r"\ ", " ") for nth, part in enumerate(parts))


def _reproducer(case: Case, title: str, kernel: str, report: str) -> str:
    arch = _arch_of(kernel)
    line = partial(kernel_command_line, params=case.guest.kernel_params, arch=arch, loglevel=7)
    plain = line(Timing.KVM).split()
    warped = [word for word in line(Timing.WARP).split() if word not in plain]
    fields = {
        "title": repr(title),
        "kernel": repr(kernel),
        "hardware": _hardware(arch, case.guest.processors),
        "key_line": repr(key_line(report, title)),
        "append": repr(" ".join(plain)),
        "append_warped": repr(" ".join(warped)),
        "devices": _tuple(map(_device, case.devices)),
        "events": _tuple(map(_event, outside_events(case))),
    }
    return _call("Reproducer", fields)


def _arch_of(kernel: str) -> Arch:
    """The architecture of the kernel the crash was seen on; the default when that cannot be found out any more."""
    with contextlib.suppress(KernelError, OSError):
        return arch_of(kernel)
    return DEFAULT


def _hardware(arch: Arch, processors: int) -> str:
    emulation = arch.emulation
    fields: dict[str, str | int] = {
        "qemu": emulation.qemu,
        "machine": emulation.machine,
        "cpu_kvm": emulation.cpu_kvm,
        "cpu_tcg": emulation.cpu_tcg,
    }
    if processors > 1:
        fields["processors"] = processors
    return _call("Hardware", {name: repr(value) for name, value in fields.items()})


def _event(event: Event) -> str:
    said = _given(event.action.value, event.port, event.device, event.after_ms, event.after_requests)
    return f"Event({', '.join(said)})"


def _given(*values: object) -> list[str]:
    """Arguments as Python source, without the Nones at the end."""
    kept = list(values)
    while kept and kept[-1] is None:
        kept.pop()
    return [repr(value) for value in kept]


def _device(spec: DeviceSpec) -> str:
    tables = served(spec)
    fields = {
        "name": repr(spec.name),
        "speed": str(_SPEEDS.index(spec.speed)),
        "device": _descriptors(spec.device),
        "descriptors": _dict({f"0x{wValue:04x}": _descriptors(raw) for wValue, raw in sorted(tables.device.items())}),
        "interface_descriptors": _dict(
            {f"(0x{kind:02x}, {number})": _hex(kind, raw) for (kind, number), raw in sorted(tables.interface.items())}
        ),
        "hid": repr(tables.hid),
        "configurations": _dict(
            {str(at): _configuration(raw, spec.speed) for at, raw in enumerate(spec.configurations)}
        ),
    }
    if spec.control:
        fields["control"] = _tuple(map(partial(_script, speed=spec.speed), spec.control))
    if spec.endpoints:
        fields["endpoints"] = _dict(_tapes(spec.endpoints))
    return _call("DeviceSpec", fields)


def _hex(kind: int, raw: bytes) -> str:
    return _report(raw) if kind == DescriptorType.HID_REPORT else _descriptors(raw)


def _descriptors(raw: bytes) -> str:
    return _unhex([(descriptor.raw, describe(descriptor)) for descriptor in split(raw)]) if raw else 'b""'


def _report(raw: bytes) -> str:
    return _unhex([(item.raw, "  " * min(item.depth, 8) + item.text) for item in report_items(raw)]) if raw else 'b""'


def _unhex(parts: list[tuple[bytes, str]]) -> str:
    return f"unhex({commented(parts)})"


def _plain(raw: bytes) -> str:
    return f'unhex("{raw.hex(" ")}")' if raw else 'b""'


def _configuration(raw: bytes, speed: Speed) -> str:
    """The settings the kernel finds in a configuration, within the limits of QEMU; the default setting comes first."""
    interfaces = {}
    for number, kept in parse_configuration(raw, speed).items():
        default = kept.get(0) or next(iter(kept.values()))
        order = [default.alternate, *(other for other in kept if other != default.alternate)]
        interfaces[str(number)] = _dict(
            {str(alternate): _setting(raw, number, alternate, speed) for alternate in order}
        )
    value, attributes = (*raw[5:6], 0)[0], (*raw[7:8], 0)[0]
    return f"Configuration({value}, 0x{attributes:02x}, {_dict(interfaces)})"


def _setting(raw: bytes, number: int, alternate: int, speed: Speed) -> str:
    announced = layout(raw, {number: alternate}, speed)
    shown = next(interface for interface in announced.interfaces if interface.bInterfaceNumber == number)
    triple = (shown.bInterfaceClass, shown.bInterfaceSubClass, shown.bInterfaceProtocol)
    endpoints = [_endpoint(laid) for laid in announced.endpoints if laid.bInterfaceNumber == number]
    return f"Setting({triple}, {_tuple(endpoints)})"


def _endpoint(one: EndpointLayout) -> str:
    numbers = (int(one.type), one.bInterval, one.wMaxPacketSize, one.max_streams)
    return f"Endpoint(0x{one.bEndpointAddress:02x}, {', '.join(map(str, numbers))})"


def _script(script: ControlScript, speed: Speed) -> str:
    steps = _tuple(_step(step, script, speed) for step in script.steps)
    after = f", {_pattern(script.after)}" if script.after else ""
    return f"Script({_pattern(script)}, {steps}{after})"


def _pattern(pattern: ControlScript | RequestPattern) -> str:
    values = (pattern.bmRequestType, pattern.bRequest, pattern.wValue, pattern.wIndex, pattern.wLength)
    return f"({', '.join('None' if value is None else f'0x{value:02x}' for value in values)})"


def _tapes(scripts: Iterable[EndpointScript]) -> dict[str, str]:
    tapes: dict[str, list[str]] = {}
    for script in scripts:
        tapes.setdefault(f"0x{script.bEndpointAddress:02x}", []).extend(map(_step, script.steps))
    return {address: _tuple(steps) for address, steps in tapes.items()}


def _step(step: Step, script: ControlScript | None = None, speed: Speed = Speed.HIGH) -> str:
    answer = step.answer
    words = [_plain(answer.data)]
    if answer.status is not Status.OK:
        words.append(f"status={_STATUS[answer.status]}")
    if answer.delay_ms:
        words.append(f"delay_ms={answer.delay_ms}")
    if step.times != 1:
        words.append(f"times={step.times}")
    if script is not None and _may_configure(script) and len(answer.data) > 9:
        words.append(f"configuration={_configuration(answer.data, speed)}")
    return f"Step({', '.join(words)})"


def _may_configure(script: ControlScript) -> bool:
    """Whether the script may answer GET_DESCRIPTOR(configuration)."""
    kind = None if script.wValue is None else script.wValue >> 8
    return (
        script.bmRequestType in (None, DIRECTION_IN)
        and script.bRequest in (None, StandardRequest.GET_DESCRIPTOR)
        and kind in (None, DescriptorType.CONFIGURATION)
    )


# Python source


def _call(name: str, fields: Mapping[str, str]) -> str:
    return _block(f"{name}(", [f"{key}={value}" for key, value in fields.items()], ")")


def _dict(entries: Mapping[str, str]) -> str:
    return _block("{", [f"{key}: {value}" for key, value in entries.items()], "}")


def _tuple(items: Iterable[str]) -> str:
    return _block("(", list(items), ")")


def _block(opening: str, items: list[str], closing: str) -> str:
    flat = f"{opening}{', '.join(items)}{',' if opening == '(' and len(items) == 1 else ''}{closing}"
    if "\n" not in flat and len(flat) <= _COLUMNS - 40:
        return flat
    return "\n".join([opening, *(f"{_indented(item)}," for item in items), closing])


def _indented(text: str) -> str:
    """Every line indented by four, also inside hex digits, where blanks do not count."""
    return textwrap.indent(text, "    ")


def _docstring(text: str) -> str:
    """``text`` without what would end a docstring."""
    return "".join(char if char.isprintable() and char not in '"\\' else "?" for char in text)
