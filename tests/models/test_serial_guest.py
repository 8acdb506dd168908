"""Simulated serial adapters, a printer and a hub on a real kernel: what is written arrives, and comes back."""

from __future__ import annotations

import os

import pytest

from harness.workbench import Workbench
from usbfuzz.models.hub import Hub
from usbfuzz.models.printer import Printer
from usbfuzz.models.serial.acm import ControlLine, LineCoding, Modem, Parity, SerialState
from usbfuzz.models.serial.ftdi import Ft232r

pytestmark = [pytest.mark.guest, pytest.mark.usefixtures("nothing_goes_wrong")]

#: Writes its input to a tty and prints as many bytes as it reads from there. The last word is exec: applets that the
#: shell runs in its own process see reads interrupted by the end of its other children.
ECHO = """
stty -F $0 raw -echo; exec 3<>$0
cat > /tmp/sent; cat /tmp/sent >&3 &
exec busybox head -c $(stat -c %s /tmp/sent) <&3
"""


def test_a_modem_echoes(workbench: Workbench) -> None:
    workbench.plug(0, Modem())
    assert workbench.drivers() == {"1-1:1.0": "cdc_acm", "1-1:1.1": "cdc_acm"}
    workbench.wait_for("/dev/ttyACM0")
    sent = os.urandom(100_000)
    assert workbench.run(("sh", "-c", ECHO, "/dev/ttyACM0"), stdin=sent).output == sent


def test_a_modem_is_told_speed_parity_and_that_somebody_listens(workbench: Workbench) -> None:
    modem = Modem()
    workbench.plug(0, modem)
    workbench.wait_for("/dev/ttyACM0")
    workbench.sh("stty -F /dev/ttyACM0 57600 cs7 parenb parodd cstopb")
    assert modem.line_coding == LineCoding(57600, 2, Parity.ODD, 7)
    assert modem.lines == ControlLine(0)
    holding = workbench.start(("sh", "-c", "exec 3<>/dev/ttyACM0; sleep 5"))
    _until_dtr(workbench, modem)
    assert holding.result().status == 0
    assert modem.lines == ControlLine(0)


def _until_dtr(workbench: Workbench, modem: Modem) -> None:
    while modem.lines != ControlLine.DTR | ControlLine.RTS:
        workbench.sh("sleep 0.1")


def test_a_lost_carrier_hangs_up(workbench: Workbench) -> None:
    modem = Modem()
    workbench.plug(0, modem)
    workbench.wait_for("/dev/ttyACM0")
    workbench.sh("stty -F /dev/ttyACM0 raw -echo -clocal")
    reading = workbench.start(("busybox", "cat", "/dev/ttyACM0"))
    _until_dtr(workbench, modem)
    workbench.call(modem.notify, SerialState(0))
    assert reading.result().output == b""
    assert reading.result().status == 0


def test_an_ftdi_adapter_echoes_and_takes_its_speed(workbench: Workbench) -> None:
    adapter = Ft232r()
    workbench.plug(0, adapter)
    assert workbench.drivers()["1-1:1.0"] == "ftdi_sio"
    workbench.wait_for("/dev/ttyUSB0")
    workbench.sh("stty -F /dev/ttyUSB0 115200")
    assert adapter.divisor == 3_000_000 // 115200
    sent = os.urandom(20_000)
    assert workbench.run(("sh", "-c", ECHO, "/dev/ttyUSB0"), stdin=sent).output == sent


def test_a_printer_prints_what_it_is_sent_and_says_who_it_is(workbench: Workbench) -> None:
    printer = Printer()
    workbench.plug(0, printer)
    assert workbench.drivers() == {"1-1:1.0": "usblp"}
    workbench.wait_for("/dev/usb/lp0")
    page = os.urandom(200_000)
    assert workbench.run(("sh", "-c", "cat > /dev/usb/lp0"), stdin=page).status == 0
    assert printer.printed == page
    assert workbench.sh("cat /sys/class/usbmisc/lp0/device/ieee1284_id").strip() == printer.device_id
    workbench.call(printer.say, b"ready\n")
    assert workbench.run(("busybox", "head", "-n", "1", "/dev/usb/lp0")).output == b"ready\n"


def test_a_printer_without_paper_waits_for_it(workbench: Workbench) -> None:
    printer = Printer()
    printer.load_paper(1)
    workbench.plug(0, printer)
    workbench.wait_for("/dev/usb/lp0")
    printing = workbench.start(("sh", "-c", "head -c 50000 /dev/zero > /dev/usb/lp0"))
    workbench.sh("sleep 3")
    assert 0 < len(printer.printed) < 50_000
    assert not printing.done()
    workbench.call(printer.load_paper)
    assert printing.result().status == 0
    assert printer.printed == bytes(50_000)


def test_a_hub_reports_what_happens_at_its_ports(workbench: Workbench) -> None:
    hub = Hub()
    workbench.plug(0, hub)
    assert workbench.drivers() == {"1-1:1.0": "hub"}
    assert "4 ports detected" in workbench.kernel_log()
    assert [hub.is_powered(number) for number in range(1, 5)] == [True] * 4
    workbench.call(hub.overload, 2)
    workbench.sh("sleep 1")
    workbench.call(hub.relieve, 2)
    workbench.sh("sleep 1")
    assert "usb 1-1-port2: over-current condition" in workbench.kernel_log()
    assert hub.is_powered(2)
    workbench.call(hub.attach, 3)
    workbench.sh("sleep 20")
    assert "usb 1-1-port3: unable to enumerate USB device" in workbench.kernel_log()
