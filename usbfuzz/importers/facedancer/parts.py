"""Facedancer's objects as a script declares them: device, configurations, interfaces, endpoints, descriptors.

Both of its styles are read: nested classes, and objects made in ``__init__`` and added to each other. The script is
parsed, never run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence

from attrs import field, mutable

from usbfuzz.importers.model import Problem

from .values import UnknownValueError, Value, Values

__all__ = ["VERSION_2", "Part", "devices_of", "other_style"]

_ROLES = {
    "USBDevice": "device",
    "USBBaseDevice": "device",
    "USBConfiguration": "configuration",
    "USBInterface": "interface",
    "USBEndpoint": "endpoint",
    "USBDescriptor": "descriptor",
    "USBClassDescriptor": "descriptor",
    "USBStringDescriptor": "descriptor",
    "HIDReportDescriptor": "descriptor",
}
#: modules of Facedancer 2, and of the programs for GoodFET it grew from
_MODULES = {"USB", "USBClass", "USBConfiguration", "USBDevice", "USBEndpoint", "USBInterface", "USBVendor"}
VERSION_2 = "Facedancer 2"
_OTHERS = {"umap2", "numap"}  #: fuzzers that grew from Facedancer 2; their constructors have fields of other names
_ORDERED = {"USBConfiguration", "USBDevice", "USBEndpoint", "USBInterface"}  #: with named fields only in version 3
_ORDER = ("device", "configuration", "interface", "endpoint", "descriptor")
_IN_CONFIGURATION = {"USBClassDescriptor"}
_REPORT = 0x22
_MAX_ANCESTORS = 16
_MAX_PARTS = 1000
_ADDERS = {"add_configuration", "add_interface", "add_endpoint", "add_descriptor"}


@mutable
class Part:
    """One object of the script, with the expressions its fields were given."""

    role: str
    name: str
    line: int
    fields: dict[str, ast.expr]
    values: Values
    parts: list[Part] = field(factory=list)
    handlers: list[ast.FunctionDef] = field(factory=list)
    problems: list[Problem] = field(factory=list)

    def value(self, name: str, default: Value = None) -> Value:
        """The value of a field, else ``default``; a value only running the script would tell is a problem."""
        node = self.fields.get(name)
        if node is None:
            return default
        try:
            return self.values.of(node)
        except UnknownValueError as error:
            self.problems.append(Problem(node.lineno, f"{self.name}.{name}: {error}; {default!r} is used"))
            return default

    def number(self, name: str, default: int = 0) -> int:
        """The same, for a field that is a number."""
        value = self.value(name, default)
        if isinstance(value, int):
            return value
        if value is None:
            return default
        self.problems.append(Problem(self.line, f"{self.name}.{name} is no number; {default} is used"))
        return default

    def raw(self, instead: str = "left out") -> bytes:
        """The bytes a descriptor is given, or those of its items; ``instead`` is what is done without them."""
        known = self.fields.get("raw")
        try:
            raw = self.values.of(known) if known is not None else None
            raw = self.values.of(self.fields["fields"]) if raw is None and "fields" in self.fields else raw
        except UnknownValueError as error:
            self.problems.append(Problem(self.line, f"{self.name}: {error}; {instead}"))
            return b""
        return _flat(raw)

    def of_role(self, role: str) -> Iterator[Part]:
        """The parts with a role, in the order in which they were added."""
        return (part for part in self.parts if part.role == role)

    def all_problems(self) -> Iterator[Problem]:
        """Those of this part and of all below it."""
        yield from self.problems
        for part in self.parts:
            yield from part.all_problems()


def _flat(raw: Value) -> bytes:
    """Bytes, or the octets of items in a row."""
    if isinstance(raw, bytes):
        return raw
    items = raw if isinstance(raw, tuple) else ()
    octets = [octet for item in items for octet in (item if isinstance(item, tuple | bytes) else (item,))]
    return bytes(octet & 0xFF for octet in octets if isinstance(octet, int))


def devices_of(tree: ast.Module) -> list[Part]:
    """The device classes of a script; those others derive from are left out."""
    classes = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    bases = {base for node in classes.values() for base in _bases(node)}
    script = _Script(classes)
    script.outer = Values(_assigned(tree.body), of_class=script.of_class)
    own = [node for node in _outer_classes(tree) if script.role(node) == "device"]
    return [script.part(node, script.outer) for node in own if node.name not in bases]


def _outer_classes(node: ast.AST) -> Iterator[ast.ClassDef]:
    """The classes that are in no other one: of the module, of functions, and under conditions."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            yield child
        elif isinstance(child, ast.stmt | ast.ExceptHandler):
            yield from _outer_classes(child)


