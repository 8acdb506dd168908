"""One device of `lsusb -v` text to a :class:`~usbfuzz.case.DeviceSpec`."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import define, field

from usbfuzz.case.model import ControlScript, DeviceSpec
from usbfuzz.descriptors import Context, string_descriptor
from usbfuzz.descriptors.bos import BosDescriptor
from usbfuzz.descriptors.constants import DescriptorType
from usbfuzz.descriptors.context import NO_INTERFACE
from usbfuzz.descriptors.standard import ConfigurationDescriptor, DeviceDescriptor, InterfaceDescriptor
from usbfuzz.errors import InputError
from usbfuzz.importers.complete import complete
from usbfuzz.importers.model import Imported, Problem
from usbfuzz.importers.naming import named
from usbfuzz.importers.speed import guess_speed
from usbfuzz.importers.synthesise import descriptor_script, hub_scripts
from usbfuzz.wire import Speed

from .blocks import Block, BlockKind, Token
from .hid_report import rebuild_report
from .losses import put_back
from .misprints import mended
from .rebuild import Rebuilt, rebuild, rebuild_companion
from .text import DeviceText
from .values import is_value, number, text_of
from .versions import Versions

__all__ = ["import_device"]

_STRING = re.compile(r"i[A-Z]")
_NO_STRINGS = frozenset(("iLandingPage", "iIPPVersionsSupported"))
_UNREADABLE = frozenset(("", "(error)", "(??)", "(null)"))
_NEGOTIATED = re.compile(r"^Negotiated speed: (Low|Full|High|SuperSpeed)")
_SPEEDS = {"Low": Speed.LOW, "Full": Speed.FULL, "High": Speed.HIGH, "SuperSpeed": Speed.SUPER}
_MAX_CONFIGURATION = 0xFFFF
_MAX_STRING = 252  #: bytes of UTF-16
_SUPERSPEED = 0x0300
_ANY_SPEED = 8  #: the last release of usbutils that takes bMaxPower for units of 2 mA at any speed


def import_device(text: DeviceText, blocks: Iterable[Block], versions: Versions) -> Imported:
    """The device the lines and their blocks show, as printed by one of these releases of usbutils.

    Raises InputError when there is no device descriptor among them.
    """
    return _Builder(text, blocks, versions).build()


@define
class _Builder:
    """Puts the descriptors of the blocks where they belong."""

    _text: DeviceText
    _blocks: Iterable[Block]
    _versions: Versions
    _device: bytes = b""
    _configurations: list[bytearray] = field(factory=list)
    _bos: bytearray = field(factory=bytearray)
    _qualifier: bytes = b""
    _otg: bytes = b""
    _scripts: list[ControlScript] = field(factory=list)
    _reports: dict[int, bytes] = field(factory=dict)
    _strings: dict[int, str] = field(factory=dict)
    _context: Context = NO_INTERFACE
    _interface: int = 0
    _endpoint: bytes = b""
    _promised: int = 0
    _problems: list[Problem] = field(factory=list)
    _synthesised: list[str] = field(factory=list)

    def build(self) -> Imported:
        for block in self._blocks:
            as_meant, notes = mended(block, self._versions)
            self._synthesised += notes
            self._add(as_meant)
        if not self._device:
            raise InputError(f"{self._text.origin} shows no device descriptor")
        configurations = self._completed()
        bare = DeviceSpec(
            name="",
            device=self._device,
            configurations=configurations,
            speed=self._speed(configurations),
            strings=self._readable_strings(),
            reports=tuple(sorted(self._reports.items())),
            bos=bytes(self._bos),
            qualifier=self._qualifier,
            control=tuple(self._scripts),
        )
        whole, made_up = complete(bare)
        notes = tuple(dict.fromkeys((*self._synthesised, *made_up)))
        return Imported(named(whole, self._text.title), self._text.origin, notes, tuple(self._problems))

    def _add(self, block: Block) -> None:
        if block.kind is BlockKind.REPORT:
            raw, problems = rebuild_report(block, self._promised, self._versions)
            self._problems += problems
            if raw:
                self._reports.setdefault(self._interface, raw)
            return
        found = self._rebuilt(block)
        if found is None:
            if any(token.name.startswith("b") and is_value(token.name, token.value) for token in block.tokens):
                self._problems.append(Problem(block.line, "fields that belong to no descriptor; left out"))
            return
        self._problems += found.problems
        self._synthesised += found.synthesised
        for token in block.tokens:
            self._string(token)
            if token.name == "wDescriptorLength":
                self._promised = number(token.name, token.value) or 0
        if found.raw:
            self._place(block, found.raw)

    def _rebuilt(self, block: Block) -> Rebuilt | None:
        if block.kind is BlockKind.COMPANION:
            return rebuild_companion(block, self._endpoint)
        if block.heading.startswith(("binary object", "device qualifier")):
            self._context = NO_INTERFACE
        return rebuild(self._scaled(block), self._context)

    def _scaled(self, block: Block) -> Block:
        """The block with currents in the units of their field. USB 3.2 §9.6.3, §10.15.2.1."""
        for place, token in enumerate(block.tokens):
            value = number(token.name, token.value)
            if token.name == "MaxPower" and value is not None:
                block.tokens[place] = Token(token.line, token.name, None, str(min(self._max_power(value), 0xFF)))
            elif token.name == "bHubContrCurrent" and value is not None and self._is_superspeed():
                block.tokens[place] = Token(token.line, token.name, None, str(value // 4))
        return block

    def _max_power(self, current: int) -> int:
        """bMaxPower of so many mA: in units of 8 mA since usbutils 009, if the device is SuperSpeed."""
        if self._is_superspeed() and not self._versions.may_be(0, _ANY_SPEED):
            return current // 8
        if current and self._is_superspeed() and not self._versions.must_be(0, _ANY_SPEED):
            self._synthesised.append("bMaxPower: taken as usbutils up to 008 print it; of 009 it is a quarter")
        return current // 2

    def _is_superspeed(self) -> bool:
        head = DeviceDescriptor.view(self._device)
        return head is not None and head.bcdUSB >= _SUPERSPEED

    def _place(self, block: Block, raw: bytes) -> None:
        kind = raw[1] if len(raw) > 1 else 0
        if kind == DescriptorType.DEVICE and not self._device:
            self._device = raw
        elif kind == DescriptorType.CONFIGURATION:
            self._configurations.append(bytearray(raw))
            self._context = NO_INTERFACE
        elif kind in (DescriptorType.BOS, DescriptorType.DEVICE_CAPABILITY):
            self._bos += raw
        elif kind == DescriptorType.DEVICE_QUALIFIER and "qualifier" in block.heading:
            self._qualifier = raw
        elif kind == DescriptorType.OTG and not self._configurations:
            self._otg = raw
        elif kind == DescriptorType.DEBUG and "debug" in block.heading:
            self._scripts.append(descriptor_script(0x80, kind, raw))
        elif block.heading == "hub descriptor":
            self._hub(block, raw)
        elif self._configurations:
            self._configure(block, raw)
        else:
            self._problems.append(Problem(block.line, "a descriptor before any configuration; left out"))

    def _hub(self, block: Block, raw: bytes) -> None:
        try:
            self._scripts += hub_scripts(raw)
        except InputError:  # releases up to 004 print what they did not get, too
            self._problems.append(Problem(block.line, "the hub descriptor is none; left out"))
        else:
            self._synthesised.append("hub status: nothing is plugged into it")

    def _configure(self, block: Block, raw: bytes) -> None:
        if len(self._configurations[-1]) + len(raw) > _MAX_CONFIGURATION:
            self._problems.append(Problem(block.line, "the configuration is longer than 65535 bytes; left out"))
            return
        self._configurations[-1] += raw
        interface = InterfaceDescriptor.view(raw)
        if interface is not None:
            self._interface = interface.bInterfaceNumber
            self._context = Context(
                interface.bInterfaceClass, interface.bInterfaceSubClass, interface.bInterfaceProtocol
            )
        if raw[1:2] == bytes([DescriptorType.ENDPOINT]):
            self._endpoint = raw

    def _string(self, token: Token) -> None:
        index, text = number(token.name, token.value), text_of(token.value)
        if not _STRING.match(token.name) or token.name in _NO_STRINGS or not index or index > 0xFF:
            return
        if text.strip() in _UNREADABLE:
            return
        if self._strings.setdefault(index, text) != text:
            self._problems.append(Problem(token.line, f"string {index} is another one than before; the first was kept"))

    def _readable_strings(self) -> tuple[tuple[int, bytes], ...]:
        texts = ((index, text.encode("utf-16-le")[:_MAX_STRING]) for index, text in sorted(self._strings.items()))
        return tuple((index, string_descriptor(raw.decode("utf-16-le", "ignore"))) for index, raw in texts)

    def _completed(self) -> tuple[bytes, ...]:
        head = DeviceDescriptor.view(self._device)
        done = []
        for count, raw in enumerate(self._configurations, start=1):
            whole, notes = put_back(bytes(raw), self._otg, head.bcdUSB if head else 0)
            self._synthesised += notes
            done.append(whole)
            view = ConfigurationDescriptor.view(whole)
            if view is not None and view.wTotalLength != len(whole):
                what = f"wTotalLength is {view.wTotalLength}, the dump shows {len(whole)} bytes"
                self._problems.append(Problem(0, f"configuration {count}: {what}"))
        bos = BosDescriptor.view(bytes(self._bos))
        if bos is not None and bos.wTotalLength != len(self._bos):
            what = f"wTotalLength is {bos.wTotalLength}, the dump shows {len(self._bos)} bytes"
            self._problems.append(Problem(0, f"BOS: {what}"))
        return tuple(done)

    def _speed(self, configurations: tuple[bytes, ...]) -> Speed:
        for line in self._text.lines:
            if match := _NEGOTIATED.match(line.text):
                return _SPEEDS[match[1]]
        self._synthesised.append("speed: guessed from the packet sizes")
        return guess_speed(self._device, configurations, self._qualifier)
