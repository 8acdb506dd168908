"""Modules depend on each other in one direction, packages say what they are for, files stay short."""

from __future__ import annotations

import ast

import grimp

from tests import ROOT

from .sources import files, sources

LONGEST = 333  #: lines of a source file

#: Modules that may need each other, and why.
CIRCLES: frozenset[frozenset[str]] = frozenset(
    {
        # The annotations of a field name the class whose body it is written in.
        frozenset({"usbfuzz.descriptors.fields", "usbfuzz.descriptors.structure"}),
    }
)


def _circles(depends_on: dict[str, set[str]]) -> set[frozenset[str]]:
    """The groups of nodes that reach each other."""
    reach = {node: _reached(node, depends_on) for node in depends_on}
    groups = (frozenset(other for other in reach[node] if node in reach[other]) for node in depends_on)
    return {group for group in groups if len(group) > 1}


def _reached(node: str, depends_on: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = {node}
    while waiting:
        fresh = depends_on.get(waiting.pop(), set()) - reached
        reached |= fresh
        waiting |= fresh
    return reached


def test_no_python_modules_import_each_other() -> None:
    graph = grimp.build_graph("usbfuzz", "strategies", "harness", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert _circles(imports) == CIRCLES


def test_every_package_says_what_it_is_for() -> None:
    packages = [source for source in sources() if source.path.name == "__init__.py"]
    assert [source.name for source in packages if not ast.get_docstring(source.tree)] == []


def test_no_source_file_is_long() -> None:
    lengths = {path.relative_to(ROOT).as_posix(): path.read_text().count("\n") for path in files(".py", ".c", ".h")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}
