"""Exported classes at a real kernel: the same drivers bind as to the device of the case. And mypy, which is as slow."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.workbench import Workbench
from tests import ROOT
from usbfuzz.case import ScriptedDevice
from usbfuzz.device import Device
from usbfuzz.export import export
from usbfuzz.load import load_device

from .devices import KEPT

pytestmark = pytest.mark.guest

_NAMES = ("audio1-headset-062a-9004[0]", "cdc-acm-hp-slate-10[0]", "video-webcam-scb-0385n[0]", "boot-keyboard[0]")

_COUNT = r"\.[0-9A-F]{4}$"  #: of HID devices, which the kernel numbers without end


def _class_of(name: str, folder: Path) -> Device:
    path = folder / f"exported{len(list(folder.iterdir()))}.py"
    path.write_bytes(export(KEPT[name], "python").content)
    return load_device(str(path)).make()


def _bound(workbench: Workbench, devices: Sequence[Device]) -> list[str]:
    """Which driver each interface and HID device of the devices gets, at ports from 0 on."""
    for port, device in enumerate(devices):
        workbench.plug(port, device)
    found = sorted(f"{re.sub(_COUNT, '', name)} {driver}" for name, driver in workbench.drivers().items())
    for port, _ in enumerate(devices):
        workbench.unplug(port)
    return found


def test_an_exported_class_gets_the_drivers_of_its_case(workbench: Workbench, tmp_path: Path) -> None:
    expected = _bound(workbench, [ScriptedDevice(KEPT[name]) for name in _NAMES])
    drivers = {line.partition(" ")[2] for line in expected}
    assert drivers >= {"snd-usb-audio", "cdc_acm", "uvcvideo", "usbhid", "hid-generic"}
    assert _bound(workbench, [_class_of(name, tmp_path) for name in _NAMES]) == expected
    assert not workbench.device_errors()


def test_exported_classes_pass_mypy(tmp_path: Path) -> None:
    for number, spec in enumerate(KEPT.values()):
        (tmp_path / f"exported{number}.py").write_bytes(export(spec, "python").content)
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, sorted(tmp_path.glob("*.py")))]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.startswith("Success"), done.stdout
