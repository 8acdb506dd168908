"""The pytest plugin as a driver developer uses it, on real kernels."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from harness.lane.config import LaneConfig
from tests import KNOWN_BUGS

pytest_plugins = ["pytester"]
pytestmark = [pytest.mark.guest, pytest.mark.timeout(600)]

QUATECH = KNOWN_BUGS / "quatech2-bulk-null.toml"
VULNERABLE, FIXED = "debian:5.10.223-1", "debian:5.10.262-1"
TITLE = "BUG: unable to handle kernel NULL pointer dereference in qt2_read_bulk_callback"

EXAMPLE = '''
"""What a driver developer would write."""

import pytest
from hypothesis import HealthCheck, given, settings

from strategies import hid_devices, malformed
from usbfuzz.models.hid.keyboard import Keyboard


def test_my_mouse_binds_on_every_kernel(usb_device, kernel_log):
    mouse = usb_device("mouse")
    assert mouse.drivers == {"usbhid", "hid-generic"}
    assert mouse.interfaces == {"1.0": "usbhid"}
    assert kernel_log.grep(r"hidraw\\d: USB HID v1.11 Mouse")
    mouse.unplug()
    assert mouse.drivers == set()
    assert "USB disconnect" in kernel_log


@pytest.mark.usb_device("serial-loopback")
def test_my_modem_answers(usb_guest, usb_device):
    (modem,) = usb_device.plugged
    assert modem.drivers == {"cdc_acm"}
    usb_guest.wait_for("/dev/ttyACM0")


def test_two_of_them_live_side_by_side(usb_device, kernel_log):
    with usb_device("mouse") as mouse, usb_device(Keyboard) as keyboard:
        assert mouse.interfaces == keyboard.interfaces == {"1.0": "usbhid"}
        assert keyboard.port == 1
    kernel_log.assert_quiet()


@pytest.mark.usb_kernel("debian:5.10.262-1")  # the older one has bugs that this finds
@settings(max_examples=8, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(device=malformed(hid_devices()))
def test_no_malformed_mouse_upsets_the_kernel(usb_device, kernel_log, device):
    with usb_device(device):
        kernel_log.assert_quiet()


def test_the_log_begins_with_the_test(kernel_log):
    assert "idVendor" not in kernel_log
'''

CRASHES = f"""
import pytest


def test_my_adapter_does_no_harm(usb_device):
    usb_device({str(QUATECH)!r})


def test_the_next_test_has_a_guest_again(usb_device):
    assert usb_device("mouse").drivers == {{"usbhid", "hid-generic"}}


def test_a_crash_that_is_expected_is_no_failure(usb_device, kernel_log):
    with kernel_log.expect_crash({TITLE!r}):
        usb_device({str(QUATECH)!r})


def test_a_crash_that_is_expected_must_come(usb_device, kernel_log):
    with kernel_log.expect_crash("WARNING in nothing"):
        usb_device("mouse")


def test_a_case_that_needs_another_boot_says_so(usb_device):
    usb_device({str(QUATECH.with_name("wacom-redzone.toml"))!r})
"""


@pytest.fixture(autouse=True)
def kernels(guest: Callable[..., LaneConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    guest(FIXED)
    # pytester gives its tests a home of their own; what is fetched and booted stays in ours.
    monkeypatch.setenv("USBFUZZ_CACHE", str(guest(VULNERABLE).cache_dir))


def test_a_driver_developers_tests_pass_on_every_kernel(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(EXAMPLE)
    words = ("--usb-mode", "warp", "--usb-kernel", VULNERABLE, "--usb-kernel", FIXED, "-W", "error")
    pytester.runpytest_subprocess(*words, timeout=550).assert_outcomes(passed=9)


def test_a_crash_fails_the_test_with_its_title_and_the_next_test_is_not_harmed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(CRASHES)
    result = pytester.runpytest_subprocess("--usb-mode", "warp", "--usb-kernel", VULNERABLE, timeout=550)
    result.assert_outcomes(passed=2, failed=3)
    text = result.stdout.str()
    assert f"{VULNERABLE}: {TITLE}" in text
    assert re.search(r"RIP: .*qt2_read_bulk_callback", text)
    assert "Modules linked in" not in text
    assert "no crash 'WARNING in nothing' in the guest, but none" in text
    assert "mark the test with usb_params('slub_debug=FZPU')" in text
