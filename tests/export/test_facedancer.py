"""Exported scripts run under the real Facedancer, which builds the same bytes from them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from usbfuzz.case import DeviceSpec
from usbfuzz.case.model import ControlScript, EndpointScript, Step
from usbfuzz.export import export
from usbfuzz.export.facedancer import render_facedancer
from usbfuzz.importers import import_bytes
from usbfuzz.wire import STALL, Answer, data

from .devices import KEPT

MOUSE = KEPT["boot-mouse"]


def _device(spec: DeviceSpec, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The device of an exported script, as Facedancer makes it."""
    path = folder / "exported.py"
    path.write_text(render_facedancer(spec))
    location = importlib.util.spec_from_file_location("exported_script", path)
    assert location is not None
    assert location.loader is not None
    module = importlib.util.module_from_spec(location)
    monkeypatch.setitem(sys.modules, "exported_script", module)
    location.loader.exec_module(module)
    (found,) = (value for value in vars(module).values() if getattr(value, "__module__", "") == "exported_script")
    return found()


def _served(device: Any, kind: int, index: int) -> bytes:
    """What its GET_DESCRIPTOR gives."""
    found = device.requestable_descriptors.get((kind, index)) or device.requestable_descriptors.get(kind)
    while callable(found):
        found = found(index)
    return bytes(found or b"")


@pytest.mark.parametrize("name", [*KEPT][::4])  # all of them take seconds; our reading of all is in test_formats.py
def test_facedancer_builds_the_bytes_of_a_kept_device(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = KEPT[name]
    device = _device(spec, tmp_path, monkeypatch)
    assert _served(device, 1, 0) == spec.device
    for index, raw in enumerate(spec.configurations):
        assert bytes(device.get_configuration_descriptor(index)) == raw
        assert raw[5] in device.configurations  # where SET_CONFIGURATION looks
    assert [_served(device, 3, index) for index, _ in spec.strings] == [raw for _, raw in spec.strings]
    assert (_served(device, 15, 0), _served(device, 6, 0)) == (spec.bos, spec.qualifier)
    interfaces = [
        part for configuration in device.configurations.values() for part in configuration.interfaces.values()
    ]
    reports = {part.number: _served(part, 0x22, 0) for part in interfaces if (0x22, 0) in part.requestable_descriptors}
    assert reports == dict(spec.reports)


def test_configurations_of_any_number_are_found_by_their_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = MOUSE.configurations
    raws = tuple(whole[:5] + bytes((value,)) + whole[6:] for value in (7, 3))
    spec = evolve(MOUSE, device=MOUSE.device[:17] + b"\2", configurations=raws)
    assert export(spec, "facedancer").lost == ()
    device = _device(spec, tmp_path, monkeypatch)
    assert tuple(bytes(device.get_configuration_descriptor(index)) for index in range(2)) == raws
    assert [bytes(device.configurations[value].get_descriptor()) for value in (7, 3)] == [*raws]


def test_answers_that_are_always_the_same_are_methods_and_others_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = (
        ControlScript((Step(data(b"abc"), 0),), 0xC0, 0x10, 0x0102, 3),
        ControlScript((Step(STALL, 0),), 0xA1, 0x11),
        ControlScript((Step(Answer(), 0),), 0x23, 0x12),
    )
    lost = (
        ControlScript((Step(data(b"once")),), 0xC0, 0x20),
        ControlScript((Step(data(b"b"), 0),), 0xC0, 0x10),  # Facedancer would give both answers
    )
    spec = evolve(MOUSE, control=(*kept, *lost), endpoints=(EndpointScript(0x81, (Step(data(b"\0\1\1"), 0),)),))
    assert len(_device(spec, tmp_path, monkeypatch)._request_handler_methods) > len(kept)
    exported = export(spec, "facedancer")
    got = import_bytes(exported.content, "exported.py")[0].device
    assert (got.control, got.endpoints) == (kept, spec.endpoints)
    assert exported.lost == ("answers to the control requests c0 20, c0 10 (bmRequestType bRequest)",)


def test_more_interfaces_than_a_byte_counts_are_no_obstacle() -> None:
    interfaces = b"".join(bytes((9, 4, number, 0, 0, 255, 0, 0, 0)) for number in range(256))
    configuration = b"\x09\x02" + (9 + len(interfaces)).to_bytes(2, "little") + b"\0\1\0\x80\x32" + interfaces
    exported = export(evolve(MOUSE, configurations=(configuration,), reports=()), "facedancer")
    assert import_bytes(exported.content, "exported.py")[0].device.configurations == (configuration,)
