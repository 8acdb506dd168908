"""The agent's table of nodes: what kinds say, and no pattern hides another."""

from __future__ import annotations

from harness.guest.image.nodes import kinds_header, nodes
from harness.guest.image.programs import AGENT, GuestProgram
from usbfuzz.kinds import KINDS, Node


def _matches(node: Node, subsystem: str, name: str) -> bool:
    """As matches() of exercise.c."""
    if node.subsystem != subsystem:
        return False
    if node.name.startswith("*"):
        return node.name[1:-1] in name
    return name.startswith(node.name[:-1]) if node.name.endswith("*") else not node.name or node.name == name


def exercise_of(subsystem: str, name: str) -> str:
    """What the agent does with a node."""
    return next((node.exercise for node in nodes() if _matches(node, subsystem, name)), "plain")


def test_every_node_of_every_kind_is_in_the_table_and_is_reached() -> None:
    for kind in KINDS.values():
        for node in kind.nodes:
            name = node.name.replace("*", "0") or "anything"
            assert exercise_of(node.subsystem, name) == node.exercise


def test_no_two_kinds_claim_the_same_nodes() -> None:
    claimed = [(node.subsystem, node.name) for node in nodes()]
    assert len(set(claimed)) == len(claimed)


def test_a_named_node_comes_before_the_rest_of_its_subsystem() -> None:
    assert exercise_of("leds", "input3::capslock") == ""
    assert exercise_of("leds", "vendor::blue") == "attributes"
    assert exercise_of("dvb", "dvb0.frontend0") == "frontend"
    assert exercise_of("dvb", "dvb0.demux0") == "plain"
    assert exercise_of("usbmisc", "lp0") == "printer"
    assert exercise_of("usb", "1-1") == ""


def test_a_change_of_the_table_builds_another_agent() -> None:
    table = AGENT.headers["kinds.h"]
    assert table == kinds_header()
    other = {**AGENT.headers, "kinds.h": table.replace("exercise_tty", "NULL")}
    assert AGENT.digest() == GuestProgram("agent", AGENT.headers).digest()
    assert AGENT.digest() != GuestProgram("agent", other).digest()
