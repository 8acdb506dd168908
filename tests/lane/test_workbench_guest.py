"""The workbench on a real kernel: programs, devices, log, and a guest that is lost and made anew."""

from __future__ import annotations

import time

import pytest

from harness.guest.agent_client import Ran
from harness.workbench import Workbench
from usbfuzz.errors import GuestError, QemuError
from usbfuzz.models.hid.keyboard import Keyboard

pytestmark = pytest.mark.guest


def test_programs_of_the_image_run_and_their_ends_are_told(workbench: Workbench) -> None:
    assert workbench.run(("busybox", "echo", "a  b", "")) == Ran(0, b"a  b \n")
    assert workbench.run(("sh", "-c", "exit 7")) == Ran(7, b"")
    assert workbench.run(("no-such-program",)).status == 127
    assert workbench.run(("busybox", "md5sum"), stdin=bytes(1 << 20)).output == b"b6d81b360a5672d80c27430f39153e2c  -\n"


def test_a_script_has_every_applet_and_its_failure_is_an_error(workbench: Workbench) -> None:
    assert workbench.sh("seq 3 | sort -r | tr '\\n' ' '") == "3 2 1 "
    assert workbench.sh("cat; echo end\n" + "#" * 100_000) == "end\n"
    with pytest.raises(GuestError, match=r"status 1 in the guest: .*No such file"):
        workbench.sh("cat /nonesuch")


def test_a_program_is_ended_after_its_guest_time(workbench: Workbench) -> None:
    before = float(workbench.sh("cut -d' ' -f1 /proc/uptime"))
    assert workbench.run(("sh", "-c", "echo begun; sleep 1000"), seconds=20) == Ran(-9, b"begun\n")
    assert 20 <= float(workbench.sh("cut -d' ' -f1 /proc/uptime")) - before < 40
    assert "sleep" not in workbench.sh("ps")


def test_what_never_appears_is_an_error(workbench: Workbench) -> None:
    workbench.wait_for("/dev/null")
    with pytest.raises(GuestError, match="/dev/nonesuch: not there after 1 s"):
        workbench.wait_for("/dev/nonesuch", 1)


def test_a_keyboard_types_into_a_program(workbench: Workbench) -> None:
    keyboard = Keyboard()
    workbench.plug(0, keyboard)
    assert "usbhid" in workbench.drivers().values()
    assert "Boot keyboard" in workbench.kernel_log()
    reading = workbench.start(("busybox", "head", "-c", "16", "/dev/hidraw0"))
    while not reading.done():
        workbench.call(keyboard.press, 4)
        time.sleep(0.01)
    typed = reading.result().output
    assert {typed[:8], typed[8:]} == {bytes((0, 0, 4, 0, 0, 0, 0, 0)), bytes(8)}
    workbench.unplug(0)
    assert workbench.drivers() == {}
    assert not workbench.device_errors()


def test_a_guest_that_panics_leaves_its_log_and_a_fresh_one_works(workbench: Workbench) -> None:
    with pytest.raises((QemuError, GuestError)):
        workbench.sh("echo c > /proc/sysrq-trigger; sleep 5")
    assert "sysrq triggered crash" in workbench.kernel_log()
    workbench.restore()
    assert "sysrq triggered crash" not in workbench.kernel_log()
    assert workbench.sh("echo back") == "back\n"
