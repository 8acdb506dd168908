"""Values in Python scripts, worked out without running anything.

Literals, constants of the script, Facedancer's enumerations, arithmetic, and a few pure builtins; all of bounded size.
"""

from __future__ import annotations

import ast
import operator
import struct
from collections.abc import Callable, Mapping

from .calls import FUNCTIONS, METHODS, Value
from .names import ENUMERATIONS, ITEMS, MAIN_ITEMS, SIZES

__all__ = ["UnknownValueError", "Value", "Values"]

_MAX_BYTES = 1 << 16
_MAX_BITS = 4096
_MAX_DEPTH = 100
_SHOWN = 40  #: characters of an expression in a message


class UnknownValueError(Exception):
    """The value of an expression (named in the message) is known only when the script runs."""


_OPERATORS: Mapping[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
}

_ON = "preferred_state"  #: the one flag that is on unless it is said to be off
_FLAGS = ("constant", "variable", "relative", "wrap", "nonlinear", _ON, "nullable")


#: the value of a field of a class (None: the bytes of the descriptor it is), by the names of both
OfClass = Callable[[str, str | None], Value]


class Values:
    """The values of a script's expressions. ``names`` are expressions, evaluated when they are used.

    ``of_class`` tells what classes of the script hold; it raises UnknownValueError for others.
    """

    def __init__(
        self, names: Mapping[str, ast.expr], outer: Values | None = None, of_class: OfClass | None = None
    ) -> None:
        self._names = names
        self._outer = outer
        self.of_class: OfClass = of_class or (outer.of_class if outer else _no_class)
        self._found: dict[str, Value] = {}  # evaluated once: each name may double the one before

    def of(self, node: ast.expr, depth: int = 0) -> Value:
        """The value; raises UnknownValueError."""
        if depth > _MAX_DEPTH:
            raise UnknownValueError("it is nested too deeply")
        match node:
            case ast.Constant(value=bool() as value):
                return int(value)
            case ast.Constant(value=int() | str() | bytes() | None as value):
                return self._bounded(value)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return self._sequence(elements, depth)
            case ast.UnaryOp(op=ast.USub() | ast.Invert() | ast.UAdd() as sign, operand=operand):
                value = self._number(operand, depth)
                return -value if isinstance(sign, ast.USub) else ~value if isinstance(sign, ast.Invert) else value
            case ast.BinOp():
                return self._bounded(self._operation(node, depth))
            case ast.Name(id=name):
                return self._name(name, depth)
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self._member(owner, name, node)
            case ast.Attribute(value=ast.Call(func=ast.Name(id=owner), args=[], keywords=[]), attr=name):
                return self.of_class(owner, name)
            case ast.Subscript(value=whole, slice=part):
                return self._part(self.of(whole, depth + 1), part, depth)
            case ast.Call():
                return self._bounded(self._call(node, depth))
        raise UnknownValueError(f"{_shown(node)} has no constant value")

    def _sequence(self, elements: list[ast.expr], depth: int) -> tuple[Value, ...]:
        found: list[Value] = []
        for element in elements:
            if isinstance(element, ast.Starred):
                more = self.of(element.value, depth + 1)
                found += more if isinstance(more, tuple | bytes) else [more]
            else:
                found.append(self.of(element, depth + 1))
        return tuple(found)

    def _number(self, node: ast.expr, depth: int) -> int:
        value = self.of(node, depth + 1)
        if isinstance(value, int):
            return value
        raise UnknownValueError(f"{_shown(node)} is no number")

    def _operation(self, node: ast.BinOp, depth: int) -> Value:
        left, right = self.of(node.left, depth + 1), self.of(node.right, depth + 1)
        if isinstance(left, int) and isinstance(right, int):
            return _arithmetic(node, left, right)
        if isinstance(node.op, ast.Add):
            return _joined(node, left, right)
        if isinstance(node.op, ast.Mult) and isinstance(left, str | bytes | tuple) and isinstance(right, int):
            # Longer than any value may be, so that the check below refuses it, and still cheap to make.
            return left * min(right, _MAX_BYTES // max(len(left), 1) + 1)
        raise UnknownValueError(f"{_shown(node)} has no constant value")

    def _name(self, name: str, depth: int) -> Value:
        if name in self._found:
            return self._found[name]
        known = self._names.get(name)
        if known is not None and not (isinstance(known, ast.Name) and known.id == name):  # ``number = number``
            self._found[name] = self.of(known, depth + 1)
            return self._found[name]
        if self._outer is not None:
            return self._outer.of(ast.Name(name), depth + 1)
        raise UnknownValueError(f"the script does not say what {name} is")

    def _member(self, owner: str, name: str, node: ast.expr) -> Value:
        if owner == "self" and name in self._names:
            return self.of(self._names[name])
        if owner not in ENUMERATIONS:
            try:
                return self.of_class(owner, name)
            except UnknownValueError as error:
                raise UnknownValueError(f"{_shown(node)} is nothing usbfuzz knows") from error
        values = ENUMERATIONS[owner]
        if name not in values:
            raise UnknownValueError(f"{_shown(node)} is nothing usbfuzz knows")
        return values[name]

    def _part(self, whole: Value, part: ast.expr, depth: int) -> Value:
        """An element, or a slice."""
        if not isinstance(whole, str | bytes | tuple):
            raise UnknownValueError("what it is a part of has no parts")
        if not isinstance(part, ast.Slice):
            place = self._number(part, depth)
            if not -len(whole) <= place < len(whole):
                raise UnknownValueError(f"it has no element {place}")
            return whole[place]
        bounds = [None if bound is None else self._number(bound, depth) for bound in (part.lower, part.upper)]
        if part.step is not None:
            raise UnknownValueError("a slice with a step has no constant value")
        return whole[slice(*bounds)]

    def _call(self, node: ast.Call, depth: int) -> Value:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in MAIN_ITEMS:
            return self._main_item(name, node, depth)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "fromhex" and len(node.args) == 1:
            return _from_hex(self.of(node.args[0], depth + 1), node)
        if _shown(node.func) in ("StringRef", "StringRef.field"):
            given_by_name = {word.arg: self.of(word.value, depth + 1) for word in node.keywords}
            return (given_by_name.get("index"), given_by_name.get("string"))
        match node.func:
            case ast.Call(func=ast.Name(id=owner), args=[], keywords=[]):
                return self.of_class(owner, None)  # Report()() are the bytes of a descriptor
        given = self._sequence(node.args, depth)
        if name in ITEMS:
            return _item(ITEMS[name], given, node)
        if name in ("bytes", "bytearray") and not node.keywords:
            return _octets(given[0] if given else b"", node)
        if name in ("tuple", "list", "int") and len(given) == 1 and not node.keywords:
            return given[0]
        return self._pure(node, given, depth)

    def _pure(self, node: ast.Call, given: tuple[Value, ...], depth: int) -> Value:
        """What a function or method of Python's own gives."""
        try:
            if function := FUNCTIONS.get(_shown(node.func)):
                return function(*given)
            if isinstance(node.func, ast.Attribute) and (method := METHODS.get(node.func.attr)):
                named = {word.arg: self.of(word.value, depth + 1) for word in node.keywords}
                order = (named["byteorder"],) if "byteorder" in named else ()
                return method(self.of(node.func.value, depth + 1), *given, *order)
        except (TypeError, ValueError, OverflowError, struct.error) as error:
            raise UnknownValueError(f"{_shown(node)}: {error}") from error
        raise UnknownValueError(f"{_shown(node)} has to be run")

    def _main_item(self, name: str, node: ast.Call, depth: int) -> Value:
        """INPUT, OUTPUT, FEATURE: flags by name. HID 1.11 §6.2.2.5."""
        flags = {word.arg or "": self._number(word.value, depth) for word in node.keywords}
        flags |= {flag: self._number(value, depth) for flag, value in zip(_FLAGS, node.args, strict=False)}
        bits = sum(1 << bit for bit, flag in enumerate(_FLAGS) if bool(flags.get(flag, flag == _ON)) != (flag == _ON))
        return (MAIN_ITEMS[name] | 2, bits, 1) if flags.get("buffered_bytes") else (MAIN_ITEMS[name] | 1, bits)

    def _bounded(self, value: Value) -> Value:
        too_long = isinstance(value, str | bytes | tuple) and len(value) > _MAX_BYTES
        if too_long or (isinstance(value, int) and value.bit_length() > _MAX_BITS):
            raise UnknownValueError(f"a value is larger than {_MAX_BYTES} bytes")
        return value


def _no_class(name: str, field: str | None) -> Value:
    raise UnknownValueError(f"{name}{f'.{field}' if field else '()()'} has to be run")


def _arithmetic(node: ast.BinOp, left: int, right: int) -> int:
    work = _OPERATORS.get(type(node.op))
    if work is None or (isinstance(node.op, ast.LShift) and right > _MAX_BITS):
        raise UnknownValueError(f"{_shown(node)} has no constant value")
    try:
        return work(left, right)
    except (ArithmeticError, ValueError) as error:
        raise UnknownValueError(f"{_shown(node)}: {error}") from error


def _item(prefix: int, octets: tuple[Value, ...], node: ast.expr) -> Value:
    if len(octets) not in SIZES:
        raise UnknownValueError(f"{_shown(node)}: an item has 0, 1, 2 or 4 bytes")
    return (prefix | SIZES[len(octets)], *octets)


def _joined(node: ast.BinOp, left: Value, right: Value) -> Value:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, bytes) and isinstance(right, bytes):
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        return left + right
    raise UnknownValueError(f"{_shown(node)} has no constant value")


def _octets(value: Value, node: ast.expr) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int) and 0 <= value <= _MAX_BYTES:
        return bytes(value)
    if isinstance(value, tuple) and all(isinstance(octet, int) and 0 <= octet <= 0xFF for octet in value):
        return bytes(octet for octet in value if isinstance(octet, int))
    raise UnknownValueError(f"{_shown(node)} has no bytes")


def _from_hex(value: Value, node: ast.expr) -> bytes:
    try:
        return bytes.fromhex(value if isinstance(value, str) else "?")
    except ValueError as error:
        raise UnknownValueError(f"{_shown(node)} is not hex") from error


def _shown(node: ast.expr) -> str:
    try:
        text = ast.unparse(node)
    except RecursionError:
        return "an expression"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
