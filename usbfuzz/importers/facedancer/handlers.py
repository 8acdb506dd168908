"""The answers of a Facedancer script's methods, where these are constant."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.descriptors.constants import DIRECTION_IN, Recipient, RequestKind
from usbfuzz.importers.model import Problem
from usbfuzz.wire import STALL, Answer

from .parts import Part
from .values import UnknownValueError

__all__ = ["control_scripts", "endpoint_script", "for_ever", "told_descriptor"]

_KINDS = {
    "standard_request_handler": RequestKind.STANDARD,
    "class_request_handler": RequestKind.CLASS,
    "vendor_request_handler": RequestKind.VENDOR,
}
_RECIPIENTS = {
    "to_device": Recipient.DEVICE,
    "to_this_interface": Recipient.INTERFACE,
    "to_any_interface": Recipient.INTERFACE,
    "to_this_endpoint": Recipient.ENDPOINT,
    "to_any_endpoint": Recipient.ENDPOINT,
    "to_other": Recipient.OTHER,
}
_WORDLESS = {"log", "logging", "print"}


def for_ever(answer: Answer) -> tuple[Step, ...]:
    """The steps of a script that always says the same."""
    return (Step(answer, times=0),)


def control_scripts(part: Part, recipient: Recipient, this: int | None) -> Iterator[ControlScript]:
    """Scripts for the decorated methods of a part; ``this`` is what wIndex says of it."""
    for function in part.handlers:
        decorators = {_name(decorator): decorator for decorator in function.decorator_list}
        kind = next((name for name in _KINDS if name in decorators), None)
        if kind is None:
            continue
        answer = _answer(part, function)
        if answer is None:
            what = f"{part.name}.{function.name} computes its answer; such requests are stalled"
            part.problems.append(Problem(function.lineno, what))
            continue
        to = next((name for name in _RECIPIENTS if name in decorators), "")
        conditions = _conditions(part, decorators[kind])
        if "number" not in conditions:
            continue
        wIndex = conditions.get("index", this & 0xFF if this is not None and to.startswith("to_this_") else None)
        for direction in _directions(conditions, answer):
            bmRequestType = direction | _KINDS[kind] | _RECIPIENTS.get(to, recipient)
            yield ControlScript(
                for_ever(answer), bmRequestType, conditions["number"] & 0xFF, conditions.get("value"), wIndex
            )


def _directions(conditions: dict[str, int], answer: Answer) -> tuple[int, ...]:
    if "direction" in conditions:
        return (DIRECTION_IN if conditions["direction"] else 0,)
    if answer == STALL:
        return (0, DIRECTION_IN)
    return (DIRECTION_IN,) if answer.data else (0,)


def _conditions(part: Part, decorator: ast.expr) -> dict[str, int]:
    """The numbers a handler's decorator asks for."""
    found: dict[str, int] = {}
    for word in decorator.keywords if isinstance(decorator, ast.Call) else ():
        try:
            value = part.values.of(word.value)
        except UnknownValueError as error:
            part.problems.append(Problem(word.value.lineno, f"{part.name}: {error}; its requests are stalled"))
            return {}
        if word.arg and isinstance(value, int):
            found[word.arg] = value & 0xFFFF
    return found


def endpoint_script(part: Part, address: int) -> EndpointScript | None:
    """What an IN endpoint sends each time it is asked, when that is always the same."""
    for function in part.handlers:
        if function.name == "handle_data_requested" and address & DIRECTION_IN:
            answer = _answer(part, function)
            if answer is not None and answer.data:
                return EndpointScript(address, for_ever(answer))
            part.problems.append(Problem(function.lineno, f"{part.name} computes what it sends; it sends nothing"))
    return None


def told_descriptor(part: Part) -> bytes | None:
    """The bytes that a part's own ``get_descriptor`` returns in place of what Facedancer would build, if constant."""
    for function in part.handlers:
        returned = function.body[-1] if function.name == "get_descriptor" else None
        if isinstance(returned, ast.Return) and returned.value is not None:
            try:
                value = part.values.of(returned.value)
            except UnknownValueError as error:
                part.problems.append(Problem(function.lineno, f"{part.name}.get_descriptor: {error}; not used"))
                return None
            return value if isinstance(value, bytes) else None
    return None


def _answer(part: Part, function: ast.FunctionDef) -> Answer | None:
    """The answer of a method whose only effective statement sends a constant; None for others."""
    calls = [
        call
        for statement in function.body
        if (call := _call(statement)) and ast.unparse(call.func).split(".")[0] not in _WORDLESS
    ]
    others = [statement for statement in function.body if not _call(statement) and not _is_silent(statement)]
    if len(calls) != 1 or others or not isinstance(calls[0].func, ast.Attribute):
        return None
    name, given = calls[0].func.attr, calls[0].args
    if name in ("ack", "acknowledge", "stall"):
        return STALL if name == "stall" else Answer()
    if name not in ("reply", "send") or not given:
        return None
    try:
        value = part.values.of(given[0])
    except UnknownValueError:
        return None
    if isinstance(value, tuple):
        value = bytes(octet & 0xFF for octet in value if isinstance(octet, int))
    return Answer(data=value) if isinstance(value, bytes) else None


def _call(statement: ast.stmt) -> ast.Call | None:
    return statement.value if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) else None


def _is_silent(statement: ast.stmt) -> bool:
    """A docstring, or ``pass``."""
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _name(decorator: ast.expr) -> str:
    func = decorator.func if isinstance(decorator, ast.Call) else decorator
    return func.id if isinstance(func, ast.Name) else ""
