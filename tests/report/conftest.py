"""The real lsusb, on devices that are not there: umockdev holds their sysfs, a preloaded library answers for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from usbfuzz.case.model import DeviceSpec
from usbfuzz.descriptors import string_text
from usbfuzz.report.served import served

__all__ = ["Lsusb", "lsusb"]

Lsusb = Callable[[DeviceSpec], str]


@pytest.fixture(scope="session")
def lsusb(tmp_path_factory: pytest.TempPathFactory) -> Lsusb:
    """The real lsusb -v on a device; its words from "Device Descriptor:" on."""
    version = subprocess.run(["lsusb", "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
    if version != "014":
        pytest.skip(f"lsusb.txt speaks as usbutils 014; later ones print other words, and here is {version}")
    room = tmp_path_factory.mktemp("lsusb")
    answers = room / "answers.so"
    source = Path(__file__).parent / "lsusb_answers.c"
    flags = ("-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["cc", *flags, "-o", str(answers), str(source)], check=True)

    def run(spec: DeviceSpec) -> str:
        (room / "device.umockdev").write_text(_sysfs(spec))
        (room / "answers").write_text(_answers(spec))
        environment = {**os.environ, "LD_PRELOAD": str(answers), "LSUSB_ANSWERS": str(room / "answers")}
        done = subprocess.run(
            ["umockdev-run", "-d", str(room / "device.umockdev"), "--", "lsusb", "-v"],
            env={**environment, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=True,
        )
        head, mark, rest = done.stdout.partition("Device Descriptor:\n")
        assert mark, (done.stdout, done.stderr)
        assert head.startswith(("Bus 001", "\nBus 001"))
        return mark + rest

    return run


def _sysfs(spec: DeviceSpec) -> str:
    """The device in umockdev's words."""
    raw = (spec.device + b"".join(spec.configurations)).hex().upper()
    strings = dict(spec.strings)
    kept = zip(("manufacturer", "product", "serial"), spec.device[14:17], strict=True)
    attributes = {name: string_text(strings[index]) for name, index in kept if index in strings}
    return "\n".join(
        [
            "P: /devices/pci0000:00/0000:00:14.0/usb1/1-1",
            f"N: bus/usb/001/002={raw}",
            *("E: SUBSYSTEM=usb", "E: DEVTYPE=usb_device", "E: DEVNAME=/dev/bus/usb/001/002"),
            *("E: BUSNUM=001", "E: DEVNUM=002"),
            *("A: busnum=1", "A: devnum=2", "A: speed=480", "A: bConfigurationValue=1"),
            *(f"A: {name}={text}\\n" for name, text in attributes.items()),
            f"H: descriptors={raw}",
            "",
            "",
        ]
    )


def _answers(spec: DeviceSpec) -> str:
    tables = served(spec)
    rows = [f"80 6 {wValue:x} ffff {raw.hex()}" for wValue, raw in tables.device.items()]
    rows += [f"81 6 {kind << 8:x} {number:x} {raw.hex()}" for (kind, number), raw in tables.interface.items()]
    return "\n".join(rows) + "\n"
