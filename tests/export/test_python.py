"""Devices as Python classes: the file that is written gives the same bytes and the same answers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from tests import ROOT
from usbfuzz.case import DeviceSpec, ScriptedDevice, spec_of
from usbfuzz.case.model import ControlScript, EndpointScript, RequestPattern, Step
from usbfuzz.device import Device, HidDevice
from usbfuzz.export import FORMATS, export
from usbfuzz.load import load_device
from usbfuzz.wire import NAK, NEVER, STALL, Answer, Status, data

from .devices import KEPT, ODD
from .playing import behaviour

MOUSE = KEPT["boot-mouse"]
#: Scripts that decorated methods can play.
PLAIN = (
    ControlScript((Step(data(b"\1"), 2), Step(STALL), Step(data(bytes(40)), 0)), 0xC0, 0x10),
    ControlScript((Step(data(b"once")),), 0xC1, 0x11, 0x0100, 1, 4),
    ControlScript((Step(data(b"any")), Step(Answer(Status.BABBLE, b"x", 5))), 0xC1, 0x11, wIndex=1),
    ControlScript((Step(STALL, 0),), 0xC1, 0x11),
    ControlScript((Step(NAK, 0),), 0xC1, 0x12, 0x0200),
    ControlScript((Step(Answer(), 0),), 0x21, 0x09),
    ControlScript((Step(STALL), Step(Answer())), 0x21, 0x0A),
    ControlScript((Step(data(b"two bytes")),), 0x80, 0x00),
    ControlScript((Step(data(b"\4\3x\0")),), 0x80, 0x06, 0x0302),
    ControlScript((), 0xC0, 0x13),
)
PLAIN_ENDPOINTS = (
    EndpointScript(0x81, (Step(data(b"\0\1\0"), 3), Step(STALL))),
    EndpointScript(0x81, (Step(data(b"\0\2\0")),)),
    EndpointScript(0x82, (Step(data(b"more"), 0),)),
    EndpointScript(0x02, (Step(STALL), Step(Answer(delay_ms=7), 2))),
    EndpointScript(0x03, ()),
)
ODD_SCRIPTS = {
    "any request": ControlScript((Step(STALL, 0),), bRequest=0x10),
    "any kind": ControlScript((Step(STALL, 0),), 0x40),
    "only after another": ControlScript((Step(STALL, 0),), 0xC0, 1, after=RequestPattern(0x40, 2)),
    "a reserved kind": ControlScript((Step(data(b"x")),), 0xE0, 1),
    "a configuration": ControlScript((Step(data(b"\x09\x02")),), 0x80, 0x06, 0x0200),
    "set configuration": ControlScript((Step(STALL),), 0x00, 0x09),
}


def _read(text: bytes, folder: Path) -> Device:
    path = folder / "exported.py"
    path.write_bytes(text)
    return load_device(str(path)).make()


def _same(spec: DeviceSpec, device: Device) -> None:
    sheet = evolve(spec, control=(), endpoints=(), name="")
    assert evolve(spec_of(device), control=(), endpoints=(), name="") == sheet
    assert behaviour(device, spec) == behaviour(ScriptedDevice(spec), spec)


@pytest.mark.parametrize("name", KEPT)
def test_a_kept_device_is_the_same_as_a_class(name: str, tmp_path: Path) -> None:
    exported = export(KEPT[name], "python")
    assert exported.lost == ()
    _same(KEPT[name], _read(exported.content, tmp_path))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(spec=ODD)
def test_any_device_of_a_campaign_is_the_same_as_a_class(tmp_path: Path, spec: DeviceSpec) -> None:
    _same(spec, _read(export(spec, "python").content, tmp_path))


def test_plain_scripts_become_decorated_methods(tmp_path: Path) -> None:
    spec = evolve(MOUSE, control=PLAIN, endpoints=PLAIN_ENDPOINTS)
    text = export(spec, "python").content
    device = _read(text, tmp_path)
    assert type(device).__mro__[1] is HidDevice
    assert b"ControlScript" not in text
    _same(spec, device)


@pytest.mark.parametrize("what", ODD_SCRIPTS)
def test_a_script_that_decorators_cannot_say_stays_data(what: str, tmp_path: Path) -> None:
    spec = evolve(MOUSE, control=(ODD_SCRIPTS[what], *PLAIN), endpoints=PLAIN_ENDPOINTS)
    device = _read(export(spec, "python").content, tmp_path)
    assert spec_of(device, spec.name) == spec
    _same(spec, device)


def test_an_endpoint_that_waits_for_the_host_stays_data(tmp_path: Path) -> None:
    held = EndpointScript(0x81, (Step(NAK), Step(data(b"now")), Step(NEVER, 0)))
    waiting = EndpointScript(0x81, (Step(data(b"now")),), after=RequestPattern(0x80, 0))
    for number, script in enumerate((held, waiting)):
        spec = evolve(MOUSE, endpoints=(script,))
        (tmp_path / str(number)).mkdir()
        device = _read(export(spec, "python").content, tmp_path / str(number))
        assert spec_of(device, spec.name) == spec
        _same(spec, device)


def test_descriptors_that_lie_keep_their_bytes(tmp_path: Path) -> None:
    whole = MOUSE.configurations[0]
    lies = (
        whole[:2] + b"\xff\xff" + whole[4:],  # wTotalLength
        whole[:-3],  # cut
        whole[:9] + b"\x30" + whole[10:],  # bLength of the interface
        whole + b"\x05\x24",  # a descriptor that is not there
        b"\x09",
        b"",
    )
    spec = evolve(MOUSE, device=MOUSE.device[:11], configurations=lies, bos=b"\x05\x0f\x09\0\1\3\x10", qualifier=b"\6")
    _same(spec, _read(export(spec, "python").content, tmp_path))


@pytest.mark.parametrize(
    "name", ['""" """', "\\", "class", "3com", "Device", "Speed", "", "\u202e\n\0", "é", "x" * 400, "build"]
)
def test_a_device_may_have_any_name_and_any_strings(name: str, tmp_path: Path) -> None:
    from usbfuzz.descriptors import string_descriptor

    texts = ("it's", 'say "hi"', 'it\'s "both"', "\\", "\n\t\0\u2028\U0001f600", '"""', "{x}", name[:100])
    strings = tuple((index, string_descriptor(text)) for index, text in enumerate(texts, 1))
    spec = evolve(MOUSE, name=name, strings=((0, b"\2\3"), *strings, (200, b"\3\3x"), (201, b"")))
    _same(spec, _read(export(spec, "python").content, tmp_path))


def test_what_is_written_is_what_ruff_format_would_write(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    assert ruff is not None
    specs = {**KEPT, "scripts": evolve(MOUSE, control=PLAIN, endpoints=PLAIN_ENDPOINTS)}
    specs |= {what: evolve(MOUSE, control=(script, *PLAIN)) for what, script in ODD_SCRIPTS.items()}
    for number, spec in enumerate(specs.values()):
        for form in ("python", "facedancer"):
            (tmp_path / f"{form}{number}.py").write_bytes(str(FORMATS[form].write(spec)).encode())
    for width in ("88", "120"):  # ruff's own, and this project's
        command = [ruff, "format", "--isolated", "--line-length", width, "--diff", str(tmp_path)]
        assert subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT).stdout == ""
