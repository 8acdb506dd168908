"""Joins the modules of :mod:`usbfuzz.report.standalone` into one file."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

__all__ = ["MODULES", "bundled"]

#: Lowest first: a module may use the names of those before it.
MODULES = ("spec", "device", "pipes", "channel", "machine", "schedule", "main")

_SOURCES = Path(__file__).parent / "standalone"


@cache
def bundled() -> str:
    """Python source with the names of all modules; imports first, each module's docstring as a comment above it."""
    imports: set[str] = set()
    sections = []
    for name in MODULES:
        text = (_SOURCES / f"{name}.py").read_text(encoding="utf-8")
        tree = ast.parse(text)
        imports.update(ast.unparse(node) for node in tree.body if _is_library_import(node))
        sections.append(_section(ast.get_docstring(tree) or name, _body(text, tree)))
    plain = sorted(line for line in imports if line.startswith("import"))
    names = sorted(line for line in imports if line.startswith("from"))
    return "\n".join(["from __future__ import annotations", "", *plain, *names, "", "", "\n\n\n".join(sections)]) + "\n"


def _is_library_import(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return not node.level and node.module != "__future__"
    return isinstance(node, ast.Import)


def _is_left_out(node: ast.stmt) -> bool:
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    exports = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    return docstring or exports or isinstance(node, (ast.Import, ast.ImportFrom))


def _body(text: str, tree: ast.Module) -> str:
    """The module's text without docstring, imports and ``__all__``."""
    lines = text.splitlines()
    for node in tree.body:
        if _is_left_out(node):
            assert node.end_lineno is not None
            for number in range(node.lineno - 1, node.end_lineno):
                lines[number] = ""
    return "\n".join(lines).strip("\n")


def _section(docstring: str, body: str) -> str:
    comment = "\n".join(f"# {line}".rstrip() for line in docstring.splitlines())
    return f"{comment}\n\n{body}"