def other_style(tree: ast.Module) -> tuple[int, str]:
    """The line that shows a script of another tool with classes of these names, and which; 0 in any other script.

    In Facedancer 2 each class was a module of its own, and constructors were given their fields in order.
    """
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str() as module):
                if tool := _tool(module):
                    return node.lineno, tool
            case ast.Import(names=names):
                if tool := next(filter(None, (_tool(alias.name) for alias in names)), ""):
                    return node.lineno, tool
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="__init__"), args=[_, _, *_]):
                if owner in _ROLES:
                    return node.lineno, VERSION_2
            case ast.ClassDef() if not _ROLES.keys().isdisjoint(_bases(node)):
                if line := _given_in_order(node):
                    return line, VERSION_2
            case ast.Call(func=ast.Name(id=name), args=[_, _, _, *_]) if name in _ORDERED:
                return node.lineno, VERSION_2
    return 0, ""


def _tool(module: str) -> str:
    """The tool whose classes are in a module; empty for Facedancer 3 and what has none."""
    names = module.split(".")
    return names[0] if names[0] in _OTHERS else VERSION_2 if names[-1] in _MODULES else ""


def _given_in_order(node: ast.ClassDef) -> int:
    """The line where a class calls ``super().__init__`` with fields in order; 0 when none does."""
    for below in ast.walk(node):
        match below:
            case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"), args=[_, *_]):
                return below.lineno
    return 0


def _bases(node: ast.ClassDef) -> list[str]:
    names = [base.attr if isinstance(base, ast.Attribute) else base for base in node.bases]
    return [name.id if isinstance(name, ast.Name) else name for name in names if isinstance(name, ast.Name | str)]


def _assigned(body: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """Names that are given a value, with or without a type."""
    found: dict[str, ast.expr] = {}
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
    return found


@mutable
class _Script:
    """The classes of a script, all of them by name."""

    classes: Mapping[str, ast.ClassDef]
    outer: Values = field(factory=lambda: Values({}))
    made: int = 0  #: parts so far
    asked: set[str] = field(factory=set)  #: classes whose bytes are being worked out

    def of_class(self, name: str, field_: str | None) -> Value:
        """A field of a class of the script, or the bytes of the descriptor it is; raises UnknownValueError."""
        shown = f"{name}.{field_}" if field_ else f"{name}()()"
        if name not in self.classes or name in self.asked or not self.room(len(self.asked)):
            raise UnknownValueError(f"{shown} has to be run")
        self.asked.add(name)
        try:
            part = self.part(self.classes[name], self.outer, len(self.asked))
            if field_ is not None and field_ in part.fields:
                return part.values.of(part.fields[field_])
            if part.role == "descriptor" and field_ in (None, "raw") and (raw := part.raw()):
                return raw
        finally:
            self.asked.discard(name)
        raise UnknownValueError(f"{shown} has to be run")

    def room(self, depth: int) -> bool:
        """Whether another part may be made: scripts may nest objects without end."""
        return depth < _MAX_ANCESTORS and self.made < _MAX_PARTS

    def ancestry(self, node: ast.ClassDef) -> list[ast.ClassDef]:
        """The class, then those it derives from that the script has, nearest first."""
        found = [node]
        for ancestor in found:
            more = [self.classes[base] for base in _bases(ancestor) if base in self.classes]
            found += [base for base in more if base not in found]
            if len(found) > _MAX_ANCESTORS:
                break
        return found

    def role(self, node: ast.ClassDef) -> str:
        """The kind of Facedancer object the class defines ("device", "endpoint", …); empty when it is none."""
        known = [base for ancestor in self.ancestry(node) for base in _bases(ancestor) if base in _ROLES]
        return _ROLES[known[0]] if known else ""

    def part(self, node: ast.ClassDef, outer: Values, depth: int = 0) -> Part:
        """The object that an instance of the class would be."""
        self.made += 1
        ancestry = self.ancestry(node)
        fields: dict[str, ast.expr] = {}
        for ancestor in reversed(ancestry):
            if "HIDReportDescriptor" in _bases(ancestor):
                fields["type_number"] = ast.Constant(_REPORT, lineno=ancestor.lineno)
            if _IN_CONFIGURATION & set(_bases(ancestor)):
                fields["include_in_config"] = ast.Constant(value=True, lineno=ancestor.lineno)
            fields |= _assigned(ancestor.body) | _decorated(ancestor)
        values = Values(fields, outer)
        part = Part(self.role(node), node.name, node.lineno, fields, values)
        inner = [nested for nested in node.body if isinstance(nested, ast.ClassDef) and self.role(nested)]
        for nested in inner if self.room(depth) else ():
            part.parts.append(self.part(nested, values, depth + 1))
        for ancestor in ancestry:
            part.handlers += [statement for statement in ancestor.body if isinstance(statement, ast.FunctionDef)]
        for function in part.handlers:
            if function.name == "__init__":
                _Constructor(self, part, depth).run(function)
                break
        return part


def _decorated(node: ast.ClassDef) -> dict[str, ast.expr]:
    """What ``@include_in_config`` and ``@requestable(type_number=…, number=…)`` say of a descriptor."""
    found: dict[str, ast.expr] = {}
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Name) and decorator.id == "include_in_config":
            found["include_in_config"] = ast.Constant(value=True, lineno=node.lineno)
        elif isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "requestable":
            found |= {word.arg: word.value for word in decorator.keywords if word.arg}
            found |= dict(zip(("type_number", "number"), decorator.args, strict=False))
    return found


