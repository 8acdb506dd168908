"""Generated devices as input for code of your own, without any guest.

::

    pytest examples/test_parser.py

Hypothesis shrinks what fails to the smallest device that still does.
"""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given

from strategies import devices, hid_devices, malformed
from usbfuzz.case import DeviceSpec

INTERFACE, HID = 4, 3


def interface_classes(configuration: bytes) -> Iterator[int]:
    """bInterfaceClass of each interface descriptor. This stands for the parser you want to test."""
    while len(configuration) >= 2 and 2 <= configuration[0] <= len(configuration):
        if configuration[1] == INTERFACE and configuration[0] >= 9:
            yield configuration[5]
        configuration = configuration[configuration[0] :]


@given(hid_devices())
def test_the_parser_finds_the_hid_interface_of_every_hid_device(device: DeviceSpec) -> None:
    assert HID in interface_classes(device.configurations[0])


@given(malformed(devices()))
def test_the_parser_stops_on_any_device_however_malformed(device: DeviceSpec) -> None:
    for configuration in device.configurations:
        assert len(list(interface_classes(configuration))) <= len(configuration) // 9
