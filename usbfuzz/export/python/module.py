"""A device as a Python file: one class, whose body is the data sheet, to be edited and plugged in.

A device whose response scripts say more than decorators can (a request of any kind, an answer only after another
request, a configuration made up by a script) is a :class:`usbfuzz.case.ScriptedDevice`, with its scripts as data.
"""

from __future__ import annotations

from collections.abc import Iterator

from usbfuzz.case.model import DeviceSpec
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.descriptors import language_descriptor, language_ids, string_text
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.tree import hid_interfaces
from usbfuzz.device import Device, HidDevice
from usbfuzz.export.source import (
    Call,
    Expression,
    Item,
    class_name,
    commented_rows,
    hex_of,
    laid_out,
    number_of,
    printable,
    text_of,
)

from .answers import Answers
from .descriptors import Writer
from .handlers import Handlers, has_handlers
from .imports import Imports

__all__ = ["render_python"]


def render_python(spec: DeviceSpec) -> str:
    """The text of a file that :func:`usbfuzz.load.load_device` reads: the device with the same bytes and answers."""
    imports = Imports()
    reports = {number: (f"REPORT_{number}", raw) for number, raw in spec.reports}
    constants = [
        laid_out(commented_rows(raw, DescriptorType.HID_REPORT), 0, f"{name} = ") for name, raw in reports.values()
    ]
    writer = Writer(imports, reports)
    if spec.bos:
        constants.append(laid_out(writer.bos(spec.bos), 0, "BOS = "))
    base = _base(spec)
    body = list(_body(spec, base, imports, writer))
    imports.name("usbfuzz.case" if base is ScriptedDevice else "usbfuzz.device", base.__name__)
    words = printable(spec.name) or "A device"
    name = class_name(spec.name, imports.all())
    head = [f'"""{words}, to be edited and plugged in: usbfuzz plug FILE."""', "", *imports.lines()]
    blocks = ["\n".join(head), *map("\n".join, constants)]
    block = [f"class {name}({base.__name__}):", f'    """{words}."""', "", *body]
    return "\n\n".join(blocks) + "\n\n\n" + "\n".join(block) + "\n"


def _base(spec: DeviceSpec) -> type[Device]:
    if not has_handlers(spec):
        return ScriptedDevice
    return HidDevice if hid_interfaces(spec.configurations) or spec.reports else Device


def _body(spec: DeviceSpec, base: type[Device], imports: Imports, writer: Writer) -> Iterator[str]:
    """The lines of the class's body: data sheet, what is needed to answer, methods."""
    yield f"    speed = {imports.name('usbfuzz.wire', 'Speed')}.{spec.speed.name}"
    yield from laid_out(writer.device(spec.device), 1, "device = ")
    if spec.configurations:
        configurations = tuple(Item(writer.configuration(raw)) for raw in spec.configurations)
        yield from laid_out(Call("", configurations), 1, "configurations = ")
    if spec.strings:
        strings = tuple(
            Item(Call("", (Item(str(index)), Item(_string(index, raw, imports))))) for index, raw in spec.strings
        )
        yield from laid_out(Call("", strings), 1, "strings = ")
    if spec.reports:
        reports = tuple(Item(Call("", (Item(str(number)), Item(f"REPORT_{number}")))) for number, _ in spec.reports)
        yield from laid_out(Call("", reports), 1, "reports = ")
    if spec.bos:
        yield "    bos = BOS"
    if spec.qualifier:
        yield from laid_out(writer.one(spec.qualifier), 1, "qualifier = ")
    yield from _scripts(spec, base, imports)


def _scripts(spec: DeviceSpec, base: type[Device], imports: Imports) -> Iterator[str]:
    answers = Answers(imports)
    if base is ScriptedDevice:
        for name, scripts in (
            ("control", tuple(map(answers.control_script, spec.control))),
            ("endpoints", tuple(map(answers.endpoint_script, spec.endpoints))),
        ):
            if scripts:
                yield from laid_out(Call("", tuple(map(Item, scripts))), 1, f"{name} = ")
        return
    handlers = Handlers(base, imports, answers)
    methods = list(handlers.of(spec))
    if handlers.members:
        yield from ("", "    def __init__(self) -> None:", "        super().__init__()")
        for member in handlers.members:
            yield from member
    for method in methods:
        yield from ("", *method)


def _string(index: int, raw: bytes, imports: Imports) -> Expression:
    """A text; the languages as such; anything else as hex."""
    if index == 0:
        ids = language_ids(raw)
        if ids is None or language_descriptor(*ids) != raw:
            return hex_of(raw)
        name = imports.name("usbfuzz.descriptors", "language_descriptor")
        return Call(name, tuple(Item(number_of(number, 4)) for number in ids))
    text = string_text(raw)
    return hex_of(raw) if text is None else text_of(text)
