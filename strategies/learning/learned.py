"""What was learned of a driver, and its text form ``DRIVER.toml``: devices that it accepts, and bytes it looked at.

A file has a ``[[device]]`` table as in case files for each device, and behind it a ``[[draft]]`` table with its
answers, the texts of its strings, and the firmware that the driver asked for. Bytes that are not ``pinned`` may be
anything, as may answers that are not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from attrs import evolve, field, frozen

from usbfuzz.case.dump import dump_device, dump_pattern
from usbfuzz.case.files import read_text
from usbfuzz.case.hexadecimal import plain
from usbfuzz.case.locate import Source
from usbfuzz.case.model import DeviceSpec, RequestPattern, is_firmware_name
from usbfuzz.case.tables import Document, Table
from usbfuzz.case.toml import parse, read_device
from usbfuzz.errors import CaseError

from .draft import Draft, draft_of
from .parts import CONFIGURATION, DEVICE, Descriptor, File, Key, Packet, Part, Read, Text, longest

__all__ = ["LEARNED", "Learned", "LearnedDevice", "dumps", "load_all", "loads"]

#: Where `usbfuzz learn` keeps what it learned, in the directory it is called in.
LEARNED = Path("corpus/learned")
_FORMAT = 1
_MOST = 1 << 31  #: for any number in the file
_LONGEST = 1 << 20  #: bytes of one answer or file


@frozen(eq=False)
class LearnedDevice:
    """A device that reached code of the driver which none of the others did."""

    draft: Draft
    bound: bool  #: the driver took it
    blocks: int  #: of the driver's code that ran
    because: tuple[str, ...] = ()  #: what was learned, in words: bytes, and the instruction that looked at them


@frozen(eq=False)
class Learned:
    """What is known of one driver."""

    driver: str  #: its module
    kernel: str  #: the one it was learned on
    before: int  #: blocks of its code that ran when nothing was known
    reached: int  #: blocks that ran in all runs together
    devices: tuple[LearnedDevice, ...] = field(default=())  #: the one that got furthest first


def dumps(learned: Learned) -> str:
    """The text of a file."""
    head = [
        f"# What {learned.driver} wants to hear: {learned.reached} blocks of it ran, {learned.before} before.",
        f"format = {_FORMAT}",
        f'driver = "{learned.driver}"',
        f'kernel = "{learned.kernel}"',
        f"before = {learned.before}",
        f"reached = {learned.reached}",
    ]
    tables = [
        text
        for device in learned.devices
        for text in (dump_device(_described(device.draft)), "\n".join(_draft_lines(device)) + "\n")
    ]
    return "\n".join(("\n".join(head) + "\n", *tables))


def _described(draft: Draft) -> DeviceSpec:
    """The device without what is in its parts, but with its descriptors."""
    configurations = (draft.parts[CONFIGURATION].data, *draft.spec.configurations[1:])
    return evolve(draft.spec, device=draft.parts[DEVICE].data, configurations=configurations)


def _draft_lines(device: LearnedDevice) -> Iterator[str]:
    yield "[[draft]]"
    yield f"bound = {str(device.bound).lower()}"
    yield f"blocks = {device.blocks}"
    if device.because:
        yield "because = ["
        yield from (f'    "{text}",' for text in device.because)
        yield "]"
    usual = draft_of(_described(device.draft)).parts
    for key, part in device.draft.parts.items():
        if not isinstance(key, Descriptor) and part != usual.get(key):
            yield ""
            yield from _answer_lines(key, part)


def _answer_lines(key: Read | Packet | File | Text, part: Part) -> Iterator[str]:
    yield "[[draft.answer]]"
    if isinstance(key, File):
        yield f'firmware = "{key.name}"'
    elif isinstance(key, Text):
        yield f"string = {key.index}"
    elif isinstance(key, Packet):
        yield f"bEndpointAddress = 0x{key.bEndpointAddress:02x}"
        yield f"number = {key.number}"
    else:
        yield from dump_pattern(RequestPattern(key.bmRequestType, key.bRequest, key.wValue, key.wIndex))
    yield f"length = {len(part.data)}"
    rows = [f"{{ at = {start}, data = {plain(part.data[start:end])} }}" for start, end in _runs(part.pinned)]
    if rows:
        yield f"pinned = [{rows[0]}]" if len(rows) == 1 else "pinned = [\n" + "".join(f"    {r},\n" for r in rows) + "]"


def _runs(offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Offsets as ranges of consecutive ones."""
    start = end = -1
    for offset in sorted(offsets):
        if offset != end:
            if end > start:
                yield start, end
            start = offset
        end = offset + 1
    if end > start:
        yield start, end


