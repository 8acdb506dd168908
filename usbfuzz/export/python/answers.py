"""Answers and the scripts that give them, as expressions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, evolve

from usbfuzz.case.model import ControlScript, EndpointScript, RequestPattern, Step
from usbfuzz.export.source import Call, Expression, Item, hex_of, number_of
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Status

from .imports import Imports

__all__ = ["Answers", "played"]

_WIRE, _MODEL, _ITERTOOLS = "usbfuzz.wire", "usbfuzz.case.model", "itertools"
_CONSTANTS = {STALL: "STALL", NAK: "NAK", NEVER: "NEVER"}
_WIDTHS = {"bmRequestType": 2, "bRequest": 2, "wValue": 4, "wIndex": 4, "wLength": 4}  #: hex digits


def played(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that are ever reached; a NAK for ever is no answer at all, as :mod:`usbfuzz.case.play` has it."""
    found: list[Step] = []
    for step in steps:
        is_silent = not step.times and step.answer.status is Status.NAK
        found.append(evolve(step, answer=NEVER) if is_silent else step)
        if not step.times:
            break
    return tuple(found)


@define
class Answers:
    """Writes the answers of one device."""

    imports: Imports

    def answer(self, answer: Answer) -> Expression:
        """One answer."""
        if answer in _CONSTANTS:
            return self.imports.name(_WIRE, _CONSTANTS[answer])
        if answer.status is Status.OK and not answer.delay_ms and answer.data:
            return Call(self.imports.name(_WIRE, "data"), (Item(hex_of(answer.data)),))
        items = []
        if answer.status is not Status.OK:
            items.append(Item(f"{self.imports.name(_WIRE, 'Status')}.{answer.status.name}", "status"))
        if answer.data:
            items.append(Item(hex_of(answer.data), "data"))
        if answer.delay_ms:
            items.append(Item(str(answer.delay_ms), "delay_ms"))
        return Call(self.imports.name(_WIRE, "Answer"), tuple(items))

    def sequence(self, steps: tuple[Step, ...]) -> Call:
        """An iterator of the answers, in order, each as often as it is given."""
        if all(step.times == 1 for step in steps):
            return Call("iter", (Item(Call("", tuple(Item(self.answer(step.answer)) for step in steps))),))
        repeats = tuple(map(self._repeat, steps))
        if len(repeats) == 1:
            return repeats[0]
        return Call(self.imports.name(_ITERTOOLS, "chain"), tuple(map(Item, repeats)))

    def _repeat(self, step: Step) -> Call:
        times = (Item(str(step.times)),) if step.times else ()
        return Call(self.imports.name(_ITERTOOLS, "repeat"), (Item(self.answer(step.answer)), *times))

    def control_script(self, script: ControlScript) -> Call:
        """A control script as data."""
        items = (Item(self._steps(script.steps)), *self._pattern(script), *self._after(script))
        return Call(self.imports.name(_MODEL, "ControlScript"), items)

    def endpoint_script(self, script: EndpointScript) -> Call:
        """The script of an endpoint as data."""
        items = (Item(number_of(script.bEndpointAddress, 2)), Item(self._steps(script.steps)), *self._after(script))
        return Call(self.imports.name(_MODEL, "EndpointScript"), items)

    def _after(self, script: ControlScript | EndpointScript) -> Iterator[Item]:
        if script.after is not None:
            pattern = Call(self.imports.name(_MODEL, "RequestPattern"), tuple(self._pattern(script.after)))
            yield Item(pattern, "after")

    def _steps(self, steps: Iterable[Step]) -> Call:
        return Call("", tuple(Item(self._step(step)) for step in steps))

    def _step(self, step: Step) -> Call:
        times = (Item(str(step.times), "times"),) if step.times != 1 else ()
        return Call(self.imports.name(_MODEL, "Step"), (Item(self.answer(step.answer)), *times))

    def _pattern(self, pattern: ControlScript | RequestPattern) -> Iterator[Item]:
        for name, digits in _WIDTHS.items():
            value = getattr(pattern, name)
            if value is not None:
                yield Item(number_of(value, digits), name)
