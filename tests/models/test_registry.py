"""The list of models: every name makes a device, and importing the list imports none of them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from usbfuzz.descriptors import split
from usbfuzz.descriptors.standard import EndpointDescriptor
from usbfuzz.device import Device
from usbfuzz.errors import InputError
from usbfuzz.models import MODELS, find_model
from usbfuzz.wire import Answer


@pytest.mark.parametrize("name", MODELS)
def test_every_name_makes_a_device_that_can_be_configured(name: str) -> None:
    cls = find_model(name)
    device = cls()
    assert isinstance(device, Device)
    assert cls.__doc__
    assert len(device.device_descriptor()) == 18
    assert device.on_set_configuration(device.configurations[0][5]) == Answer()
    parts = split(device.configurations[0])
    announced = {part.bEndpointAddress for part in parts if isinstance(part, EndpointDescriptor)}
    assert {endpoint.bEndpointAddress for endpoint in device.layout().endpoints} <= announced
    assert len(device.layout().interfaces) == device.configurations[0][4]


@pytest.mark.parametrize("name", ["boot-keyboard", "boot-mouse", "serial-loopback"])
def test_names_that_users_know_from_before_are_kept(name: str) -> None:
    assert issubclass(find_model(name), Device)


def test_no_two_models_share_an_identity() -> None:
    identities = [model.device[8:12] for model in {find_model(name) for name in MODELS}]
    assert len(set(identities)) == len(identities)


def test_a_name_that_is_none_is_met_with_close_ones() -> None:
    with pytest.raises(InputError, match="there is printer"):
        find_model("prnter")


def test_the_list_itself_imports_no_model() -> None:
    code = "import sys, usbfuzz.models; print([name for name in sys.modules if name.startswith('usbfuzz.models.')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