def loads(text: str, path: str) -> Learned:
    """What a text says; raises CaseError ``PATH:LINE: KEY: …``."""
    document = Document(path, Source(text))
    root = Table(document, (), parse(text, document))
    if root.required("format", root.integer("format", 0, _MOST)) != _FORMAT:
        root.fail("format", f"this usbfuzz reads format {_FORMAT}; learn the driver again")
    specs = [read_device(table) for table in root.tables("device")]
    drafts = root.tables("draft")
    if len(specs) != len(drafts):
        root.fail("draft", f"there are {len(drafts)} for {len(specs)} devices; each device has one")
    learned = Learned(
        driver=root.text("driver", None),
        kernel=root.text("kernel", None),
        before=root.integer("before", 0, _MOST) or 0,
        reached=root.integer("reached", 0, _MOST) or 0,
        devices=tuple(_device(spec, table) for spec, table in zip(specs, drafts, strict=True)),
    )
    root.close()
    return learned


def _device(spec: DeviceSpec, table: Table) -> LearnedDevice:
    if not spec.configurations:
        table.fail("answer", "its device has no configuration; a driver is never asked to take such a one")
    draft = draft_of(spec)
    parts: dict[Key, Part] = dict(draft.parts)
    for row in table.tables("answer"):
        key, part = _answer(row, parts)
        parts[key] = part
    found = LearnedDevice(
        evolve(draft, parts=parts),
        bound=table.flag("bound", default=False),
        blocks=table.integer("blocks", 0, _MOST) or 0,
        because=table.texts("because"),
    )
    table.close()
    return found


def _answer(row: Table, usual: Mapping[Key, Part]) -> tuple[Key, Part]:
    key: Key
    if row.has("firmware"):
        key = File(row.text("firmware", None))
        if not is_firmware_name(key.name):
            row.fail("firmware", f"'{key.name[:80]}' is no name of a firmware file; write DIRECTORY/FILE")
    elif row.has("string"):
        key = Text(row.integer("string", 1, 0xFF) or 0)
        if key not in usual:
            row.fail("string", f"the device has no text with index {key.index}")
    elif row.has("bEndpointAddress"):
        address = row.integer("bEndpointAddress", 0x81, 0x8F) or 0
        key = Packet(address, row.integer("number", 0, 0xFF) or 0)
    else:
        kind = row.required("bmRequestType", row.integer("bmRequestType", 0, 0xFF))
        key = Read(
            kind, row.integer("bRequest", 0, 0xFF), row.integer("wValue", 0, 0xFFFF), row.integer("wIndex", 0, 0xFFFF)
        )
    length = row.required("length", row.integer("length", 0, longest(key) if isinstance(key, Text) else _LONGEST))
    # What a text is painted with depends on what it was.
    raw = bytearray(usual[key].data[:length].ljust(length, b"0") if isinstance(key, Text) else length)
    pinned: set[int] = set()
    for run in row.tables("pinned"):
        at = run.required("at", run.integer("at", 0, _LONGEST))
        data = run.required("data", run.raw("data"))
        if at + len(data) > len(raw):
            run.fail("data", f"ends behind the answer, which has {len(raw)} bytes")
        raw[at : at + len(data)] = data
        pinned.update(range(at, at + len(data)))
        run.close()
    row.close()
    return key, Part(bytes(raw), frozenset(pinned))


def load_all(directory: Path, problems: list[str]) -> Mapping[str, Learned]:
    """What is known of each driver, from ``DRIVER.toml`` files; none when there is no such directory.

    A file that cannot be used is left out, and ``problems`` says why.
    """
    found = {}
    for path in sorted(directory.glob("*.toml")):
        try:
            learned = loads(read_text(path), str(path))
        except CaseError as error:
            problems.append(f"{error}; the file is left out")
            continue
        found[learned.driver] = learned
    return found
