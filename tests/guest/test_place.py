"""Ports and buses by the names the guest's kernel gives."""

from __future__ import annotations

import pytest

from harness.guest.place import Place, buses_of
from harness.guest.qemu import PORTS


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("1-1", Place(0)),
        ("2-1:1.0", Place(0, "1.0")),
        ("3-1:1.0", Place(1, "1.0")),
        ("4-1.2.3:2.11", Place(1, "2.11")),
        ("16-1:1.0", Place(7, "1.0")),
    ],
)
def test_a_device_or_interface_is_on_the_port_of_its_bus(name: str, place: Place) -> None:
    assert Place.of(name) == place


@pytest.mark.parametrize("name", ["", "usb3", "0003:1234:5678.0001", "3-1:1", "3-1.:1.0", "3-.1", "3-1:1.0 "])
def test_other_names_are_of_no_port(name: str) -> None:
    assert Place.of(name) is None


def test_each_bus_is_of_one_port() -> None:
    buses = [bus for port in range(PORTS) for bus in buses_of(port)]
    assert buses == list(range(1, 2 * PORTS + 1))
    assert [Place.of(f"{bus}-1") for bus in buses] == [Place(port) for port in range(PORTS) for _ in range(2)]
