"""A pretended driver: it asks a device as a probe function does, and says what it compared and what of it ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from attrs import define, field

from strategies.learning.operands import Compared
from strategies.learning.parts import Read, read_of
from usbfuzz.case.model import Case, DeviceSpec
from usbfuzz.case.play import ScriptedDevice
from usbfuzz.descriptors.strings import string_text
from usbfuzz.jobs.engine.desk import Seen
from usbfuzz.wire import Setup

__all__ = ["Kernel", "ProbeError"]


class ProbeError(Exception):
    """The driver gives the device up."""


@define
class Kernel:
    """What a driver's code runs in: the device, and the comparisons it makes."""

    spec: DeviceSpec
    device: ScriptedDevice
    files: Mapping[str, bytes] = field(factory=dict)
    compared: list[Compared] = field(factory=list)
    blocks: set[int] = field(factory=lambda: {-1})
    asked: dict[Read, int] = field(factory=dict)
    missed: list[str] = field(factory=list)

    def read(self, bRequest: int, wLength: int) -> bytes:
        """A vendor request."""
        setup = Setup(0xC0, bRequest, 0, 0, wLength)
        read = read_of(setup)
        assert read is not None
        self.asked[read] = wLength
        return self.device.on_control(setup, b"").data[:wLength]

    def text(self, index: int) -> bytes:
        """A string of the device, as the kernel keeps it: it ends with a zero."""
        return (string_text(dict(self.spec.strings)[index]) or "").encode() + b"\0"

    def firmware(self, name: str) -> bytes:
        """What request_firmware() brings, if there is such a file."""
        if name not in self.files:
            self.missed.append(name)
            raise ProbeError
        return self.files[name]

    def need(self, place: int, left: int, right: int, width: int, how: str = "cmp") -> None:
        """A comparison, and what follows if it holds."""
        self.compared.append(Compared(place, how, width, left, right, f"probe+{place:#x}"))
        holds = {"cmp": left == right, "test": bool(left & right), "zero": left == 0}[how]
        self.blocks.add(2 * place + holds)
        if not holds:
            raise ProbeError

    def both(self, wanted: Sequence[tuple[int, int, int, int]]) -> None:
        """Comparisons of which one branch needs all: place, left, right and width of each."""
        self.compared += [
            Compared(place, "cmp", width, left, right, f"probe+{place:#x}") for place, left, right, width in wanted
        ]
        holds = all(left == right for _, left, right, _ in wanted)
        self.blocks.add(2 * wanted[0][0] + holds)
        if not holds:
            raise ProbeError


def runs(probe: Callable[[Kernel], None]) -> Callable[[Case], Seen]:
    """What one run of a case shows of a driver."""

    def run(case: Case) -> Seen:
        spec = case.devices[0]
        kernel = Kernel(spec, ScriptedDevice(spec), {file.name: file.data for file in case.firmware})
        bound = False
        with suppress(ProbeError):
            probe(kernel)
            bound = True
        return Seen(frozenset(kernel.blocks), tuple(kernel.compared), kernel.asked, {}, bound, "", tuple(kernel.missed))

    return run
