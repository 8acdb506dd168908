"""One way of writing each thing that Python leaves open."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from .sources import Source, sources

Finding = tuple[int, str]  #: line number, what is wrong there
Rule = Callable[[Source], Iterator[Finding]]

_CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*$")
_DIRECTIVE = re.compile(r"# (?:type|noqa|fmt|pragma)\b")  #: comments that tools read


def _imports(source: Source) -> Iterator[Finding]:
    """Relative inside a folder, absolute to other folders, those below it included."""
    for node in source.nodes:
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level > 1:
            yield node.lineno, "relative import of another folder"
        elif node.level == 1 and node.module and not (source.path.parent / f"{node.module}.py").exists():
            yield node.lineno, f"relative import of another folder: .{node.module}"
        elif node.level == 0 and node.module and _beside(source, node.module):
            yield node.lineno, f"absolute import of the same folder: {node.module}"


def _beside(source: Source, module: str) -> bool:
    """Whether the module, or the package, is that of the file's own folder."""
    package, _, name = module.rpartition(".")
    return module == source.package or (package == source.package and (source.path.parent / f"{name}.py").exists())


def _final(source: Source) -> Iterator[Finding]:
    """A constant is known by its capitals."""
    for node in source.nodes:
        if isinstance(node, ast.ImportFrom) and any(name.name == "Final" for name in node.names):
            yield node.lineno, "Final"


def _alias(source: Source) -> Iterator[Finding]:
    """Attrs takes the underscore off a private attribute by itself."""
    for node in source.nodes:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        for keyword in node.value.keywords if isinstance(node.value, ast.Call) else ():
            given = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
            if keyword.arg == "alias" and given == node.target.id.lstrip("_"):
                yield node.lineno, f"alias={given!r}"


def _loop_names(source: Source) -> Iterator[Finding]:
    """A loop says what it goes through."""
    for node in source.nodes:
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            for name in ast.walk(node.target):
                if isinstance(name, ast.Name) and name.id == "one":
                    yield name.lineno, "for one in"


def _unused_arguments(source: Source) -> Iterator[Finding]:
    """An argument that is not used is deleted first."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
            body = node.body[1:] if ast.get_docstring(node) else node.body
            for statement in body[1:]:
                if isinstance(statement, ast.Delete) and all(
                    isinstance(target, ast.Name) and target.id in arguments for target in statement.targets
                ):
                    yield statement.lineno, "del of an argument is not the first statement"


def _constant_comments(source: Source) -> Iterator[Finding]:
    """A constant is explained by ``#:``, behind its value or on the lines above."""
    for node in _constants(source.tree):
        for line, comment in source.comments(node).items():
            if not comment.startswith("#:") and not _DIRECTIVE.match(comment):
                yield line, comment


def _constants(tree: ast.Module) -> Iterator[ast.Assign | ast.AnnAssign]:
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and _CONSTANT.match(target.id) for target in targets):
                yield node


RULES: dict[str, Rule] = {
    "imports are relative inside a folder and absolute elsewhere": _imports,
    "constants need no Final": _final,
    "attrs makes its own aliases": _alias,
    "loop variables say what they are": _loop_names,
    "unused arguments are deleted first": _unused_arguments,
    "constants are explained by #:": _constant_comments,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))
def test_every_file_keeps(rule: Rule) -> None:
    found = [f"{source.name}:{line}: {what}" for source in sources() for line, what in sorted(rule(source))]
    assert found == []
