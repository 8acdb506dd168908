"""Every kept device loads, and writing it again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import CASE_FILES, CORPUS
from usbfuzz.case import ScriptedDevice, dumps, load, loads, spec_of
from usbfuzz.case.model import Action
from usbfuzz.device import HidDevice
from usbfuzz.load import in_bytes
from usbfuzz.models import MODELS
from usbfuzz.models.hid.keyboard import Keyboard
from usbfuzz.models.hid.pointers import BootMouse
from usbfuzz.wire import Answer, Setup

KNOWN_BUGS = sorted((CORPUS / "known-bugs").glob("*.toml"))


def named(path: Path) -> str:
    return path.stem


def test_the_corpus_has_the_known_bugs() -> None:
    assert len(KNOWN_BUGS) >= 8


@pytest.mark.parametrize("path", CASE_FILES, ids=named)
def test_a_kept_device_survives_being_written_again(path: Path) -> None:
    case = load(path)
    assert loads(dumps(case)) == case


@pytest.mark.parametrize("path", CASE_FILES, ids=named)
def test_a_kept_device_enumerates(path: Path) -> None:
    for spec in in_bytes(load(path)).devices:
        device = ScriptedDevice(spec)
        assert device.on_control(Setup(0x80, 6, 0x0100, 0, 18), b"").data == spec.device
        head = device.on_control(Setup(0x80, 6, 0x0200, 0, 9), b"").data
        whole = device.on_control(Setup(0x80, 6, 0x0200, 0, int.from_bytes(head[2:4], "little")), b"").data
        assert whole == spec.configurations[0]
        assert device.on_set_configuration(whole[5]) == Answer()
        assert device.layout().interfaces


@pytest.mark.parametrize("path", CASE_FILES, ids=named)
def test_hid_descriptors_tell_the_length_of_the_report_descriptor(path: Path) -> None:
    for spec in in_bytes(load(path)).devices:
        device = ScriptedDevice(spec)
        for bInterfaceNumber, report in spec.reports:
            descriptor = device.on_control(Setup(0x81, 6, 0x2100, bInterfaceNumber, 255), b"").data
            assert int.from_bytes(descriptor[7:9], "little") == len(report)
            assert device.on_control(Setup(0x81, 6, 0x2200, bInterfaceNumber, 4096), b"").data == report


@pytest.mark.parametrize("path", KNOWN_BUGS, ids=named)
def test_a_known_bug_says_where_it_shows_where_it_is_fixed_and_where_it_comes_from(path: Path) -> None:
    case = load(path)
    assert {expectation.kernel for expectation in case.expect if expectation.title}
    assert {expectation.kernel for expectation in case.expect if not expectation.title}
    assert case.title
    assert case.provenance.source
    assert case.provenance.notes
    assert case.events[-1].action is Action.UNPLUG


@pytest.mark.parametrize(("name", "model"), [("boot-mouse", BootMouse), ("boot-keyboard", Keyboard)])
def test_the_kept_boot_devices_are_the_models_of_that_name(name: str, model: type[HidDevice]) -> None:
    assert load(CORPUS / "devices" / f"{name}.toml").devices == (spec_of(model(), name),)


def test_the_extigy_grows_its_configurations_after_the_boot_request() -> None:
    device = ScriptedDevice(load(CORPUS / "known-bugs" / "extigy-unplug-gpf.toml").devices[0])
    ask = Setup(0x80, 6, 0x0100, 0, 18)
    assert device.on_control(ask, b"").data[17] == 1
    assert device.on_control(Setup(0x43, 0x10, 0x0001, 0x000A, 0), b"") == Answer()
    assert device.on_control(ask, b"").data[17] == 0xFF


def test_the_uac3_cluster_comes_in_two_steps() -> None:
    device = ScriptedDevice(load(CORPUS / "known-bugs" / "uac3-chmap-loop.toml").devices[0])
    header = device.on_control(Setup(0xA1, 6, 0x0007, 0, 6), b"").data
    wLength = int.from_bytes(header[:2], "little")
    cluster = device.on_control(Setup(0xA1, 6, 0x0007, 0, wLength), b"").data
    assert len(header) == 6
    assert cluster[:6] == header
    assert len(cluster) == wLength


def test_every_model_is_kept_once() -> None:
    kept = [spec.model for path in (CORPUS / "models").glob("*.toml") for spec in load(path).devices]
    assert sorted(map(MODELS.__getitem__, kept)) == sorted(set(MODELS.values()))
