"""Devices imported from lsusb text, plugged into a real kernel and read back by the real lsusb: the same bytes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from harness.lane.config import LaneConfig
from harness.workbench import Workbench
from tests import DEVICES
from tests.guest.overlay import with_programs
from usbfuzz.case import Case, DeviceSpec, ScriptedDevice, load
from usbfuzz.descriptors import join, split, string_descriptor, string_text
from usbfuzz.descriptors.standard import EndpointDescriptor, InterfaceDescriptor, SuperSpeedEndpointCompanion
from usbfuzz.importers import Imported, import_bytes

pytestmark = pytest.mark.guest

CORPUS = sorted((DEVICES).glob("*.toml"))
KERNEL = "debian:bookworm"
LSUSB_S = 60.0  #: guest seconds
#: Times that a probe is waited for again: on a busy machine one that waits for a silent device may be given up.
SETTLES = 20

#: bInterfaceClass, bInterfaceSubClass and bInterfaceProtocol, and the driver of Linux 6.1; None matches any.
DRIVERS: dict[tuple[int, int | None, int | None], str] = {
    (0x01, 1, None): "snd-usb-audio",
    (0x02, 2, 1): "cdc_acm",
    (0x02, 6, 0): "cdc_ether",
    (0x02, 14, 0): "cdc_mbim",
    (0x03, None, None): "usbhid",
    (0x07, 1, 2): "usblp",
    (0x08, 6, 0x50): "usb-storage",
    (0x08, 6, 0x62): "uas",
    (0x09, 0, None): "hub",
    (0x0E, 1, None): "uvcvideo",
    (0xE0, 1, 1): "btusb",
}


@pytest.fixture(scope="module")
def workbench(guest: Callable[..., LaneConfig]) -> Iterator[Workbench]:
    """A guest with lsusb in it."""
    lsusb = shutil.which("lsusb")
    assert lsusb is not None, "install the package usbutils"
    with Workbench(with_programs(guest(KERNEL), [Path(lsusb)])) as workbench:
        yield workbench


def rounds(paths: list[Path], ports: int) -> Iterator[dict[int, Case]]:
    """The cases of the files, as many at a time as there are ports, by port."""
    for at in range(0, len(paths), ports):
        yield {port: load(path) for port, path in enumerate(paths[at : at + ports])}


def expected(case: Case) -> dict[int, str]:
    """bInterfaceNumber and driver of the interfaces of the first configuration that DRIVERS knows.

    Left out are those that no driver takes, as the case says: cdc_acm refuses a fingerprint reader by its ids.
    """
    spec = case.devices[0]
    free = {line for row in case.expect for line in row.drivers or () if line.endswith(" -")}
    found: dict[int, str] = {}
    for descriptor in split(spec.configurations[0]) if spec.configurations else ():
        if isinstance(descriptor, InterfaceDescriptor):
            codes = (descriptor.bInterfaceClass, descriptor.bInterfaceSubClass, descriptor.bInterfaceProtocol)
            for triple, driver in DRIVERS.items():
                if all(want in (None, have) for want, have in zip(triple, codes, strict=True)):
                    found[descriptor.bInterfaceNumber] = driver  # an alternate setting may know better: UAS
    return {number: driver for number, driver in found.items() if f"1.{number} -" not in free}


def port_of(imported: Imported) -> int:
    """The port of ``Bus 003 Device 002: …``: each has a controller with two buses."""
    return (int(imported.origin[4:7]) - 1) // 2


def shown(imported: Imported, kind: str, pairs: tuple[tuple[int, bytes], ...]) -> dict[int, bytes]:
    """Those of the numbered strings or reports that stand in the text."""
    found = (re.match(rf"{kind} (\d+)", note) for note in imported.synthesised)
    made_up = {int(match[1]) for match in found if match}
    return {number: raw for number, raw in pairs if number not in made_up}


def as_ascii(raw: bytes) -> bytes:
    """The string descriptor as lsusb shows it in a guest without locales: ``?`` for what is not ASCII."""
    text = string_text(raw)
    return raw if text is None else string_descriptor(text.encode("ascii", "replace").decode())


def plugged(workbench: Workbench, cases: dict[int, Case]) -> None:
    for port, case in cases.items():
        workbench.plug(port, ScriptedDevice(case.devices[0]))


def missing_drivers(workbench: Workbench, cases: dict[int, Case]) -> list[str]:
    """What should be bound and is not."""
    bound: dict[str, dict[int, str]] = {name.partition("-")[0]: {} for name in workbench.drivers()}
    for name, driver in workbench.drivers().items():
        bus, _, rest = name.partition("-")
        if rest.startswith("1:"):
            bound[bus][int(rest.rpartition(".")[2])] = driver
    wrong = []
    for port, case in cases.items():
        have = bound.get(str(2 * port + 1), {}) | bound.get(str(2 * port + 2), {})
        wrong += [
            f"{case.title}: interface {n}: {have.get(n)}"
            for n, driver in expected(case).items()
            if have.get(n) != driver
        ]
    return wrong


def test_real_devices_come_back_from_lsusb_byte_for_byte_and_their_drivers_bind(workbench: Workbench) -> None:
    compared = 0
    for cases in rounds(CORPUS, workbench.lane.config.ports):
        plugged(workbench, cases)
        for _ in range(SETTLES):
            if not missing_drivers(workbench, cases):
                break
            workbench.settle()
        assert missing_drivers(workbench, cases) == []
        # usbhid keeps its interfaces to itself: without it lsusb can read their report descriptors.
        workbench.sh(
            'cd /sys/bus/usb/drivers/usbhid; for each in *:*; do [ ! -e "$each" ] || echo "$each" > unbind; done'
        )
        ran = workbench.run(("/usr/bin/lsusb", "-v"), LSUSB_S)
        assert ran.status == 0, ran.output[-500:]
        found = {
            port_of(device): device for device in import_bytes(ran.output, "lsusb") if "1d6b:" not in device.origin
        }
        assert found.keys() == cases.keys()
        for port, case in cases.items():
            same_bytes(case.devices[0], found[port])
            compared += 1
        for port in cases:
            workbench.unplug(port)
    assert compared == len(CORPUS) > 90
    assert not workbench.reports()


def same_bytes(spec: DeviceSpec, found: Imported) -> None:
    """Fails unless the import is the device, as far as lsusb shows it."""
    got = found.device
    assert got.device == spec.device, spec.name
    assert as_shown(got.configurations, found) == as_shown(spec.configurations, found), spec.name
    assert got.bos == spec.bos, spec.name
    assert got.qualifier == spec.qualifier, spec.name
    strings = {index: as_ascii(raw) for index, raw in spec.strings}
    assert shown(found, "string", got.strings).items() <= strings.items(), spec.name
    reports = shown(found, "the HID report descriptor of interface", got.reports)
    assert reports.items() <= dict(spec.reports).items(), spec.name
    # A HID descriptor behind its endpoint, as HID 1.00 had it, is shown as bytes, and its report descriptor is not.
    # That of usbutils 018 has lost the names of its items.
    lost = "kobil" in spec.name.lower() or any("(null)" in problem.reason for problem in found.problems)
    active = {interface.bInterfaceNumber for interface in interfaces(spec.configurations[0])}
    assert len(reports) == sum(number in active for number, _ in spec.reports) or lost, spec.name


def interfaces(configuration: bytes) -> list[InterfaceDescriptor]:
    return [descriptor for descriptor in split(configuration) if isinstance(descriptor, InterfaceDescriptor)]


def as_shown(configurations: tuple[bytes, ...], found: Imported) -> list[bytes]:
    """The configurations with 0 for wBytesPerInterval where lsusb says nothing of it (interrupt endpoints, 014)."""
    made_up = [note.rpartition(" ")[2] for note in found.synthesised if note.startswith("wBytesPerInterval")]
    told: list[bytes] = []
    for configuration in configurations:
        parts = list(split(configuration))
        for at, (before, companion) in enumerate(pairwise(parts), 1):
            if (
                isinstance(before, EndpointDescriptor)
                and isinstance(companion, SuperSpeedEndpointCompanion)
                and f"0x{before.bEndpointAddress:02x}" in made_up
            ):
                parts[at] = companion.replace(wBytesPerInterval=0)
        told.append(join(parts))
    return told