@mutable
class _Constructor:
    """Follows the statements of an ``__init__`` that make objects and add them to each other."""

    script: _Script
    device: Part
    depth: int
    objects: dict[str, Part] = field(factory=dict)
    names: dict[str, ast.expr] = field(factory=dict)  #: parameters with defaults, and local names

    def run(self, function: ast.FunctionDef) -> None:
        """Do what is understood; the rest concerns the running device."""
        self.objects = {"self": self.device}
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        self.names = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
        for statement in function.body:
            match statement:
                case ast.Assign(targets=[target], value=value):
                    self._assign(target, value)
                case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=name)) as call):
                    self._called(owner, name, call)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(value, ast.Call) and (made := self._made(value)):
            self.objects[ast.unparse(target)] = made
        elif isinstance(target, ast.Name):
            # Which of two values a name has when it is used is not followed: then it is none that is known.
            self.names[target.id] = ast.Name(target.id) if target.id in self.names else value

    def _called(self, owner: ast.expr, name: str, call: ast.Call) -> None:
        if name == "__init__" and ast.unparse(owner).startswith("super("):
            given = {word.arg: word.value for word in call.keywords if word.arg}
            self.device.fields |= {name: self._argument(value) for name, value in given.items()}
            return
        holder = self.objects.get(ast.unparse(owner))
        if holder is None or name not in _ADDERS or not call.args:
            return
        first = call.args[0]
        added = self._made(first) if isinstance(first, ast.Call) else self.objects.get(ast.unparse(first))
        if added is None:
            what = f"{holder.name}.{name}: what is added is made elsewhere; left out"
            holder.problems.append(Problem(call.lineno, what))
        elif _ORDER.index(holder.role) < _ORDER.index(added.role):
            holder.parts.append(added)

    def _argument(self, value: ast.expr) -> ast.expr:
        """What a parameter or local name stands for, for other expressions the expression itself."""
        return self.names.get(value.id, value) if isinstance(value, ast.Name) else value

    def _made(self, call: ast.Call) -> Part | None:
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        given = {word.arg: word.value for word in call.keywords if word.arg}
        if not self.script.room(self.depth):
            return None
        if name in self.script.classes and self.script.role(self.script.classes[name]) not in ("", "device"):
            made = self.script.part(self.script.classes[name], self.script.outer, self.depth + 1)
            made.fields |= given
            return made
        if name not in _ROLES or _ROLES[name] == "device":
            return None
        return Part(_ROLES[name], name, call.lineno, given, Values(given, Values(self.names, self.device.values)))
