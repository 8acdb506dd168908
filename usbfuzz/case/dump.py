"""Write a case as text: one descriptor or HID item a line, with its meaning in a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import asdict

from usbfuzz.descriptors import describe, report_items, split, string_text
from usbfuzz.descriptors.constants import DIRECTION_IN, StandardRequest
from usbfuzz.wire import Status

from .hexadecimal import commented, plain
from .model import (
    ALWAYS,
    Case,
    ControlScript,
    DeviceSpec,
    EndpointScript,
    Event,
    Expectation,
    Firmware,
    GuestNeeds,
    Provenance,
    RequestPattern,
    Schedule,
    Step,
    Use,
)
from .toml import FORMAT

__all__ = ["dump_device", "dump_expectation", "dump_pattern", "dumps"]

_LANGUAGES = 0  #: string index
_ROW = 32  #: bytes of firmware a line
_MAX_INDENT = 8  #: collections
_LIST = 2  #: texts that get a line each


def dumps(case: Case) -> str:
    """The text form of a case; ``loads(dumps(case)) == case`` for every case that makes sense."""
    blocks = [_head(case)]
    if case.guest != GuestNeeds():
        blocks.append(_guest(case.guest))
    for device in case.devices:
        blocks += _device(device)
    blocks += map(_use, case.uses)
    blocks += map(_firmware, case.firmware)
    blocks += map(_event, case.events)
    blocks += map(_expectation, case.expect)
    if case.provenance != Provenance():
        blocks.append(_provenance(case.provenance))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def dump_expectation(expectation: Expectation) -> str:
    """The text form of one expectation, for a file that has the rest."""
    return "\n".join(_expectation(expectation)) + "\n"


def dump_device(device: DeviceSpec) -> str:
    """The ``[[device]]`` table of one device, for a file that has the rest."""
    return "\n\n".join("\n".join(block) for block in _device(device)) + "\n"


Block = list[str]


def _head(case: Case) -> Block:
    lines = [f"format = {FORMAT}"]
    if case.title:
        lines.append(f"title = {_text(case.title)}")
    if not case.events:
        lines.append("event = []")
    return lines


def _guest(guest: GuestNeeds) -> Block:
    lines = ["[guest]"]
    if guest.kernel_params:
        lines.append(f"kernel_params = {_texts(guest.kernel_params)}")
    if not guest.exercise:
        lines.append("exercise = false")
    if guest.processors != 1:
        lines.append(f"processors = {guest.processors}")
    usual = Schedule()
    words = [f"{name} = {number}" for name, number in asdict(guest.schedule).items() if number != getattr(usual, name)]
    if words:
        lines.append(f"schedule = {{ {', '.join(words)} }}")
    return lines


def _texts(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(_text, texts))}]"


def _device(device: DeviceSpec) -> Iterator[Block]:
    if device.model:
        yield ["[[device]]", f"name = {_text(device.name)}", f"model = {_text(device.model)}"]
        return
    lines = ["[[device]]", f"name = {_text(device.name)}", f'speed = "{device.speed.value}"']
    lines.append(f"device = {_descriptors(device.device)}")
    if device.configurations:
        lines.append(f"configurations = [{', '.join(map(_descriptors, device.configurations))}]")
    lines += (f"{key} = {_descriptors(raw)}" for key in ("bos", "qualifier") if (raw := getattr(device, key)))
    yield lines
    if device.strings:
        yield ["[device.strings]", *(f"{index} = {_string(index, raw)}" for index, raw in device.strings)]
    if device.reports:
        yield ["[device.reports]", *(f"{number} = {_report(raw)}" for number, raw in device.reports)]
    yield from map(_control, device.control)
    yield from map(_endpoint, device.endpoints)


def _descriptors(raw: bytes) -> str:
    return commented([(descriptor.raw, describe(descriptor)) for descriptor in split(raw)])


def _report(raw: bytes) -> str:
    items = report_items(raw)
    return commented([(item.raw, "  " * min(item.depth, _MAX_INDENT) + item.text) for item in items])


def _string(index: int, raw: bytes) -> str:
    text = None if index == _LANGUAGES else string_text(raw)
    return f'{{ hex = "{raw.hex(" ")}" }}' if text is None else _text(text)


def _control(script: ControlScript) -> Block:
    lines = ["[[device.control]]", *dump_pattern(script), *_after(script)]
    asks_descriptor = script.bmRequestType == DIRECTION_IN and script.bRequest == StandardRequest.GET_DESCRIPTOR
    return [*lines, *_steps(script.steps, explained=asks_descriptor)]


def _endpoint(script: EndpointScript) -> Block:
    address = f"bEndpointAddress = 0x{script.bEndpointAddress:02x}"
    return ["[[device.endpoint]]", address, *_after(script), *_steps(script.steps)]


def _after(script: ControlScript | EndpointScript) -> Iterator[str]:
    if script.after is not None:
        yield f"after = {{ {', '.join(dump_pattern(script.after))} }}"


def dump_pattern(pattern: ControlScript | RequestPattern) -> Iterator[str]:
    """A line for each value that the requests must have."""
    for key, digits in (("bmRequestType", 2), ("bRequest", 2), ("wValue", 4), ("wIndex", 4), ("wLength", 4)):
        value = getattr(pattern, key)
        if value is not None:
            yield f"{key} = 0x{value:0{digits}x}"


def _steps(steps: Iterable[Step], *, explained: bool = False) -> Block:
    rows = [f"{{ {', '.join(_step(step, explained=explained))} }}" for step in steps]
    if len(rows) > 1:
        return ["steps = [", *(f"    {row}," for row in rows), "]"]
    return [f"steps = [{''.join(rows)}]"]


def _step(step: Step, *, explained: bool) -> Iterator[str]:
    answer = step.answer
    if answer.status is not Status.OK or not answer.data:
        yield f'status = "{answer.status.value}"'
    if answer.data:
        yield f"data = {_descriptors(answer.data) if explained else plain(answer.data)}"
    if answer.delay_ms:
        yield f"delay_ms = {answer.delay_ms}"
    if step.times != 1:
        yield f"times = {step.times}"


def _event(event: Event) -> Block:
    lines = ["[[event]]", f'action = "{event.action.value}"', f"port = {event.port}"]
    keys = ("device", "configuration", "use", "for_ms", "after_ms", "after_requests", "after_packets", "after_bytes")
    return [*lines, *_present(event, *keys)]


def _use(use: Use) -> Block:
    # Programs hold quotes, and no three in a row.
    return ["[[use]]", "program = '''", *use.program, "'''"]


def _firmware(firmware: Firmware) -> Block:
    rows = [firmware.data[at : at + _ROW].hex(" ") for at in range(0, len(firmware.data), _ROW)]
    return ["[[firmware]]", f"name = {_text(firmware.name)}", 'data = """', *rows, '"""']


def _expectation(expectation: Expectation) -> Block:
    lines = ["[[expect]]", f"kernel = {_text(expectation.kernel)}", f"title = {_text(expectation.title)}"]
    if expectation.alt_titles:
        lines.append(f"alt_titles = {_texts(expectation.alt_titles)}")
    if expectation.reliability != ALWAYS:
        lines.append(f"reliability = {expectation.reliability}")
    for key in ("drivers", "log", "userspace"):
        lines += _listed(key, getattr(expectation, key))
    return lines


def _listed(key: str, texts: tuple[str, ...] | None) -> Block:
    """A list of texts, a line each unless the list is short; no lines when it was not recorded."""
    if texts is None:
        return []
    if len(texts) < _LIST:
        return [f"{key} = {_texts(texts)}"]
    return [f"{key} = [", *(f"    {_text(text)}," for text in texts), "]"]


def _provenance(provenance: Provenance) -> Block:
    texts = {key: getattr(provenance, key) for key in ("source", "strategy", "notes")}
    lines = [f"{key} = {_text(text)}" for key, text in texts.items() if text]
    return ["[provenance]", *lines, *_present(provenance, "seed", "index")]


def _present(of: Event | Provenance, *keys: str) -> Iterator[str]:
    return (f"{key} = {value}" for key in keys if (value := getattr(of, key)) is not None)


def _text(text: str) -> str:
    """A TOML basic string, of several lines if the text has several."""
    # A lone surrogate has no place in a UTF-8 file.
    escaped = "".join(map(_escaped, text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")))
    return f'"""\n{escaped}"""' if "\n" in escaped else f'"{escaped}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n" or char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
