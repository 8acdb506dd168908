"""Programs of user space, drawn for the nodes that drivers of a kind of device make."""

from __future__ import annotations

from .draw import a_call, a_program, changed_number
from .events import kind_of, with_uses
from .nodes import NODES, nodes_of

__all__ = ["NODES", "a_call", "a_program", "changed_number", "kind_of", "nodes_of", "with_uses"]
