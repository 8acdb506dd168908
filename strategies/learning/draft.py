"""A device whose answers are not known yet: bytes that were found to matter, and the rest painted.

Each byte that nothing is known of gets a colour that depends on where it is, in answers as in the firmware that the
driver asks for; two paints of the same draft differ in all of them. So a number that a driver compares tells which
bytes it was made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from attrs import evolve, field, frozen

from strategies.requests import ACCEPT, IN_REQUESTS
from usbfuzz.case.model import Action, Case, ControlScript, DeviceSpec, EndpointScript, Event, Firmware, Step
from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.descriptors.strings import string_descriptor, string_text
from usbfuzz.wire import TransferType, data

from .parts import CONFIGURATION, DEVICE, LONGEST, File, Key, Packet, Part, Read, Text, is_number
from .shape import reshaped

__all__ = ["Change", "Draft", "draft_of"]

_ANY_LENGTH = 255  #: bytes of the answer to a request that was not asked before
_PACKETS = 3  #: of each IN endpoint, to begin with
_MOST_PACKETS = 12
_MOST_READS = 64  #: requests with answers of their own
_TEXT = 26  #: characters of a text of which nothing is known
_FILE = 1024  #: bytes of a firmware of which nothing is known
_MOST_FILES = 8
_STRANGE = bytes.fromhex("f0f0 0df0")  #: idVendor and idProduct, on the wire


@frozen
class Change:
    """Bytes to send instead, or another length; and which instruction asked for them."""

    key: Key
    offset: int
    value: bytes
    because: str = ""
    length: int | None = None  #: of the whole answer; no bytes change then
    also: tuple[Change, ...] = ()  #: made together with it

    def __str__(self) -> str:
        own = f"{self.value.hex(' ')} at {self.offset}" if self.length is None else f"{self.length} bytes"
        return "; ".join((f"{self.key}: {own}", *map(str, self.also)))


@frozen
class Draft:
    """What is known of a device that a driver accepts."""

    spec: DeviceSpec  #: without answers
    parts: Mapping[Key, Part]
    changes: tuple[Change, ...] = field(default=())  #: that led here
    earlier: tuple[str, ...] = ()  #: what was learned before, in words
    asked_for: frozenset[str] = frozenset()  #: fields of descriptors by which the kernel chooses the driver

    def painted(self, paint: int) -> dict[Key, bytes]:
        """What the device sends, by where."""
        return {key: part.painted(key, paint) for key, part in self.parts.items()}

    def case(self, paint: int) -> Case:
        """The device plugged in and used, and pulled."""
        return Case((self.device(paint),), (Event(Action.PLUG, 0, 0),), firmware=self.firmware(paint))

    def firmware(self, paint: int) -> tuple[Firmware, ...]:
        """The files for its driver, in these colours."""
        return tuple(
            Firmware(key.name, part.painted(key, paint)) for key, part in self.parts.items() if isinstance(key, File)
        )

    def device(self, paint: int) -> DeviceSpec:
        """The device in these colours."""
        sent = self.painted(paint)
        tapes: dict[int, list[bytes]] = {}
        for key in sorted((key for key in sent if isinstance(key, Packet)), key=lambda key: key.number):
            tapes.setdefault(key.bEndpointAddress, []).append(sent[key])
        return evolve(
            self.spec,
            device=sent[DEVICE],
            configurations=(sent[CONFIGURATION], *self.spec.configurations[1:]),
            strings=tuple(
                (index, string_descriptor(sent[Text(index)].decode("latin-1")) if Text(index) in sent else raw)
                for index, raw in self.spec.strings
            ),
            control=(*self.spec.control, *_scripts(sent), *ACCEPT),
            endpoints=tuple(
                EndpointScript(address, tuple(Step(data(packet)) for packet in packets))
                for address, packets in tapes.items()
            ),
        )

    def changed(self, change: Change) -> Draft:
        """The draft with a change, whose bytes are not painted any more."""
        changed = self
        for each in (change, *change.also):
            changed = changed._with(each)
        return evolve(changed, changes=(*self.changes, change))

    def _with(self, change: Change) -> Draft:
        part = self.parts[change.key]
        if change.length is not None:
            kept = part.data[: change.length]
            new = Part(kept.ljust(change.length, b"\0"), frozenset(at for at in part.pinned if at < change.length))
        else:
            end = change.offset + len(change.value)
            if change.key == CONFIGURATION and len(change.value) == 1:
                new = Part.whole(reshaped(part.data, change.offset, change.value[0]))
            else:
                raw = part.data[: change.offset] + change.value + part.data[end:]
                new = Part(raw, part.pinned | frozenset(range(change.offset, end)))
        parts = {**self.parts, change.key: new}
        if change.key == CONFIGURATION:  # it may have other endpoints now
            parts = {**_packets(new.data), **parts}
        return evolve(self, parts=parts)

    def changed_twice(self, one: Change, other: Change) -> Draft:
        """The draft with two changes: the farther one first, for behind a count that grows bytes move."""
        first, second = sorted((one, other), key=lambda change: change.offset, reverse=True)
        return self.changed(first).changed(second)

    @property
    def strange(self) -> Draft:
        """The draft with the ids of a product that no driver asks for."""
        own = self.parts[DEVICE]
        other = evolve(own, data=own.data[:8] + _STRANGE + own.data[12:])
        return evolve(self, parts={**self.parts, DEVICE: other})

    def fixed(self, key: Key, paint: int) -> Draft:
        """The draft with an answer as it is in this paint: no byte of it is painted any more."""
        return evolve(self, parts={**self.parts, key: Part.whole(self.parts[key].painted(key, paint))})

    def answering(self, asked: Mapping[Read, int], polled: Mapping[int, int], missed: Iterable[str] = ()) -> Draft:
        """The draft with an answer of its own for each request in ``asked``, of so many bytes.

        ``polled`` says how many packets each IN endpoint was asked for: it gets more when it has sent them all.
        ``missed`` are names of firmware that the driver asked for: it gets files.
        """
        parts = dict(self.parts)
        reads = sum(isinstance(key, Read) for key in parts)
        for key, length in asked.items():
            if key not in parts and reads < _MOST_READS:
                parts[key] = Part.unknown(min(length, LONGEST))
                reads += 1
        for address, count in polled.items():
            mine = [key for key in parts if isinstance(key, Packet) and key.bEndpointAddress == address]
            for number in range(len(mine), min(count + 1, _MOST_PACKETS)) if mine else ():
                parts[Packet(address, number)] = Part.unknown(len(parts[mine[0]].data))
        for file in map(File, missed):
            if sum(isinstance(key, File) for key in parts) < _MOST_FILES:
                parts.setdefault(file, Part.unknown(_FILE))
        return self if parts.keys() == self.parts.keys() else evolve(self, parts=parts)


def _scripts(sent: Mapping[Key, bytes]) -> Iterator[ControlScript]:
    """A script for each request that is known, then for the others."""
    reads = sorted((key for key in sent if isinstance(key, Read)), key=lambda key: key.bRequest is None)
    for key in reads:
        steps = (Step(data(sent[key]), 0),)
        yield ControlScript(steps, key.bmRequestType, key.bRequest, key.wValue, key.wIndex)


def draft_of(spec: DeviceSpec, asked_for: frozenset[str] = frozenset()) -> Draft:
    """A device of which nothing is known but its descriptors: it answers whatever it is asked, in colours.

    ``asked_for`` are the fields of its descriptors by which the kernel chooses the driver.
    """
    configuration = spec.configurations[0]
    parts: dict[Key, Part] = {
        DEVICE: Part.whole(spec.device),
        CONFIGURATION: Part.whole(configuration),
    }
    parts |= {Read(kind): Part.unknown(_ANY_LENGTH) for kind in IN_REQUESTS}
    parts |= {Text(index): Part(text) for index, text in _texts(spec)}
    return Draft(evolve(spec, endpoints=()), parts | _packets(configuration), asked_for=asked_for)


def _texts(spec: DeviceSpec) -> Iterator[tuple[int, bytes]]:
    """The characters of the strings that consist of ASCII alone; string 0 is the list of languages.

    A text becomes longer than what a driver may look for: where it wants the end, it shows that. Not so a number.
    """
    for index, raw in spec.strings:
        text = string_text(raw) if index else None
        if text and text.isascii():
            yield index, text.encode() if is_number(text.encode()) else text.encode().ljust(_TEXT, b" ")


def _packets(configuration: bytes) -> dict[Key, Part]:
    """Packets of each bulk and interrupt IN endpoint."""
    found: dict[Key, Part] = {}
    for descriptor in split(configuration):
        if isinstance(descriptor, EndpointDescriptor):
            kind = descriptor.bmAttributes & 3
            if descriptor.bEndpointAddress & 0x80 and kind in (TransferType.BULK, TransferType.INTERRUPT):
                size = min(descriptor.wMaxPacketSize & 0x7FF, LONGEST)
                for number in range(_PACKETS):
                    found.setdefault(Packet(descriptor.bEndpointAddress, number), Part.unknown(size))
    return found
