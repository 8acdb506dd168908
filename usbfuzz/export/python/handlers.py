"""Response scripts as decorated methods, for devices whose scripts decorators can say without loss.

A method answers the requests of one bmRequestType and bRequest. What its scripts leave unanswered goes on to the base
class's own handler, or is stalled, as with :class:`usbfuzz.case.ScriptedDevice`.
"""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field

from usbfuzz.case.model import ControlScript, DeviceSpec, Step
from usbfuzz.descriptors.constants import DIRECTION_IN, DescriptorType, Recipient, RequestKind, StandardRequest
from usbfuzz.device import Device
from usbfuzz.device.handlers import routes_of
from usbfuzz.export.source import Call, Item, laid_out, number_of
from usbfuzz.wire import Status

from .answers import Answers, played
from .imports import Imports

__all__ = ["Handlers", "has_handlers"]

_KIND, _RECIPIENT = 0x60, 0x1F  #: bits of bmRequestType
_CONFIGURATION = 6  #: bytes up to bConfigurationValue
#: The channel asks these by calls of their own, past the decorated methods.
_CALLS = {(0x00, StandardRequest.SET_CONFIGURATION), (0x01, StandardRequest.SET_INTERFACE)}
_DEVICE, _CONSTANTS, _WIRE = "usbfuzz.device", "usbfuzz.descriptors.constants", "usbfuzz.wire"


def has_handlers(spec: DeviceSpec) -> bool:
    """Whether decorated methods do all that the scripts of this device do."""
    whole = all(len(raw) >= _CONFIGURATION for raw in spec.configurations)
    steps = (
        step for script in spec.endpoints if script.bEndpointAddress & DIRECTION_IN for step in played(script.steps)
    )
    waits = any(script.after is not None for script in spec.endpoints)
    holds = any(step.answer.status is Status.NAK for step in steps)
    return whole and not waits and not holds and all(map(_is_plain, spec.control))


def _is_plain(script: ControlScript) -> bool:
    kind, request = script.bmRequestType, script.bRequest
    if kind is None or request is None or script.after is not None or (kind, request) in _CALLS:
        return False
    # A configuration that a script made up decides on the layout.
    is_configuration = (kind, request) == (DIRECTION_IN, StandardRequest.GET_DESCRIPTOR) and (
        script.wValue is None or script.wValue >> 8 == DescriptorType.CONFIGURATION
    )
    is_known = kind & _KIND in tuple(RequestKind) and kind & _RECIPIENT in tuple(Recipient)
    return is_known and not is_configuration


