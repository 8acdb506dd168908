"""Blocks of `lsusb -v` text: one for each descriptor it shows, with the fields printed under it.

A block starts at a heading or at ``bLength``, whichever comes first. What lsusb prints as bare bytes is a block of its
own (``** UNRECOGNIZED:``) or the tail of the one before (``junk at descriptor end:``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from attrs import define, evolve, field, frozen

from .text import Line
from .values import number

__all__ = ["Block", "BlockKind", "Token", "read_blocks"]

_BYTE = r"[0-9a-fA-F]{2}"
_NAME = (
    r"[a-z]{1,4}[A-Z][A-Za-z0-9]*\.?|MaxPower|MaxStreams|Mult|VCONN Power|BaSourcePin|DeviceRemovable|PortPwrCtrlMask"
    r"|ContainerID|PlatformCapabilityUUID|CapabilityData|Process-[Ss]pecific|UnknownCapabilities|specific(?=\()"
)
_FIELD = re.compile(rf"^({_NAME})(?:\s?[\[(]\s*(\d{{1,3}})\s*[\])])?(?:\s+(.*))?$")
_WHOLE = re.compile(
    r"^(?:(?:\*\* )?UNRECOGNIZED|(?:UNRECOGNIZED|INVALID) CDC(?: \([^)]*\))?|(?:INTERFACE|DEVICE) CLASS):(.*)$"
)
_TAIL = re.compile(r"^(?:junk at descriptor end:|Invalid desc (?:sub|format )type:|junk\s{2,})(.*)$", re.IGNORECASE)
_TAIL_BEHIND = re.compile(r"^(b\w+ +\d+) +(Invalid desc .*)$")
_JUNK_FOLLOWS = re.compile(r"^Warning: (?:Junk at end of descriptor|Length insufficient)")
_BYTES = re.compile(rf"^\s*(?:{_BYTE}\s+)*{_BYTE}\s*$")
_MANY_BYTES = re.compile(rf"^\s*{_BYTE}(?:\s+{_BYTE})+\s*$")
_HEADING = re.compile(r"^(?:[A-Z][A-Za-z0-9. /-]* (?:[Dd]escriptor|Association|Capability)|CDC [A-Za-z ]+):\s*$")
_OTHER_HEADING = re.compile(r"^(?:Device Qualifier \(|Country Selection:|Network Channel Terminal:|INVALID CDC)")
_REPORT = re.compile(r"^Report Descriptor: \(length is (\d{1,9})\)")
_ITEM = re.compile(r"^Item\((\w+)\s*\): (.*?), data=\s*(?:\[([^\]]*)\]|none)")
_PIPE = re.compile(r"^(?:(?:Command|Status|Data-in|Data-out) pipe|Reserved|Vendor specific) \(0x([0-9a-fA-F]{2})\)")
_ENDS = re.compile(r"^(?:Device Status|Wireless Status|Hub Port Status|Negotiated speed)\b")


@frozen
class Token:
    """A field as printed: ``baSourceID( 1)      12`` has index 1 and value ``12``."""

    line: int
    name: str
    index: int | None
    value: str


class BlockKind(Enum):
    """What a block is."""

    FIELDS = "fields"  #: a descriptor, by fields
    BYTES = "bytes"  #: a descriptor, by bytes
    REPORT = "report"  #: a HID report descriptor, by items
    PIPE = "pipe"  #: a pipe usage descriptor, by its one value
    COMPANION = "companion"  #: what lsusb shows of a SuperSpeed endpoint companion


@define
class Block:
    """One descriptor of the text."""

    line: int
    kind: BlockKind = BlockKind.FIELDS
    heading: str = ""  #: in lower case, without colon
    tokens: list[Token] = field(factory=list)
    raw: bytearray = field(factory=bytearray)  #: BYTES: all of them; FIELDS: those at its end; PIPE: bPipeID
    items: list[tuple[int, str, str, bytes]] = field(factory=list)  #: REPORT: line, type, tag, data
    length: int = 0  #: REPORT: its length as stated

    def numbers(self) -> dict[str, int]:
        """The values of the fields by name, of several with one name the first; 0 for what is no number."""
        return {token.name: number(token.name, token.value) or 0 for token in reversed(self.tokens)}


def read_blocks(lines: Iterable[Line]) -> list[Block]:
    """The blocks of one device, in order."""
    reader = _BlockReader()
    for line in lines:
        reader.read(line)
    return [block for block in reader.blocks if block.kind != BlockKind.FIELDS or block.tokens or block.heading]


class _BlockReader:
    """Adds each line to the block it belongs to."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._hex: Block | None = None  # gets the bytes that a mail program moved to the next line
        self._bare: Token | None = None  # the field of the last line, if its value was moved there too

    def read(self, line: Line) -> None:
        text, here, bare = line.text, self._hex, self._bare
        self._bare = None
        if match := _TAIL_BEHIND.match(text):
            self.read(Line(line.number, match[1]))
            self.read(Line(line.number, match[2]))
            return
        if here is not None and _BYTES.match(text):
            here.raw += bytes.fromhex(text)
            return
        self._hex = None
        if match := _WHOLE.match(text):
            self._bytes(Block(line.number, BlockKind.BYTES), match[1])
        elif match := _TAIL.match(text):
            self._tail(line, match[1])
        elif _JUNK_FOLLOWS.match(text):
            self._tail(line, "")
        elif match := _REPORT.match(text):
            self.blocks.append(Block(line.number, BlockKind.REPORT, length=int(match[1])))
        elif match := _ITEM.match(text):
            self._item(line, match)
        elif match := _PIPE.match(text):
            self.blocks.append(Block(line.number, BlockKind.PIPE, raw=bytearray.fromhex(match[1])))
        elif _ENDS.match(text):
            self.blocks.append(Block(line.number))
        elif _HEADING.match(text) or _OTHER_HEADING.match(text):
            self.blocks.append(Block(line.number, heading=text.rstrip().rstrip(":").lower()))
        elif (match := _FIELD.match(text)) and (match[3] or not self._in_report()):
            self._field(Token(line.number, match[1], int(match[2]) if match[2] else None, match[3] or ""))
        else:
            self._continue(line, bare)

    def _bytes(self, block: Block, text: str) -> None:
        self.blocks.append(block)
        self._tail_of(block, text)

    def _tail(self, line: Line, text: str) -> None:
        block = self._open(line.number)
        block.raw.clear()
        self._tail_of(block, text)

    def _tail_of(self, block: Block, text: str) -> None:
        if not text.strip() or _BYTES.match(text):
            block.raw += bytes.fromhex(text)
            self._hex = block

    def _item(self, line: Line, match: re.Match[str]) -> None:
        if not self.blocks or self.blocks[-1].kind != BlockKind.REPORT:
            self.blocks.append(Block(line.number, BlockKind.REPORT))
        data = bytes(int(word, 16) for word in re.findall(r"0x([0-9a-fA-F]{2})\b", match[3] or ""))
        self.blocks[-1].items.append((line.number, match[1], " ".join(match[2].split()), data))

    def _field(self, token: Token) -> None:
        block = self._open(token.line)
        if token.name == "bLength" and block.tokens:
            block = Block(token.line)
            self.blocks.append(block)
        elif token.name == "bMaxBurst":
            block = Block(token.line, BlockKind.COMPANION)
            self.blocks.append(block)
        block.tokens.append(token)
        self._bare = None if token.value else token

    def _in_report(self) -> bool:
        """Among HID items, whose usages may look like fields: iDeviceChemistry."""
        return bool(self.blocks) and self.blocks[-1].kind is BlockKind.REPORT

    def _open(self, line: int) -> Block:
        """The block that takes fields: the last, unless that is of bytes or items."""
        if not self.blocks or self.blocks[-1].kind not in (BlockKind.FIELDS, BlockKind.COMPANION):
            self.blocks.append(Block(line))
        return self.blocks[-1]

    def _continue(self, line: Line, bare: Token | None) -> None:
        """A line that is neither: of a field whose line was broken the value, or more of it; or a remark of lsusb."""
        tokens = self.blocks[-1].tokens if self.blocks else []
        if bare is not None:
            tokens[-1] = evolve(bare, value=line.text)
        elif tokens and _MANY_BYTES.match(tokens[-1].value) and _BYTES.match(line.text):
            tokens[-1] = evolve(tokens[-1], value=f"{tokens[-1].value} {line.text}")
        elif tokens and tokens[-1].name == "iChannelNames" and _BYTES.match(line.text):
            tokens.append(Token(line.number, "bmMixerControls", None, line.text))  # up to 009, of audio 2.0
