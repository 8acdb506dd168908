"""A boofuzz Session drives a real guest, and its web page shows the crash by name."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import evolve
from boofuzz import Byte, Bytes, FuzzLoggerText, Request, Session, Target

from harness.lane.config import LaneConfig
from harness.workbench import Workbench
from usbfuzz.case import load
from usbfuzz.case.model import DeviceSpec
from usbfuzz.jobs.bridges.boofuzz_session import DescriptorConnection, GuestMonitor

pytestmark = pytest.mark.guest

ADSL_MODEM = Path("corpus/known-bugs")


@pytest.fixture(scope="module")
def workbench(guest: Callable[[str], LaneConfig]) -> Iterator[Workbench]:
    with Workbench(evolve(guest("debian:5.10.223"), ports=1)) as workbench:
        yield workbench


@pytest.fixture
def template() -> DeviceSpec:
    (path,) = ADSL_MODEM.glob("cxacru*.toml")
    return load(path).devices[0]


def test_a_session_finds_the_bug_and_goes_on(workbench: Workbench, template: DeviceSpec, tmp_path: Path) -> None:
    # The endpoint's bmAttributes is all there is to fuzz: some of its values are what the driver does not expect.
    raw = template.configurations[0]
    at = len(raw) - 7 - 7 + 3
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path.joinpath("log").open("w")
    session = Session(
        target=Target(DescriptorConnection(workbench, template), monitors=[GuestMonitor(workbench)]),
        fuzz_loggers=[FuzzLoggerText(file_handle=log)],
        db_filename=str(tmp_path / "boofuzz.db"),
        web_port=port,
        keep_web_open=False,
        restart_sleep_time=0,
        index_end=6,
    )
    session.connect(
        Request(
            "configuration",
            children=(
                Bytes("before", raw[:at], fuzzable=False),
                Byte("bmAttributes", raw[at], fuzz_values=[2, 3]),
                Bytes("after", raw[at + 1 :], fuzzable=False),
            ),
        )
    )
    with log:
        session.fuzz()
    crashed = [case for case in range(1, 7) if session.monitor_results.get(case)]
    assert crashed, (tmp_path / "log").read_text()[-3000:]
    assert len(crashed) < 6  # and the guest that follows a crash is a fresh one
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/").read().decode()
    assert "WARNING in cxacru_cm/usb_submit_urb" in page


def test_a_part_the_device_does_not_have_is_refused(workbench: Workbench, template: DeviceSpec) -> None:
    with pytest.raises(ValueError, match=r"cxacru-modem has no 'bos'; it has device, configurations\[0\]"):
        DescriptorConnection(workbench, template, "bos")