@define
class Handlers:
    """Writes the methods of one device, and the members they take their answers from."""

    base: type[Device]  #: what the written class derives from
    imports: Imports
    answers: Answers
    members: list[list[str]] = field(factory=list)

    def of(self, spec: DeviceSpec) -> Iterator[list[str]]:
        """The lines of each method."""
        groups: dict[tuple[int, int], list[ControlScript]] = {}
        for script in spec.control:
            if script.bmRequestType is not None and script.bRequest is not None and script.steps:
                groups.setdefault((script.bmRequestType, script.bRequest), []).append(script)
        for (bmRequestType, bRequest), scripts in groups.items():
            yield self._control(bmRequestType, bRequest, scripts)
        for address in dict.fromkeys(script.bEndpointAddress for script in spec.endpoints):
            steps = [step for script in spec.endpoints if script.bEndpointAddress == address for step in script.steps]
            if steps:
                yield self._endpoint(address, played(steps))

    def _control(self, bmRequestType: int, bRequest: int, scripts: list[ControlScript]) -> list[str]:
        direction = "in" if bmRequestType & DIRECTION_IN else "out"
        kind, recipient = RequestKind(bmRequestType & _KIND), Recipient(bmRequestType & _RECIPIENT)
        lone = scripts[0] if len(scripts) == 1 and scripts[0].wLength is None else None
        marks = [Item(number_of(bRequest, 2), "bRequest")]
        if kind is not RequestKind.CLASS:
            marks.append(Item(f"{self.imports.name(_CONSTANTS, 'RequestKind')}.{kind.name}", "kind"))
        if recipient is not Recipient.DEVICE:
            marks.append(Item(f"{self.imports.name(_CONSTANTS, 'Recipient')}.{recipient.name}", "recipient"))
        if lone:
            values = {"wValue": lone.wValue, "wIndex": lone.wIndex}
            marks += [Item(number_of(value, 4), name) for name, value in values.items() if value is not None]
        name = f"{kind.name.lower()}_{recipient.name.lower()}_{direction}_{bRequest:02x}"
        body = list(self._body(name, bmRequestType << 8 | bRequest, scripts, is_lone=lone is not None))
        setup = "setup" if any("setup" in line for line in body) else "_setup"
        payload = "" if bmRequestType & DIRECTION_IN else ", _payload: bytes"
        if payload and any("payload" in line for line in body):
            payload = ", payload: bytes"
        decorator = Call(self.imports.name(_DEVICE, f"control_{direction}"), tuple(marks))
        signature = f"{name}(self, {setup}: {self.imports.name(_WIRE, 'Setup')}{payload})"
        return [*laid_out(decorator, 1, "@"), f"    def {signature} -> {self._reply()}:", *body]

    def _reply(self) -> str:
        return self.imports.name(_DEVICE, "Reply")

    def _body(self, name: str, key: int, scripts: list[ControlScript], *, is_lone: bool) -> Iterator[str]:
        for nth, script in enumerate(scripts):
            condition = "" if is_lone else " and ".join(_conditions(script))
            depth = 2
            if condition:
                yield f"        if {condition}:"
                depth = 3
            yield from self._give(f"_{name}_{nth}" if len(scripts) > 1 else f"_{name}", played(script.steps), depth)
            if not condition and not played(script.steps)[-1].times:
                return
        yield f"        return {self._otherwise(key)}"

    def _give(self, member: str, steps: tuple[Step, ...], depth: int) -> Iterator[str]:
        """The next answer of the script, if it has another."""
        indent = "    " * depth
        if len(steps) == 1 and not steps[0].times:
            yield from laid_out(self.answers.answer(steps[0].answer), depth, "return ")
        elif not steps[-1].times:
            self._member(member, steps)
            yield f"{indent}return next(self.{member})"
        else:
            self._member(member, steps)
            yield f"{indent}if answer := next(self.{member}, None):"
            yield f"{indent}    return answer"

    def _member(self, member: str, steps: tuple[Step, ...]) -> None:
        iterator = self.imports.name("collections.abc", "Iterator")
        kind = f"{iterator}[{self.imports.name(_WIRE, 'Answer')}]"
        self.members.append(laid_out(self.answers.sequence(steps), 2, f"self.{member}: {kind} = "))

    def _otherwise(self, key: int) -> str:
        """The call of the base class's handler of such requests; a stall where it has none."""
        routes = routes_of(self.base).control.get(key, ())
        if not routes:
            return self.imports.name(_WIRE, "STALL")
        payload = "" if key >> 8 & DIRECTION_IN else ", payload"
        return f"self.{routes[0].handler.__name__}(setup{payload})"

    def _endpoint(self, address: int, steps: tuple[Step, ...]) -> list[str]:
        is_in = bool(address & DIRECTION_IN)
        mark = self.imports.name(_DEVICE, "endpoint_in" if is_in else "endpoint_out")
        name = f"endpoint_{address & 0x7F:x}_{'in' if is_in else 'out'}"
        argument = "_length: int" if is_in else "_payload: bytes"
        head = [f"    @{mark}({number_of(address, 2)})", f"    def {name}(self, {argument}) -> {self._reply()}:"]
        if not steps[-1].times:
            return [*head, *self._give(f"_{name}", steps, 2)]
        self._member(f"_{name}", steps)
        end = self.imports.name(_WIRE, "NEVER") if is_in else "None"
        return [*head, f"        return next(self._{name}, {end})"]


def _conditions(script: ControlScript) -> Iterator[str]:
    for name in ("wValue", "wIndex"):
        value = getattr(script, name)
        if value is not None:
            yield f"setup.{name} == {number_of(value, 4)}"
    if script.wLength is not None:
        yield f"setup.wLength == {script.wLength}"
