"""The guest agent's table of device nodes, as a C header, from what kinds of devices say of their nodes."""

from __future__ import annotations

from usbfuzz.kinds import KINDS, Node

__all__ = ["kinds_header", "nodes"]

#: Nodes of devices of every kind; opening them starts nothing.
_OF_EVERY_DEVICE = (Node("usb"), Node("usbmon"))


def nodes() -> tuple[Node, ...]:
    """The nodes of all kinds in the order they are tried: by subsystem, and in it those with a name before the rest."""
    declared = {node for kind in KINDS.values() for node in kind.nodes} | set(_OF_EVERY_DEVICE)
    return tuple(sorted(declared, key=lambda node: (node.subsystem, not node.name, node.name)))


def kinds_header() -> str:
    """``kinds.h`` of the agent: the functions the table names are declared, the first match wins."""
    functions = sorted({f"exercise_{node.exercise}" for node in nodes() if node.exercise})
    rows = [
        f'\t{{ "{node.subsystem}", {_name(node)}, {f"exercise_{node.exercise}" if node.exercise else "NULL"} }},'
        for node in nodes()
    ]
    return "\n".join(
        (
            "/* Written by harness/guest/image/nodes.py from usbfuzz/kinds when the agent is built. */",
            *(f"exercise_fn {name};" for name in functions),
            "",
            "static const struct kind kinds[] = {",
            *rows,
            "};",
            "",
        )
    )


def _name(node: Node) -> str:
    return f'"{node.name}"' if node.name else "NULL"
