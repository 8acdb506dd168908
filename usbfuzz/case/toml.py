"""Read a case from its text form, ``case.toml``; :mod:`usbfuzz.case.dump` writes it, corpus/README.md explains it."""

from __future__ import annotations

import contextlib
import difflib
import re
import tomllib
from typing import Any

from usbfuzz.descriptors.strings import string_descriptor
from usbfuzz.errors import CaseError, InputError
from usbfuzz.kinds import KINDS
from usbfuzz.uses import UseError, compiled
from usbfuzz.wire import Answer, Speed, Status

from .limits import MAX_PROCESSORS
from .locate import Source, clipped
from .model import (
    ALWAYS,
    SHIFT,
    Action,
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
from .tables import Document, Table

__all__ = ["FORMAT", "MAX_PORTS", "loads", "parse", "read_device"]

FORMAT = 1  #: the version this module reads and writes
MAX_PORTS = 32  #: ports an event may name
_MAX_MS = 24 * 3600 * 1000
_MAX_COUNT = 1_000_000
_MAX_BYTES = 1 << 27  #: of one answer
_MAX_SHIFT = 10  #: QEMU's own limit
_MAX_TURN_US = 1_000_000
_MAX_LATE = 1000
_MAX_SEED = (1 << 64) - 1
_AT_LINE = re.compile(r"^(.*) \(at (?:line (\d+), column \d+|end of document)\)$", re.DOTALL)


def loads(text: str, path: str | None = None) -> Case:
    """The case a text describes; a text without events plugs each device at a port of its own.

    ``path`` is what messages call the text. Raises CaseError ``PATH:LINE: KEY: …``.
    """
    text = text.replace("\r\n", "\n")
    document = Document(path or "<case>", Source(text))
    root = Table(document, (), parse(text, document))
    _check_format(root)
    devices = tuple(read_device(table) for table in root.tables("device"))
    if not devices:
        root.fail("device", "is missing; a case needs at least one [[device]]")
    uses = tuple(_use(table) for table in root.tables("use"))
    case = Case(
        devices=devices,
        events=_events(root, len(devices), len(uses)),
        title=root.text("title"),
        guest=_guest(root.table("guest")),
        expect=tuple(_expectation(table) for table in root.tables("expect")),
        provenance=_provenance(root.table("provenance")),
        uses=uses,
        firmware=tuple(_firmware(table) for table in root.tables("firmware")),
    )
    root.close()
    return case


def parse(text: str, document: Document) -> dict[str, Any]:
    """The values of a TOML text with bounded nesting; raises CaseError."""
    if deep := document.source.too_deep():
        raise CaseError(f"{document.name}:{deep}: nested too deeply to be a case")
    with contextlib.suppress(ValueError):
        return tomllib.loads(document.source.literal)
    try:  # where it is wrong is told of the text itself
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or Python's own for a number of thousands of digits
        message, line, last = str(error), None, text.count("\n") + 1
        if what := _AT_LINE.match(message):
            message, line = what[1], what[2]
        raise CaseError(f"{document.name}:{line or last}: not valid TOML: {message}") from error


def _check_format(root: Table) -> None:
    version = root.required("format", root.integer("format", 0, _MAX_COUNT))
    if version != FORMAT:
        root.fail("format", f"this usbfuzz reads format {FORMAT}, not {version}; use the usbfuzz that wrote the file")


def read_device(table: Table) -> DeviceSpec:
    """The device of one ``[[device]]`` table; raises CaseError."""
    if model := table.text("model"):
        return _model(table, model)
    spec = DeviceSpec(
        name=table.text("name", None),
        device=table.required("device", table.raw("device")),
        configurations=table.raws("configurations"),
        speed=table.choice("speed", Speed, Speed.HIGH),
        strings=_strings(table.table("strings")),
        reports=_reports(table.table("reports")),
        bos=table.raw("bos") or b"",
        qualifier=table.raw("qualifier") or b"",
        control=tuple(_control(script) for script in table.tables("control")),
        endpoints=tuple(_endpoint(script) for script in table.tables("endpoint")),
    )
    table.close()
    return spec


def _model(table: Table, model: str) -> DeviceSpec:
    """A device that a class of ours plays: nothing else can be said of it."""
    known = [name for kind in KINDS.values() for name in kind.models]
    if model not in known:
        close = difflib.get_close_matches(model, known, n=3) or sorted(known)
        table.fail("model", f"no device model is called '{clipped(model)}'; there is {', '.join(close)}")
    spec = DeviceSpec(name=table.text("name", model), device=b"", model=model)
    table.close()
    return spec


def _strings(table: Table | None) -> tuple[tuple[int, bytes], ...]:
    return () if table is None else tuple((index, _string(table, key)) for index, key in table.numbered(0xFF))


def _string(table: Table, key: str) -> bytes:
    if table.has_table(key) and (inner := table.table(key)):
        raw = inner.required("hex", inner.raw("hex"))
        inner.close()
        return raw
    try:
        return string_descriptor(table.text(key))
    except InputError as error:
        table.fail(key, f"{error}")


def _reports(table: Table | None) -> tuple[tuple[int, bytes], ...]:
    return () if table is None else tuple((number, table.raw(key) or b"") for number, key in table.numbered(0xFF))


def _pattern(table: Table) -> dict[str, int | None]:
    narrow = {key: table.integer(key, 0, 0xFF) for key in ("bmRequestType", "bRequest")}
    return narrow | {key: table.integer(key, 0, 0xFFFF) for key in ("wValue", "wIndex", "wLength")}


def _control(table: Table) -> ControlScript:
    script = ControlScript(_steps(table), **_pattern(table), after=_after(table))
    table.close()
    return script


def _after(script: Table) -> RequestPattern | None:
    table = script.table("after")
    if table is None:
        return None
    pattern = RequestPattern(**_pattern(table))
    table.close()
    return pattern


def _endpoint(table: Table) -> EndpointScript:
    address = table.required("bEndpointAddress", table.integer("bEndpointAddress", 0, 0xFF))
    script = EndpointScript(address, _steps(table), _after(table))
    table.close()
    return script


def _steps(table: Table) -> tuple[Step, ...]:
    return tuple(_step(step) for step in table.tables("steps"))


def _step(table: Table) -> Step:
    answer = Answer(
        status=table.choice("status", Status, Status.OK),
        data=table.raw("data") or b"",
        delay_ms=table.integer("delay_ms", 0, _MAX_MS) or 0,
    )
    times = table.integer("times", 0, _MAX_COUNT)
    table.close()
    return Step(answer, 1 if times is None else times)


def _use(table: Table) -> Use:
    lines = [line.partition("#")[0].strip() for line in table.text("program", None).split("\n")]
    numbers = [number for number, line in enumerate(lines) if line]
    use = Use(tuple(filter(None, lines)))
    if not use.program:
        table.fail("program", "is empty; write one call a line")
    try:
        compiled(use.program)
    except UseError as error:
        table.document.fail((*table.path, "program"), str(error), numbers[error.line])
    table.close()
    return use


def _firmware(table: Table) -> Firmware:
    name = table.text("name", None)
    data = table.raw("data")
    try:
        firmware = Firmware(name, data if data is not None else table.text("text", None).encode())
    except ValueError as error:
        table.fail("name", str(error).partition(": ")[2])
    table.close()
    return firmware


def _events(root: Table, devices: int, uses: int) -> tuple[Event, ...]:
    if not root.has("event"):
        if devices > MAX_PORTS:
            root.fail("device", f"{devices} devices on {MAX_PORTS} ports; add [[event]] tables that share the ports")
        plugs = tuple(Event(Action.PLUG, port=i, device=i) for i in range(devices))
        return (*plugs, *(Event(Action.USE, use=use) for use in range(uses)))
    used: set[int] = set()
    return tuple(_event(table, devices, uses, used) for table in root.tables("event"))


def _event(table: Table, devices: int, uses: int, used: set[int]) -> Event:
    event = Event(
        action=table.choice("action", Action, None),
        port=table.integer("port", 0, MAX_PORTS - 1) or 0,
        device=table.integer("device", 0, _MAX_COUNT),
        after_ms=table.integer("after_ms", 0, _MAX_MS),
        after_requests=table.integer("after_requests", 0, _MAX_COUNT),
        use=table.integer("use", 0, _MAX_COUNT),
        for_ms=table.integer("for_ms", 0, _MAX_MS),
        after_packets=table.integer("after_packets", 0, _MAX_COUNT),
        after_bytes=table.integer("after_bytes", 0, _MAX_BYTES),
        configuration=table.integer("configuration", -1, 0xFF),
    )
    table.close()
    _check_event(table, event)
    if event.action is Action.USE:
        if table.required("use", event.use) >= uses:
            table.fail("use", f"there is no use {event.use}; the case has {uses}, counted from 0")
    elif event.use is not None or event.for_ms is not None:
        key = "use" if event.use is not None else "for_ms"
        table.fail(key, f"{event.action.value} has no program; only the action use has")
    if event.action is Action.PLUG:
        if table.required("device", event.device) >= devices:
            table.fail("device", f"there is no device {event.device}; the case has {devices}, counted from 0")
        used.add(event.port)
    elif event.device is not None:
        table.fail("device", f"{event.action.value} takes a port, not a device; only plug names a device")
    elif event.port not in used:
        table.fail("port", f"nothing was plugged at port {event.port} before; plug a device there first")
    return event


def _check_event(table: Table, event: Event) -> None:
    """Raise the CaseError for keys that do not go together."""
    if event.after_bytes is not None and event.after_packets is None:
        table.fail("after_bytes", "counts in the packet behind after_packets; add after_packets")
    if (event.configuration is None) == (event.action is Action.CONFIGURE):
        table.fail("configuration", "belongs to the action configure, which needs it")


def _guest(table: Table | None) -> GuestNeeds:
    if table is None:
        return GuestNeeds()
    needs = GuestNeeds(
        kernel_params=table.texts("kernel_params"),
        exercise=table.flag("exercise", default=True),
        processors=table.integer("processors", 1, MAX_PROCESSORS) or 1,
        schedule=_schedule(table.table("schedule")),
    )
    table.close()
    return needs


def _schedule(table: Table | None) -> Schedule:
    if table is None:
        return Schedule()
    shift = table.integer("shift", 0, _MAX_SHIFT)
    schedule = Schedule(
        shift=SHIFT if shift is None else shift,
        turn_us=table.integer("turn_us", 0, _MAX_TURN_US) or 0,
        late=table.integer("late", 0, _MAX_LATE) or 0,
    )
    table.close()
    return schedule


def _expectation(table: Table) -> Expectation:
    expectation = Expectation(
        kernel=table.text("kernel", None),
        title=table.text("title", None),
        alt_titles=table.texts("alt_titles"),
        reliability=table.integer("reliability", 1, ALWAYS) or ALWAYS,
        drivers=_recorded(table, "drivers"),
        log=_recorded(table, "log"),
        userspace=_recorded(table, "userspace"),
    )
    for text in expectation.userspace or ():
        if ": " not in text:
            table.fail("userspace", f"{clipped(text)!r} is no line of a record; write WHAT: VALUE")
    table.close()
    return expectation


def _recorded(table: Table, key: str) -> tuple[str, ...] | None:
    """A list of texts; None when the key is absent, as that differs from an empty list."""
    present = table.has(key)
    texts = table.texts(key)
    return texts if present else None


def _provenance(table: Table | None) -> Provenance:
    if table is None:
        return Provenance()
    provenance = Provenance(
        source=table.text("source"),
        seed=table.integer("seed", 0, _MAX_SEED),
        index=table.integer("index", 0, _MAX_SEED),
        strategy=table.text("strategy"),
        notes=table.text("notes"),
    )
    table.close()
    return provenance
