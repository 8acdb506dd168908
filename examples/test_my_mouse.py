"""Tests of a device on real kernels, with the pytest plugin that comes with usbfuzz.

::

    pytest examples/test_my_mouse.py
    pytest examples/test_my_mouse.py --usb-kernel ~/src/linux -k malformed

A kernel that crashes or warns fails the test with the title of the crash, and the next test gets a fresh guest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from my_mouse import MyMouse

from strategies import hid_devices, malformed

if TYPE_CHECKING:
    from usbfuzz.case import DeviceSpec
    from usbfuzz.jobs.pytest.guest import Guest, KernelLog, Plugger


@pytest.mark.usb_kernel("debian:5.10.223", "debian:bookworm")
def test_my_mouse_binds_and_moves_on_both_kernels(usb_guest: Guest, usb_device: Plugger, kernel_log: KernelLog) -> None:
    mouse = usb_device(MyMouse)
    assert mouse.drivers == {"usbhid", "hid-generic"}
    usb_guest.wait_for("/dev/input/mouse0")
    assert usb_guest.sh("dd if=/dev/hidraw0 bs=3 count=1 2>/dev/null | hexdump -C").startswith("00000000  00 05 00")
    kernel_log.assert_quiet()


# The fixtures are made once for all examples: each plugs a device in and pulls it again.
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(device=malformed(hid_devices()))
def test_no_malformed_hid_device_upsets_the_kernel(
    usb_device: Plugger, kernel_log: KernelLog, device: DeviceSpec
) -> None:
    with usb_device(device):
        kernel_log.assert_quiet()
